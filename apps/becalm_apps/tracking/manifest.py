"""The manifest beside a checkpoint, ``mine.run.json``: which run of which store it is, and how far that run has come.

The training writes it when it begins or resumes, the recorder as it goes. Imports neither torch nor MLflow.
"""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from becalm.errors import UserError, sentence
from becalm.files.atomic import write_atomic
from becalm.gate.checkpoint import metadata
from becalm.gate.text import parse_table
from becalm.plugin.settings import Settings


class RunManifest(Settings):
    """What the recorder must know of a training.

    Attributes:
        uri: Address of the store, without passwords.
        config: The training's configuration, as in a checkpoint's header.
        code: Distributions whose code runs, each with its version and folder.
        command: The command line.
        started: Unix time in seconds at which the trained time was 0.
        training: Tells a training from others of that name, and stays when it is resumed.
        session: Tells a training from its resumption.
        run_id: The run, once it is made.
        logged: The last step whose figures the run has.
        status: How the run ended, as MLflow calls it; None as long as it has not.
    """

    uri: str
    config: dict[str, Any]
    code: dict[str, tuple[str, str]] = Field(default_factory=dict)
    command: str = ""
    started: float
    training: str = Field(default_factory=lambda: uuid.uuid4().hex)
    session: str = Field(default_factory=lambda: uuid.uuid4().hex)
    run_id: str | None = None
    logged: int = Field(0, ge=0)
    status: str | None = None

    @classmethod
    def read(cls, path: Path) -> "RunManifest":
        """The manifest in a file.

        Raises:
            UserError: If there is none, or it is no such manifest.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            raise UserError(f"{path} is no manifest of a tracked training: {sentence(error)}") from error

    def write(self, path: Path) -> None:
        """Writes the file whole or not at all."""
        write_atomic(path, self.model_dump_json(indent=1).encode())


def manifest_path(checkpoint: Path) -> Path:
    """Where the manifest of a checkpoint lies."""
    return checkpoint.with_name(f"{checkpoint.stem}.run.json")


def flatten(config: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Settings by dotted name, as text; what has no value is left out."""
    flat: dict[str, str] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{above}{key}.")
        elif value is not None:
            flat[f"{above}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


def read_header(checkpoint: Path) -> dict[str, Any]:
    """Configuration and digest of a checkpoint, from its header alone: ``{"config": ..., "digest": ...}``.

    Raises:
        UserError: If there is no such checkpoint.
    """
    said = metadata(checkpoint)
    if not {"config", "digest"} <= said.keys():
        raise UserError(f"{checkpoint} is no becalm checkpoint: its header names no config")
    return {"config": parse_table(said["config"], f"the configuration of {checkpoint}"), "digest": said["digest"]}
