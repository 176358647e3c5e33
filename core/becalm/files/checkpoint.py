"""One safetensors file: weights, and the configuration as JSON in its header. Never pickle.

Written to a temporary file beside the target, flushed to disk, and renamed, so that a kill or a full disk leaves either
the old file or the new one. A SHA-256 over names, shapes, dtypes, bytes and configuration catches a flipped byte, which
safetensors alone does not.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from becalm.errors import UserError, first_line
from becalm.files.atomic import replacing
from becalm.gate.checkpoint import check
from becalm.gate.text import parse_table

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Tensors by name, and a configuration that says how to use them."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hex."""
        return _digest(self.tensors, json.dumps(self.config, sort_keys=True))

    def below(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin so, by the rest of their names."""
        return {name.removeprefix(prefix): value for name, value in self.tensors.items() if name.startswith(prefix)}

    def write(self, path: Path) -> None:
        """Writes the file whole or not at all.

        Raises:
            UserError: If the place cannot be written.
        """
        with replacing(path) as temporary:
            self.put(temporary)

    def put(self, path: Path) -> None:
        """Writes the content to a path as it is: equal contents are equal bytes.

        Raises:
            OSError: If the place cannot be written.
        """
        text = json.dumps(self.config, sort_keys=True)
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()}
        header = {"becalm": str(FORMAT), "config": text, "digest": _digest(tensors, text)}
        content = memoryview(save(tensors, metadata=header))
        # safetensors writes the header's texts in an order of chance.
        end = 8 + int.from_bytes(content[:8], "little")
        sorted_header = json.dumps(json.loads(bytes(content[8:end])), sort_keys=True, separators=(",", ":")).encode()
        padded = sorted_header + b" " * (-len(sorted_header) % 8)
        with path.open("wb") as file:
            file.write(len(padded).to_bytes(8, "little") + padded)
            file.write(content[end:])

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Reads and verifies.

        Raises:
            UserError: If the file is missing, is no becalm checkpoint, is cut short, differs from its digest, or is too
                large.
        """
        check(path)
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                if "becalm" not in header:
                    raise UserError(
                        f"{path} is a safetensors file but not a becalm checkpoint: its header names no config"
                    )
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (SafetensorError, OSError, UnicodeDecodeError) as error:
            raise UserError(
                f"checkpoint {path} cannot be read, it is damaged or cut short: {first_line(error)[:200]}"
            ) from error
        text = header.get("config", "")
        if header.get("digest") != _digest(tensors, text):
            raise UserError(f"checkpoint {path} is damaged: its content does not match its digest; get it anew")
        if header["becalm"] != str(FORMAT):
            raise UserError(
                f"checkpoint {path} has format {header['becalm']}, this becalm reads {FORMAT}: update becalm"
            )
        return cls(tensors, parse_table(text, f"the configuration of checkpoint {path}"))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors by name of a safetensors file that is another program's.

    Raises:
        UserError: If the file is missing, damaged, cut short or too large.
    """
    check(path, "file")
    try:
        return load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be read, it is damaged or cut short: {first_line(error)}") from error


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
