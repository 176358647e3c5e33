"""Rows of the tables on MNIST: what each is asked for by, the store of those that are done, and how they are shown.

A row is stored as soon as it is done in runs/mnist-table.json, under what it depends on, so an interrupted run goes on
where it stopped, and two processes share the work.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from becalm.files.atomic import write_atomic
from becalm.model import Model
from becalm_images.judge.classifier import load_classifier
from becalm_images.judge.find import find
from becalm_images.judge.judge import Judge

STORE = Path("runs/mnist-table.json")
FIGURES = ("fid", "precision", "recall", "accuracy")


@dataclass(frozen=True)
class Cell:
    """One row: a group of the page, a name, the number of samples and the request."""

    group: str
    name: str
    count: int
    fields: Mapping[str, Any]
    model: str = "ours"


@dataclass(frozen=True)
class Setting:
    """What all rows share: the models by name, the judge, the network's arithmetic in words and for the request."""

    models: Mapping[str, Model[Any]]
    judge: Judge
    precision: str
    arithmetic: str

    def key(self, cell: Cell) -> str:
        """What a stored row depends on: the weights and images of the judge, whatever else its file says."""
        model = self.models[cell.model]
        request = model.request(count=cell.count, precision=self.precision, **cell.fields)
        judge = [_digest(self.judge.network.state_dict()), _digest(vars(self.judge.real))]
        # Of a spacing that nothing was said of the domain may think otherwise one day.
        parts = [model.digest, *judge, self.arithmetic, request.model_dump(mode="json"), request.spaced]
        if getattr(request, "classifier_guidance", 0):
            parts.append(_digest(load_classifier(find(model.domain.classifier)).state_dict()))
        return json.dumps(parts)

    def find(self, cell: Cell) -> dict[str, Any] | None:
        """The stored row."""
        return _read().get(self.key(cell))

    def fill(self, cell: Cell) -> None:
        """Samples and judges a row, unless it is stored."""
        if self.find(cell) is not None:
            return
        model = self.models[cell.model]
        request = model.request(count=cell.count, precision=self.precision, **cell.fields)
        start = time.perf_counter()
        samples = model.sample(request)
        figures = self.judge.metrics(samples.data, samples.cond.cpu())
        row = {**figures, "seconds": time.perf_counter() - start}
        write_atomic(STORE, json.dumps({**_read(), self.key(cell): row}, indent=1).encode())
        shown = "  ".join(f"{name} {row[name]:.3f}" for name in FIGURES if name in row)
        print(f"{cell.group:10}{cell.name:32}{dict(cell.fields)}  {shown}  {row['seconds']:.0f} s", flush=True)


def _read() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(STORE.read_text()) if STORE.exists() else {}
    return stored


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors.values():
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def table(setting: Setting, cells: list[Cell]) -> list[str]:
    """Rows of Markdown: the stored cells, and real images where all cells are of as many samples as there are."""
    lines = ["| setting | steps | calls | samples | FID | precision | recall | accuracy |", "|---" * 8 + "|"]
    rows = [(cell, setting.find(cell) or {}) for cell in cells]
    for cell, row in rows:
        request = setting.models[cell.model].request(**cell.fields)
        calls = 2 * request.steps - 1 if request.sampler.name == "heun" else request.steps
        shown = " | ".join(_shown(row, name) for name in FIGURES)
        lines.append(f"| {cell.name} | {request.steps} | {calls} | {cell.count} | {shown} |")
    for count in sorted({cell.count for cell in cells}):
        floors: dict[str, Any] = {}
        for cell, row in rows:
            floors |= {name: value for name, value in row.items() if "_floor" in name and cell.count == count}
        if floors:
            shown = " | ".join(_shown(floors, f"{name}_floor") for name in FIGURES)
            lines.append(f"| real test images | | | {count} | {shown} |")
    return lines


def per_class(setting: Setting, cells: list[Cell]) -> list[str]:
    """Every class's FID, a row per setting, and that of real images."""
    lines = ["| FID of class | " + " | ".join(map(str, range(10))) + " |", "|---" * 11 + "|"]
    floors: dict[str, Any] = {}
    for cell in cells:
        row = setting.find(cell) or {}
        floors |= {name: value for name, value in row.items() if "_floor" in name}
        if "fid_0" in row:
            lines.append(f"| {cell.name} | " + " | ".join(f"{row[f'fid_{n}']:.2f}" for n in range(10)) + " |")
    if "fid_0_floor" in floors:
        lines.append("| real test images | " + " | ".join(f"{floors[f'fid_{n}_floor']:.2f}" for n in range(10)) + " |")
    return lines if len(lines) > 2 else []


def machine() -> str:
    """One line on where the figures come from."""
    threads = torch.get_num_threads()
    version = torch.__version__.split("+")[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {version}, {threads} thread(s)"


def _shown(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        return "-"
    ends = f" ({row[f'{name}_low']:.3f} to {row[f'{name}_high']:.3f})" if f"{name}_low" in row else ""
    return f"{row[name]:.3f}{ends}"
