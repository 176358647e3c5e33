"""Results know their making: every kind of file is made once more to the bit, or refused in one sentence."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running import refused

import becalm as becalm_
from becalm.provenance import read, write

Run = Callable[..., tuple[int, str, str]]


def again(becalm: Run, file: Path, *words: object) -> str:
    """Makes a file once more, checks that it came out the same, and gives what was said."""
    code, out, err = becalm("again", file, *words)
    assert (code, err) == (0, ""), err
    assert "made again, the same to the bit" in out
    return out


@pytest.mark.parametrize("suffix", [".png", ".npz", ".gif"])
def test_samples_are_made_again(suffix: str, becalm: Run, trained: Path) -> None:
    words = [
        "--checkpoint",
        trained,
        "--count",
        5,
        "--batch",
        2,
        "--steps",
        3,
        "--seed",
        7,
        "--sampler",
        "ddim",
        "--eta",
        0.5,
    ]
    file, copy = trained.with_name(f"a{suffix}"), trained.with_name(f"b{suffix}")
    assert becalm("toy", "sample", *words, "--out", file)[0] == 0
    again(becalm, file, "--out", copy)
    assert copy.read_bytes() == file.read_bytes()


def test_a_result_moves_with_its_checkpoint_and_names_no_folder(becalm: Run, trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--out", file)[0] == 0
    assert str(tmp_path) not in read(file).text
    away = tmp_path / "away"
    away.mkdir()
    for path in (file, trained):
        shutil.move(path, away / path.name)
    again(becalm, away / "a.png")
    # Under another name it must be named, and is known by its digest.
    (away / trained.name).rename(away / "other.safetensors")
    refused(becalm("again", away / "a.png"), "name the file by --checkpoint")
    again(becalm, away / "a.png", "--checkpoint", away / "other.safetensors", "--out", tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == (away / "a.png").read_bytes()


def test_another_checkpoint_is_refused(becalm: Run, trained: Path) -> None:
    file = trained.with_name("a.npz")
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--out", file)[0] == 0
    assert (
        becalm("toy", "train", "--steps", 6, "--device", "cpu", "--out", trained.with_name("new.safetensors"))[0] == 0
    )
    refused(
        becalm("again", file, "--checkpoint", trained.with_name("new.safetensors")), "is another one: its digest is"
    )
    trained.with_name("new.safetensors").replace(trained)
    refused(becalm("again", file), "is another one: its digest is")


def test_python_and_evaluate_write_what_sample_writes(becalm: Run, trained: Path) -> None:
    asked = ["--checkpoint", trained, "--count", 3, "--steps", 2, "--seed", 4]
    for suffix in (".png", ".npz"):
        assert becalm("toy", "sample", *asked, "--out", f"a{suffix}")[0] == 0
        assert becalm("toy", "evaluate", *asked, "--out", f"b{suffix}")[0] == 0
        becalm_.load(trained).sample(count=3, steps=2, seed=4).save(trained.with_name(f"c{suffix}"))
        first, *rest = (trained.with_name(f"{name}{suffix}").read_bytes() for name in "abc")
        assert rest == [first, first]


def test_show_prints_the_record(becalm: Run, trained: Path) -> None:
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--seed", 5, "--out", "a.png")[0] == 0
    code, out, err = becalm("show", "a.png")
    rows = dict(line.split(None, 1) for line in out.splitlines() if len(line.split()) > 1)
    assert (code, err, rows["seed"], rows["steps"], rows["sampler"]) == (0, "", "5", "2", "dpmpp2m")
    assert rows["becalm-toy"] == "1.2.3"
    known = json.loads(becalm("show", "a.png", "--json")[1])
    assert (known["command"], known["settings"]["seed"], known["file"]) == ("toy sample", 5, "a.png")
    assert known["checkpoint"]["digest"] == becalm_.load(trained).digest
    assert "seed" in str(Image.open(trained.with_name("a.png")).info)


def test_what_came_out_otherwise_is_said_and_ends_with_one(becalm: Run, trained: Path) -> None:
    file = trained.with_name("a.npz")
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--out", file)[0] == 0
    made = read(file)
    write(file, file.read_bytes(), replace(made, settings={**made.settings, "seed": 1}))
    code, out, err = becalm("again", file)
    assert (code, err) == (1, "")
    assert "made again, but not the same" in out
    answer = json.loads(becalm("again", file, "--json")[1])
    assert answer["same"] is False and answer["before"] != answer["now"]


def test_other_versions_are_no_other_content(becalm: Run, trained: Path) -> None:
    file = trained.with_name("a.png")
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--out", file)[0] == 0
    write(file, file.read_bytes(), replace(read(file), versions={"becalm": "0.0.9"}))
    code, out, _ = becalm("again", file)
    assert code == 0
    assert "the same but for the versions in its record: becalm 0.0.9 then" in out


def test_what_cannot_be_made_again_is_one_sentence(becalm: Run, trained: Path) -> None:
    file = trained.with_name("a.png")
    assert becalm("toy", "sample", "--checkpoint", trained, "--steps", 2, "--out", file)[0] == 0
    refused(becalm("again", file, "--out", "b.npz"), "--out must end in .png")
    refused(becalm("again", "no.png"), "there is no file no.png")
    made, content = read(file), file.read_bytes()
    for wrong, says in (
        (replace(made, timed=True), "depends on the clock"),
        (replace(made, command="toy dance"), "unknown verb of toy 'dance'"),
        (replace(made, command="toys sample"), "unknown domain 'toys'"),
        (replace(made, settings={**made.settings, "steps": 0}), "have changed since: steps must be"),
        (replace(made, settings={**made.settings, "mood": 1}), "have changed since: unknown key 'mood'"),
    ):
        write(file, content, wrong)
        refused(becalm("again", file), says)


# The files of `make demo`, small


def test_an_edit_is_made_again_without_its_image(becalm: Run, tmp_path: Path) -> None:
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(tmp_path / "one.png")
    words = ["--image", "one.png", "--mask", "top", "--label", "1", "--count", 1, "--steps", 2, "--out", "edited.png"]
    assert becalm("images", "edit", *words)[0] == 0
    (tmp_path / "one.png").unlink()
    again(becalm, tmp_path / "edited.png")


def test_an_evaluation_of_a_policy_is_made_again(becalm: Run, tmp_path: Path) -> None:
    words = ["--episodes", 1, "--limit", 2, "--steps", 1, "--out", "out"]
    assert becalm("policies", "evaluate", "fork", *words)[0] == 0
    again(becalm, tmp_path / "out" / "best.gif")
    assert becalm("policies", "evaluate", "fork", *words[:-1], "other")[0] == 0
    for name in ("plot.png", "worst.gif", "episodes.csv", "settings.json"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
        assert read(tmp_path / "out" / name).output == f"out/{name}"


@pytest.mark.parametrize("suffix", [".npz", ".json", ".sol", ".mst"])
def test_a_program_and_its_solutions_are_made_again(suffix: str, becalm: Run, tmp_path: Path) -> None:
    assert becalm("programs", "generate", "--size", "tiny", "--count", 2, "--seed", 3, "--out", "models")[0] == 0
    model = tmp_path / "models" / "set-cover-tiny-00004.mps.gz"
    again(becalm, model)
    words = ["--count", 2, "--steps", 2, "--out", f"a{suffix}", "--picture", "a.png"]
    assert becalm("programs", "sample", model, *words)[0] == 0
    refused(becalm("again", f"a{suffix}"), "set-cover-tiny-00004.mps.gz is not in")
    again(becalm, tmp_path / f"a{suffix}", "--from", "models")
    if suffix == ".npz":
        again(becalm, tmp_path / "a.png", "--from", "models")
    model.write_bytes(model.with_name("set-cover-tiny-00003.mps.gz").read_bytes())
    refused(becalm("again", f"a{suffix}", "--from", "models"), "has another content than when the result was made")
