"""A model goes to the hub and comes back from it, with and without a network; what the hub refuses is one sentence."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from loopback_hub import TOKEN, Hub, Shelf, started
from running import refused

import becalm as core
from becalm import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.files.hub import Repository
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
    from becalm_images.domain import Images
    from becalm_images.interchange.pipeline_folder import pipeline
    from becalm_images.networks.architecture import PRESETS

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
