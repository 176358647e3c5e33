"""How a result was made: what a file says of itself, and all that making it once more takes.

It holds no time, no folder and no user: the same settings give the same record. Files that were read stand in it by
name and SHA-256; small pictures stand in it whole, so that an edit needs nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as checked

from becalm.errors import UserError, sentence
from becalm.gate.text import parse_table
from becalm.plugin import paths
from becalm.plugin.find import installed
from becalm.version import __version__

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_SMALL = 1 << 16
"""Bytes up to which a picture that was read is kept whole."""
_ASIDE = frozenset({"device", "resume", "workers"})
"""Options that say where and since when, not what."""
_SPEED = frozenset({"batch", "parallel"})
"""Options that change nothing but speed where sums do not depend on how many rows there are: on a CPU."""


class Made(Protocol):
    """What a record has to know of a model."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def device(self) -> Any: ...
    @property
    def steady(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class CheckpointRef:
    """The checkpoint of a result.

    Attributes:
        name: A bundled one's or the hub's name, or a file's without its folder.
        digest: SHA-256 of its content, in hex.
    """

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Source:
    """A file or a folder that was read.

    Attributes:
        name: Without its folder.
        digest: SHA-256 of its bytes, in hex; empty for a folder.
        content: The bytes in base64, of small pictures.
    """

    name: str
    digest: str
    content: str | None = None


@checked(frozen=True, slots=True, config=ConfigDict(extra="ignore"))
class Record:
    """How a result was made.

    Attributes:
        command: Domain and verb, such as ``images sample``; or domain and panel of the studio.
        settings: All settings of the request or the options, defaults among them.
        output: The option that names the file; for a file in a folder that it names ``option/name``.
        checkpoint: The model; None where there is none.
        inputs: Files that were read, by option.
        device: Where the model computed.
        versions: Of becalm, and of the distributions that bring the domain and the kinds chosen.
        panel: Whether it is a panel of the studio rather than a verb.
        timed: Whether the content depends on the clock, so that it never comes out the same.
    """

    command: str
    settings: dict[str, Any]
    output: str = "out"
    checkpoint: CheckpointRef | None = None
    inputs: dict[str, Source] = field(default_factory=dict)
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=dict)
    panel: bool = False
    timed: bool = False

    @property
    def domain(self) -> str:
        """The noun."""
        return self.command.partition(" ")[0]

    @property
    def verb(self) -> str:
        """The verb or the panel."""
        return self.command.partition(" ")[2]

    @property
    def text(self) -> str:
        """As JSON in ASCII, on one line; what is as by default is left out."""
        kept = {name: value for name, value in asdict(self).items() if value not in (None, {}, False)}
        kept["inputs"] = {
            name: {key: value for key, value in source.items() if value is not None}
            for name, source in kept.get("inputs", {}).items()
        }
        if not kept["inputs"]:
            del kept["inputs"]
        return json.dumps(kept, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "Record":
        """The record of a text.

        Raises:
            UserError: If it is none.
        """
        try:
            return cls(**parse_table(text, "the record"))
        except ValidationError as error:
            raise UserError(f"the record of becalm is damaged: {sentence(error)}") from error
        except (ValueError, TypeError, RecursionError) as error:
            raise UserError(f"the record of becalm is damaged: {error}") from error


def record(
    command: str,
    settings: BaseModel,
    *,
    model: Made | None = None,
    output: str = "out",
    panel: bool = False,
    timed: bool = False,
) -> Record:
    """The record of what a verb or a panel makes.

    Args:
        command: Domain and verb.
        settings: The request or the options; fields that name files are marked, see ``becalm.plugin.paths``.
        model: The model that was used; one without a digest has no checkpoint, and stands in none.
        output: The option that names the file; ``option/name`` for a file in a folder.
    """
    kind = type(settings)
    held = {
        name: _source(Path(value))
        for name in paths.inputs(kind)
        if isinstance(value := getattr(settings, name), str) and Path(value).exists()
    }
    device = "cpu" if model is None else str(model.device).partition(":")[0]
    speed = _SPEED if device == "cpu" and (model is None or model.steady) else ()
    left = {*paths.outputs(kind), *held, *_ASIDE, *speed}
    model = model if model is not None and model.digest else None
    if model is not None:
        left |= set(paths.weights(kind))
    known: dict[str, Any] = _without_folders(settings.model_dump(mode="json", exclude=left))
    checkpoint = None if model is None else CheckpointRef(model.name, model.digest)
    versions = _versions(command.partition(" ")[0], settings)
    return Record(command, known, output, checkpoint, held, device, versions, panel, timed)


def _source(path: Path) -> Source:
    if path.is_dir():  # Data sets can be huge; their folder's name has to do.
        return Source(path.resolve().name, "")
    content = path.read_bytes()
    small = path.suffix.lower() in _PICTURES and len(content) <= _SMALL
    kept = base64.b64encode(content).decode("ascii") if small else None
    return Source(path.name, hashlib.sha256(content).hexdigest(), kept)


def _without_folders(value: Any) -> Any:
    """A value of JSON with the names of files only: where they lie is of this machine."""
    if isinstance(value, dict):
        return {key: _without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_folders(inner) for inner in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _versions(domain: str, settings: BaseModel) -> dict[str, str]:
    """Of becalm, and of the plugins of the domain and of the kinds that the settings choose."""
    chosen = {(kind.room, kind.name) for kind in _kinds(settings)}
    brought: Mapping[str, str] = {
        plugin.distribution: plugin.version
        for plugin in installed()
        if any(ref.name == domain for ref in plugin.domains)
        or any((ref.room, ref.name) in chosen for ref in plugin.kinds)
    }
    return {"becalm": __version__, **{name: version for name, version in sorted(brought.items()) if name != "becalm"}}


def _kinds(settings: BaseModel) -> list[Any]:
    from becalm.plugin.kinds import Kind

    values = [getattr(settings, name) for name in type(settings).model_fields]
    return [value for value in values if isinstance(value, Kind)]
