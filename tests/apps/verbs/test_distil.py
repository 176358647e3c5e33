"""``distil``: a training of the domain's own that begins from its teacher, and samples in the calls asked for."""

from collections.abc import Callable
from pathlib import Path

from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]


def test_a_student_shares_what_it_must_with_its_teacher_samples_in_its_calls_and_is_resumed(
    becalm: Run, tmp_path: Path
) -> None:
    train = ("toy", "train", "--precision", "fp32", "--device", "cpu", "--steps", 20, "--out", "a.safetensors")
    assert becalm(*train, "--prediction", "flow", "--drop", 0.3, "--quiet")[0] == 0
    out = ("--out", "b.safetensors", "--quiet")
    student = (
        "distil",
        "a.safetensors",
        "--calls",
        1,
        "--steps",
        4,
        "--device",
        "cpu",
        *out,
        "--",
        "--precision",
        "fp32",
    )
    assert becalm(*student)[0] == 0
    objective = Checkpoint.read(tmp_path / "b.safetensors").config["objective"]
    assert (objective["kind"], objective["calls"]) == ("distribution_matching", 1)
    assert (objective["prediction"], objective["drop"]) == ("flow", 0.1)
    code, said, _ = becalm("toy", "sample", "--checkpoint", "b.safetensors", "--count", 2, "--out", "b.npz")
    assert code == 0 and "1 step" in said
    assert becalm("distil", "a.safetensors", "--resume", "--steps", 6, *out)[0] == 0
    code, _, said = becalm("distil", "b.safetensors", "--steps", 4, "--out", "c.safetensors")
    assert code == 2 and "a teacher must be a denoiser" in said and len(said.splitlines()) == 1
    code, _, said = becalm("distil", "a.safetensors", "--out", "c.safetensors", "--", "--no-such-flag", 4)
    assert code == 2 and "--no-such-flag" in said
    assert not (tmp_path / "c.safetensors").exists()
