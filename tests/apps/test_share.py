"""A checkpoint that is given away arrives whole, with its card, and runs nothing on the way."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml
from loopback_hub import TOKEN, Hub, Shelf, started
from safetensors.torch import save_file

import becalm as core
from becalm import UserError
from becalm.card import Card, card, carded
from becalm.checkpoint import Checkpoint
from becalm.hub import Repository
from becalm.model import build, shared
from becalm.objective import Objective
from becalm.schedule import Linear

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def server() -> Iterator[Hub]:
    hub, http = started()
    yield hub
    http.shutdown()
    http.server_close()


@pytest.fixture
def hub(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """An empty hub, that the library asks instead of the real one, and an empty cache."""
    constants = pytest.importorskip("huggingface_hub.constants")
    server.shelves.clear()
    server.requests.clear()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    # Its storage of large files is a service of its own; without it they go by git's way, which the hub here speaks.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return server


def front(readme: Path) -> dict[str, object]:
    found = re.match(r"---\n(.*?)\n---\n", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    table = yaml.safe_load(found[1])
    assert isinstance(table, dict)
    return table


def refused(ran: tuple[int, str, str], words: str) -> None:
    code, out, err = ran
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert words in err


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
    assert "becalm.load('parcel/model.safetensors')" in words
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
    from becalm.plugins import pretrained

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


def test_a_model_goes_to_the_hub_and_comes_back_from_it(becalm: Run, trained: Path, hub: Hub) -> None:
    code, out, err = becalm("push", trained, "someone/moons", "--licence", "MIT", "--private")
    assert (code, err) == (0, "")
    assert out == f"{hub.address}/someone/moons: becalm.load('hf:someone/moons') loads it\n"
    shelf = hub.shelves["someone/moons"]
    assert shelf.private
    assert set(shelf.files) == {"model.safetensors", "README.md", "picture.png", "SHA256SUMS"}
    assert b"becalm.load('hf:someone/moons')" in shelf.files["README.md"]
    assert (shelf.large, len(shelf.commits)) == ({"model.safetensors"}, 1)
    one, other = (core.load(name, "cpu").sample(count=3, steps=2).x0 for name in (trained, "hf:someone/moons"))
    assert torch.equal(one, other)
    assert becalm("import", f"hf:someone/moons@{shelf.sha}")[0] == 0
    assert Path("runs/moons.safetensors").read_bytes() == shelf.files["model.safetensors"]
    code, _, err = becalm("toy", "sample", "--checkpoint", "hf:someone/moons", "--count", 2, "--steps", 2)
    assert (code, err) == (0, "")


def test_a_folder_is_pushed_as_it_is_and_nothing_beside_it(becalm: Run, trained: Path, hub: Hub) -> None:
    becalm("export", trained, "--licence", "MIT", "--out", "parcel")
    Path("parcel/secret.txt").touch()
    assert becalm("push", "parcel", "someone/moons", "--json")[0] == 0
    files = {path.name: path.read_bytes() for path in Path("parcel").iterdir()}
    assert hub.shelves["someone/moons"].files == {name: files[name] for name in files if name != "secret.txt"}
    refused(becalm("push", "parcel", "someone/moons", "--note", "x"), "parcel has its card: leave out --note")
    Path("parcel/README.md").write_text("changed", encoding="utf-8")
    refused(becalm("push", "parcel", "someone/moons"), "README.md is missing or not the file")


def test_a_newer_commit_is_loaded_and_an_unchanged_one_is_not_fetched_again(
    becalm: Run, trained: Path, hub: Hub
) -> None:
    def fetched() -> int:
        return sum(line.startswith("GET /blob/") for line in hub.requests)

    becalm("push", trained, "someone/moons", "--licence", "MIT")
    first = shared("hf:someone/moons", "cpu")
    assert shared("hf:someone/moons", "cpu") is first
    assert fetched() == 1
    becalm("push", trained, "someone/moons", "--licence", "MIT", "--half")
    assert shared("hf:someone/moons", "cpu").digest != first.digest
    assert fetched() == 2


def test_what_was_loaded_once_loads_without_a_network(
    becalm: Run, trained: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    becalm("push", trained, "someone/moons", "--licence", "MIT")
    digest = core.load("hf:someone/moons", "cpu").digest
    # Port 9 is nobody's.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert core.load("hf:someone/moons", "cpu").digest == digest
    with pytest.raises(UserError, match="is not here yet and http://127.0.0.1:9 cannot be reached"):
        core.load("hf:someone/else")
    refused(becalm("push", trained, "someone/moons", "--licence", "MIT"), "cannot be reached")


def test_what_the_hub_refuses_is_one_sentence(
    becalm: Run, trained: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.shelves["someone/empty"] = Shelf()
    hub.shelves["someone/gated"] = Shelf(gated=True)
    hub.shelves["someone/pickle"] = Shelf(files={"pytorch_model.bin": b"\x80", "model.safetensors": b"no"})
    refused(becalm("import", "hf:someone/none"), "there is no hf:someone/none, or it is private")
    refused(becalm("import", "hf:someone/empty"), "hf:someone/empty has no file model.safetensors")
    refused(becalm("import", "hf:someone/empty@v9"), "hf:someone/empty has no revision 'v9'")
    refused(becalm("import", "hf:someone/gated"), "hf:someone/gated asks for consent")
    refused(becalm("import", "hf:someone/pickle"), "damaged or cut short")
    refused(becalm("push", trained, "others/moons", "--licence", "MIT"), "your token may not write there")
    refused(becalm("push", trained, "someone/moons"), "name one by --licence")
    refused(becalm("push", trained, "someone/moons@v1", "--licence", "MIT"), "push goes to the main branch")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    refused(becalm("push", trained, "someone/moons", "--licence", "MIT"), "it does not know you")
    assert "someone/moons" not in hub.shelves


def test_a_pipeline_of_diffusers_is_taken_over_from_the_hub(becalm: Run, hub: Hub) -> None:
    from becalm_images.architecture import PRESETS
    from becalm_images.domain import Images
    from becalm_images.interchange import pipeline

    domain = Images(architecture=PRESETS["unet2d-tiny"])
    tensors = {f"network.{name}": tensor for name, tensor in domain.network().state_dict().items()}
    tensors |= {f"codec.{name}": tensor for name, tensor in domain.codec().state_dict().items()}
    parts = {"settings": domain, "schedule": Linear(), "objective": Objective(prediction="eps")}
    config = {"domain": "images", **{name: part.model_dump(mode="json") for name, part in parts.items()}}
    model = build(Checkpoint(tensors, config), torch.device("cpu"))
    files = pipeline(model, "null").files()
    hub.shelves["someone/digits"] = Shelf(files=files)
    code, _, err = becalm("images", "from-diffusers", "hf:someone/digits", "--out", "digits.safetensors")
    assert (code, err) == (0, "")
    stored = Checkpoint.read(Path("digits.safetensors"))
    assert torch.equal(stored.tensors["network.conv_in.weight"], tensors["network.conv_in.weight"])
    hub.shelves["someone/pickles"] = Shelf(files={name: files[name] for name in files if name.endswith("json")})
    ran = becalm("images", "from-diffusers", "hf:someone/pickles", "--out", "x.safetensors")
    refused(ran, "hf:someone/pickles has no file unet/diffusion_pytorch_model.safetensors")


@pytest.mark.parametrize(
    "name", ["hf:", "hf:name", "hf:a/b/c", "hf:../x/y", "hf:a/..", "hf:a/b@", "hf:a b/c", "hf:a/b@../c"]
)
def test_what_is_no_repository_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(UserError, match="a repository is named hf:owner/name"):
        Repository.of(name)


def test_the_environment_alone_leads_to_another_hub_and_no_help_imports_the_library(
    becalm: Run, trained: Path, hub: Hub, environment: dict[str, str], tmp_path: Path
) -> None:
    becalm("push", trained, "someone/moons", "--licence", "MIT")
    code = (
        "import sys, becalm\nfrom becalm_apps.main import main\n"
        "for word in ('export', 'import', 'push'):\n    try: main([word, '--help'])\n    except SystemExit: pass\n"
        "print(sorted({'torch', 'huggingface_hub'} & set(sys.modules)))\n"
        "print(becalm.load('hf:someone/moons', 'cpu').digest)"
    )
    told = {**os.environ, **environment, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, timeout=120)
    (tmp_path / "copy.safetensors").write_bytes(hub.shelves["someone/moons"].files["model.safetensors"])
    digest = Checkpoint.read(tmp_path / "copy.safetensors").digest
    assert done.stdout.splitlines()[-2:] == ["[]", digest], done.stderr
