"""A checkpoint that is given away arrives whole, with its card, and runs nothing on the way."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from running import refused
from safetensors.torch import save_file

import becalm as core
from becalm.files.card import Card, card, carded
from becalm.files.checkpoint import Checkpoint

Run = Callable[..., tuple[int, str, str]]


def front(readme: Path) -> dict[str, object]:
    found = re.match(r"---\n(.*?)\n---\n", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    table = yaml.safe_load(found[1])
    assert isinstance(table, dict)
    return table


def test_what_is_exported_is_imported_with_the_same_weights_and_samples(becalm: Run, trained: Path) -> None:
    assert becalm("export", trained, "--licence", "MIT", "--out", "parcel")[0] == 0
    code, out, err = becalm("import", "parcel", "--out", "back.safetensors")
    assert (code, err) == (0, "")
    assert "becalm toy sample --checkpoint back.safetensors" in out
    there, back = Checkpoint.read(trained), Checkpoint.read(Path("back.safetensors"))
    assert all(torch.equal(back.tensors[name], tensor) for name, tensor in there.tensors.items())
    assert {key: value for key, value in back.config.items() if key != "card"} == there.config
    one, other = (core.load(path, "cpu").sample(count=3, steps=2).x0 for path in (trained, "back.safetensors"))
    assert torch.equal(one, other)


def test_a_folder_explains_itself_and_its_sums_are_those_of_sha256sum(becalm: Run, trained: Path) -> None:
    flags = ("--licence", "CC-BY-4.0", "--title", "Two\nmoons", "--data", "points | drawn", "--note", "For tests.")
    code, out, err = becalm("export", trained, *flags, "--evaluate", 20, "--out", "parcel", "--json")
    assert (code, err) == (0, "")
    folder, summary = Path("parcel"), json.loads(out)
    names = {"model.safetensors", "README.md", "picture.png", "SHA256SUMS"}
    assert set(summary["files"]) == {path.name for path in folder.iterdir()} == names
    for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        wanted, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == wanted
    words = (folder / "README.md").read_text(encoding="utf-8")
    assert "# Two moons\n" in words
    assert "| data | points / drawn |" in words
    assert "![Samples of the model](picture.png)" in words
    assert "becalm.load('model.safetensors')" in words
    assert "`pip install becalm`, `pip install becalm-toy` (made with 1.2.3)" in words
    table = front(folder / "README.md")
    assert (table["license"], table["library_name"]) == ("cc-by-4.0", "becalm")
    figures = Checkpoint.read(folder / "model.safetensors").config["card"]["figures"]
    (named,) = table["model-index"]  # type: ignore[misc]
    assert {metric["name"]: metric["value"] for metric in named["results"][0]["metrics"]} == figures
    assert figures == summary["card"]["figures"] != {}
    read = pytest.importorskip("huggingface_hub").ModelCard(words).data
    assert {result.metric_name: result.metric_value for result in read.eval_results} == figures
    assert core.load("parcel/model.safetensors").sample(count=2, steps=2).data.shape == (2, 2)


def test_one_file_has_the_card_in_its_header_and_may_be_half_the_size(becalm: Run, trained: Path) -> None:
    assert becalm("export", trained, "--licence", "MIT", "--half", "--out", "one.safetensors")[0] == 0
    stored = Checkpoint.read(Path("one.safetensors"))
    assert {tensor.dtype for tensor in stored.tensors.values() if tensor.is_floating_point()} == {torch.float16}
    assert card(stored.config) == Card(title="toy", licence="MIT")
    assert json.loads(becalm("import", "one.safetensors", "--json")[1])["card"]["licence"] == "MIT"
    assert Path("runs/one.safetensors").read_bytes() == Path("one.safetensors").read_bytes()


def test_a_card_goes_on_with_its_checkpoint_until_it_is_told_otherwise(becalm: Run, trained: Path) -> None:
    becalm("export", trained, "--licence", "MIT", "--note", "First.", "--evaluate", 5, "--out", "one.safetensors")
    becalm("export", "one.safetensors", "--note", "Second.", "--out", "two.safetensors")
    first, second = (card(Checkpoint.read(Path(name)).config) for name in ("one.safetensors", "two.safetensors"))
    assert second == first.model_copy(update={"note": "Second."})
    assert first.judged is not None
    assert first.judged.startswith("5 samples, dpmpp2m, 20 steps, seed 0")


def test_figures_come_from_what_evaluate_printed(becalm: Run, trained: Path) -> None:
    printed = becalm("toy", "evaluate", "--checkpoint", trained, "--count", 7, "--json")[1]
    Path("figures.json").write_text(printed, encoding="utf-8")
    becalm("export", trained, "--licence", "MIT", "--figures", "figures.json", "--out", "one.safetensors")
    told = card(Checkpoint.read(Path("one.safetensors")).config)
    assert (told.figures, told.judged) == (json.loads(printed)["metrics"], "7 samples")
    table = {
        "title": "T",
        "columns": ["env", "score"],
        "rows": [{"env": "a|b", "score": 0.25}, {"env": "c", "score": None}],
    }
    Path("tables.json").write_text(json.dumps({"lines": [], "tables": [table]}), encoding="utf-8")
    becalm("export", trained, "--licence", "MIT", "--figures", "tables.json", "--out", "parcel")
    words = Path("parcel/README.md").read_text(encoding="utf-8")
    assert "| env | score |\n| --- | --- |\n| a/b | 0.25 |\n| c |  |\n" in words
    for content, reason in (("{", "cannot be read as JSON"), ("[1]", "neither metrics nor tables")):
        Path("bad.json").write_text(content, encoding="utf-8")
        refused(becalm("export", trained, "--figures", "bad.json", "--out", "x.safetensors"), reason)
    bad = {"metrics": {"score": "high"}}
    Path("bad.json").write_text(json.dumps(bad), encoding="utf-8")
    refused(
        becalm("export", trained, "--figures", "bad.json", "--out", "x.safetensors"),
        "the card is not valid: figures.score",
    )


def test_paths_of_this_machine_stay_here(becalm: Run, trained: Path, tmp_path: Path) -> None:
    stored = Checkpoint.read(trained)
    for path in (str(tmp_path / "secret" / "scans"), "C:\\secret\\scans"):
        shutil.rmtree("parcel", ignore_errors=True)
        settings = {**stored.config["settings"], "data": path}
        Checkpoint(stored.tensors, {**stored.config, "settings": settings}).write(tmp_path / "mine.safetensors")
        code, _, err = becalm("export", "mine.safetensors", "--licence", "MIT", "--out", "parcel")
        assert (code, err.split(";")[0]) == (0, "becalm: data was a path of this machine")
        assert Checkpoint.read(Path("parcel/model.safetensors")).config["settings"]["data"] == "scans"
        assert not any(b"secret" in file.read_bytes() for file in Path("parcel").iterdir())


def bundled(name: str) -> Path:
    from becalm.plugin.find import pretrained

    return pretrained(name)[1]


@pytest.mark.parametrize("name", ["mnist", "fork", pytest.param("set-cover", marks=pytest.mark.slow)])
def test_the_bundled_models_of_every_domain_go_out_with_a_licence_and_a_picture(becalm: Run, name: str) -> None:
    code, _, err = becalm("export", name, "--out", "parcel")
    assert (code, err) == (0, "")
    assert front(Path("parcel/README.md"))["license"] == "mit"
    assert Path("parcel/picture.png").read_bytes().startswith(b"\x89PNG")
    assert becalm("import", "parcel")[0] == 0
    data = {"mnist": "MNIST", "fork": "fork-200.npz", "set-cover": "set-cover-paper"}[name]
    assert card(Checkpoint.read(Path("runs/parcel.safetensors")).config).data == data


def test_without_a_licence_one_is_told_that_nobody_may_use_it(becalm: Run, trained: Path) -> None:
    code, _, err = becalm("export", trained, "--out", "parcel")
    assert code == 0
    assert err == "becalm: the card names no licence, so nobody may use the model: name one by --licence\n"
    assert "license" not in front(Path("parcel/README.md"))
    assert "| licence | not stated: ask before you use it |" in Path("parcel/README.md").read_text(encoding="utf-8")


def test_what_is_damaged_or_exchanged_on_the_way_is_refused_and_leaves_nothing(becalm: Run, trained: Path) -> None:
    becalm("export", trained, "--licence", "MIT", "--out", "parcel")
    becalm("export", trained, "--licence", "GPL-3.0-only", "--out", "other.safetensors")
    folder = Path("parcel")

    def spoilt(change: Callable[[Path], object], words: str) -> None:
        shutil.rmtree("spoilt", ignore_errors=True)
        shutil.copytree(folder, "spoilt")
        change(Path("spoilt"))
        refused(becalm("import", "spoilt", "--out", "out.safetensors"), words)
        assert not Path("out.safetensors").exists()

    def flip(place: Path) -> None:
        content = bytearray((place / "model.safetensors").read_bytes())
        content[-1] ^= 1
        (place / "model.safetensors").write_bytes(content)

    def flip_without_sums(place: Path) -> None:
        flip(place)
        (place / "SHA256SUMS").unlink()

    spoilt(flip, "spoilt/model.safetensors is missing or not the file that SHA256SUMS names")
    spoilt(flip_without_sums, "checkpoint spoilt/model.safetensors is damaged")
    spoilt(
        lambda place: shutil.copy("other.safetensors", place / "model.safetensors"),
        "not the file that SHA256SUMS names",
    )
    spoilt(lambda place: (place / "README.md").unlink(), "README.md is missing")
    spoilt(lambda place: (place / "SHA256SUMS").write_text(f"{'0' * 64}  ../x\n"), "must hold lines of a SHA-256")
    spoilt(lambda place: (place / "SHA256SUMS").write_text(""), "does not name model.safetensors")
    spoilt(lambda place: (place / "model.safetensors").unlink(), "holds no model.safetensors")
    assert [path.name for path in Path().glob(".*")] == []


def test_only_checkpoints_of_models_that_can_be_sampled_come_in(becalm: Run, trained: Path) -> None:
    save_file({"x": torch.zeros(1)}, "other.safetensors")
    refused(
        becalm("import", "other.safetensors"), "other.safetensors is a safetensors file but not a becalm checkpoint"
    )
    refused(becalm("import", "there.safetensors"), "there is no checkpoint there.safetensors")
    refused(becalm("export", trained.with_name("toy.resume.safetensors"), "--out", "x"), "resumes a training")
    stored = Checkpoint.read(trained)
    Checkpoint(stored.tensors, {**stored.config, "domain": "os:system"}).write(Path("evil.safetensors"))
    refused(becalm("import", "evil.safetensors"), "unknown domain 'os:system'")
    Checkpoint(stored.tensors, carded(stored.config, Card()) | {"card": {"licence": 3}}).write(Path("bad.safetensors"))
    refused(becalm("export", "bad.safetensors", "--out", "x"), "the checkpoint's card is not valid: licence")
    Path("pipeline").mkdir()
    Path("pipeline/model_index.json").touch()
    refused(becalm("import", "pipeline"), "becalm images from-diffusers takes it over")


def test_nothing_of_value_is_written_over(becalm: Run, trained: Path) -> None:
    Path("full").mkdir()
    Path("full/thesis.tex").touch()
    refused(becalm("export", trained, "--out", "full"), "--out full exists: name a folder that is new or empty")
    becalm("export", trained, "--licence", "MIT", "--out", "one.safetensors")
    refused(becalm("import", "one.safetensors", "--out", trained), "exists and is another checkpoint")
    assert becalm("import", "one.safetensors")[0] == becalm("import", "one.safetensors")[0] == 0
