"""A checkpoint as a folder that explains itself: model.safetensors, README.md, a picture, SHA256SUMS."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from becalm.errors import UserError
from becalm.files import atomic
from becalm.files.card import Card, carded
from becalm.files.hub import MODEL
from becalm.gate.regular import content
from becalm_apps.share.card_overrides import CardOverrides, complete_card
from becalm_apps.share.readme import readme

if TYPE_CHECKING:
    from becalm.files.checkpoint import Checkpoint
    from becalm.model import Model

SUMS = "SHA256SUMS"
_SUM = re.compile(r"([0-9a-f]{64}) [ *]([^/\\\0]+)")
_PICTURE = {"image/png": "picture.png", "image/jpeg": "picture.jpg", "image/gif": "picture.gif"}
_SAMPLES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A checkpoint with its card, ready to go.

    Attributes:
        checkpoint: With the card in its header.
        shortened: Settings that were paths of this machine, and are names now.
    """

    checkpoint: "Checkpoint"
    model: "Model[Any]"
    card: Card
    shortened: tuple[str, ...]

    def fill(self, folder: Path, load: str) -> list[str]:
        """Writes the files into a folder; their names.

        Args:
            load: What ``becalm.load`` takes to load it.
        """
        self.checkpoint.write(folder / MODEL)
        picture, text = self._look(folder)
        words = readme(self.model, self.card, load=load, picture=picture, text=text)
        atomic.write_atomic(folder / "README.md", words.encode())
        names = sorted(path.name for path in folder.iterdir())
        sums = "".join(f"{_sha256(folder / name)}  {name}\n" for name in names)
        atomic.write_atomic(folder / SUMS, sums.encode())
        return [*names, SUMS]

    def _look(self, folder: Path) -> tuple[str | None, str | None]:
        """A picture of samples in the folder, or samples as text; neither where a model needs more than a request."""
        try:
            picture = self.model.sample(count=_SAMPLES).picture()
        except UserError:
            return None, None
        if picture.mime.startswith("text/"):
            return None, picture.content.decode(errors="replace")
        name = _PICTURE.get(picture.mime)
        if name is not None:
            atomic.write_atomic(folder / name, picture.content)
        return name, None


def assemble(name: str, overrides: CardOverrides) -> Bundle:
    """The parcel of a checkpoint: a pretrained name, a file, or hf:owner/name.

    Raises:
        UserError: If it is no model that can be sampled, or a wish is not valid.
    """
    import torch

    from becalm.files.checkpoint import Checkpoint
    from becalm.model import build, find

    stored = Checkpoint.read(find(name))
    if "settings" not in stored.config:
        build(stored, torch.device("cpu"))  # It says what is wrong.
    settings, shortened = _without_paths(stored.config["settings"])
    # The card is made from what will be written, so that it cannot say more.
    model = build(Checkpoint(stored.tensors, {**stored.config, "settings": settings}), torch.device("cpu"))
    facts = complete_card(model, name, overrides)
    tensors = dict(stored.tensors)
    if overrides.half:
        tensors = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    checkpoint = Checkpoint(tensors, carded(model.config, facts))
    return Bundle(checkpoint, build(checkpoint, torch.device("cpu")), facts, tuple(shortened))


def verify(folder: Path) -> Path:
    """The checkpoint in a folder whose files are as its SHA256SUMS says; without that file the digest must do.

    Raises:
        UserError: If a file is missing or another one, or there is no checkpoint.
    """
    if not (folder / MODEL).is_file():
        hint = ": becalm images from-diffusers takes it over" if (folder / "model_index.json").exists() else ""
        kind = "a pipeline of diffusers" if hint else f"no {MODEL}"
        raise UserError(f"{folder} holds {kind}{hint}")
    if (folder / SUMS).exists():
        listed = _listed(folder / SUMS)
        for name, wanted in listed.items():
            if not (folder / name).is_file() or _sha256(folder / name) != wanted:
                raise UserError(f"{folder / name} is missing or not the file that {SUMS} names: get it anew")
        if MODEL not in listed:
            raise UserError(f"{folder / SUMS} does not name {MODEL}: get it anew")
    return folder / MODEL


def _listed(path: Path) -> dict[str, str]:
    listed: dict[str, str] = {}
    for line in content(path, most=2**20).decode(errors="replace").splitlines():
        parts = _SUM.fullmatch(line)
        if parts is None:
            raise UserError(f"{path} must hold lines of a SHA-256 and a file's name, got {line[:80]!r}")
        listed[parts[2]] = parts[1]
    return listed


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_paths(settings: Mapping[str, Any], prefix: str = "") -> tuple[dict[str, Any], list[str]]:
    """The settings with absolute paths cut to their last part: they lead nowhere else, and tell of this machine."""
    cut: dict[str, Any] = {}
    changed: list[str] = []
    for key, value in settings.items():
        cut[key] = value
        if isinstance(value, Mapping):
            cut[key], inner = _without_paths(value, f"{prefix}{key}.")
            changed += inner
        elif isinstance(value, str) and (PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()):
            cut[key] = PureWindowsPath(value).name if "\\" in value else PurePosixPath(value).name
            changed.append(f"{prefix}{key}")
    return cut, changed
