"""The figures of docs/results.md: sampler x steps, guidance scale, the long chain, the classic baseline, on MNIST.

    python benchmarks/mnist.py [--compile] [--precision bf16] [--only headline,samplers,guidance,chain,baseline]

Each cell is stored as soon as it is done in runs/mnist-table.json, under the digests of checkpoint and judge, so an
interrupted run goes on where it stopped, and ``--only`` lets two processes share the work. No data are needed: the
judge holds the reference statistics. The baseline is trained by

    becalm images train --config benchmarks/recipes/mnist-classic.toml --half --out runs/mnist-classic.safetensors

and ``--short`` is a copy of the bundled recipe's checkpoint at its step 1500, before its cool-down.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import becalm
from becalm.files.atomic import write_atomic
from becalm.model import Model
from becalm_images.domain import find
from becalm_images.judge.judge import load_judge

STORE = Path("runs/mnist-table.json")
PAGE = Path("docs/results.md")
FIGURES = ("fid", "precision", "recall", "accuracy")


@dataclass(frozen=True)
class Cell:
    """One row: a group of the page, a name, the number of samples and the request."""

    group: str
    name: str
    count: int
    fields: dict[str, Any]
    model: str = "ours"

    @property
    def calls(self) -> int:
        """Network calls per sample; a guided step evaluates two conditions in one call of twice the batch."""
        steps = int(self.fields["steps"])
        return 2 * steps - 1 if self.fields["sampler"] == "heun" else steps


def cells(scale: float) -> Iterator[Cell]:
    """All rows of the page, cheapest evidence first."""

    def many(count: int) -> int:
        return max(100, int(count * scale))

    plain: dict[str, Any] = {"guidance": 1.0, "guidance_high": 1.0}
    two_m: dict[str, Any] = {"sampler": "dpmpp2m", "steps": 20, **plain}
    yield Cell("headline", "balanced", many(10_000), {**two_m, **BALANCED})
    yield Cell("headline", "sharp", many(10_000), {**two_m, **SHARP})
    for sampler in ("dpmpp2m", "dpmpp3m", "unipc", "ddim", "heun", "dpmppsde", "ddpm"):
        for steps in (5, 10, 20):
            shown = (steps + 1) // 2 if sampler == "heun" else steps
            yield Cell("samplers", sampler, many(500), {"sampler": sampler, "steps": shown, **plain})
    for sampler in ("ddim", "ddpm"):
        yield Cell("samplers", sampler, many(500), {"sampler": sampler, "steps": 50, **plain})
    for guidance in (0.0, 1.0, 1.25, 1.5, 2.0, 3.0):
        yield Cell("guidance", f"classifier-free {guidance:g}", many(500), {**two_m, "guidance": guidance})
    for guidance in (1.5, 2.0, 3.0):
        fields = {**two_m, "guidance": guidance, "guidance_high": 0.7}
        yield Cell("guidance", f"classifier-free {guidance:g} at t <= .7", many(500), fields)
    for weight in (2.0, 5.0, 10.0):
        fields = {**plain, "sampler": "ddpm", "steps": 25, "guidance": 0.0, "classifier_guidance": weight}
        yield Cell("guidance", f"unconditional, classifier {weight:g}", many(500), fields)
    yield Cell("chain", "dpmpp2m", many(300), two_m)
    yield Cell("chain", "ddpm", many(300), {"sampler": "ddpm", "steps": 1000, **plain})
    classic = {"sampler": "ddpm", "steps": 400, **plain}
    yield Cell("baseline", "classic recipe, its own 400 DDPM steps", many(300), classic, "baseline")
    yield Cell("baseline", "classic recipe, 20 steps of 2M", many(300), two_m, "baseline")
    yield Cell("baseline", "ours after the same training steps, 20 steps of 2M", many(300), two_m, "short")
    yield Cell("baseline", "ours as bundled, 20 steps of 2M", many(300), two_m)


BALANCED: dict[str, Any] = {"guidance": 1.75, "guidance_high": 0.7}
SHARP: dict[str, Any] = {"guidance": 2.25, "guidance_high": 0.75}


def run(cell: Cell, model: Model[Any], precision: str) -> dict[str, Any]:
    """Samples and judges one cell."""
    request = model.request(count=cell.count, precision=precision, **cell.fields)
    start = time.perf_counter()
    samples = model.sample(request)
    seconds = time.perf_counter() - start
    figures = dict(model.domain.metrics(samples.x0, samples.cond))
    return {**figures, "seconds": seconds}


def key(cell: Cell, digests: dict[str, str]) -> str:
    """What a stored result depends on."""
    return json.dumps([digests[cell.model], digests["judge"], cell.count, dict(sorted(cell.fields.items()))])


def machine() -> str:
    """One line on where the figures come from."""
    threads = torch.get_num_threads()
    version = torch.__version__.split("+")[0]
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {version}, {threads} thread(s)"


def page(results: dict[str, Any], wanted: list[Cell], digests: dict[str, str], floors: dict[str, float]) -> str:
    """docs/results.md."""
    titles = {
        "headline": "Bundled checkpoint, 10,000 samples",
        "samplers": "Sampler and steps (conditional, guidance 1)",
        "guidance": "Guidance: accuracy against recall (2M, 20 steps)",
        "chain": "Against the long chain",
        "baseline": "Against the classic tutorial's recipe: same network, same 1,500 training steps",
    }
    lines = ["# Results on MNIST", ""]
    lines += ["Made by `make results` (`benchmarks/mnist.py`), seed 0; nothing here is typed by hand.", ""]
    lines += [f"Network arithmetic: {digests['precision']}. A guided step is one call with twice the batch."]
    lines += ["FID falls with the number of samples: compare within a table."]
    lines += [f"Judge {digests['judge'][:16]}, checkpoint {digests['ours'][:16]}; {machine()}.", ""]
    real = ", ".join(f"{name} {floors[name]:.3f}" for name in FIGURES)
    lines += [f"Floors, real test images under the same judge: {real}.", ""]
    for group, title in titles.items():
        rows = [cell for cell in wanted if cell.group == group and key(cell, digests) in results]
        if not rows:
            continue
        lines += [f"## {title}", "", "| setting | steps | calls | samples | FID | precision | recall | accuracy |"]
        lines += ["|---|---|---|---|---|---|---|---|"]
        for cell in rows:
            found = results[key(cell, digests)]
            shown = " | ".join(f"{found[name]:.3f}" if name in found else "-" for name in FIGURES)
            name = cell.name
            if group == "headline":
                name += f" (guidance {cell.fields['guidance']:g} at t <= {cell.fields['guidance_high']:g})"
            lines.append(f"| {name} | {cell.fields['steps']} | {cell.calls} | {cell.count} | {shown} |")
        lines.append("")
        if group == "headline":
            lines += per_class(rows, results, digests, floors)
    return "\n".join(lines)


def per_class(
    rows: list[Cell], results: dict[str, Any], digests: dict[str, str], floors: dict[str, float]
) -> list[str]:
    """Every class's FID, a row per setting and the floor."""
    lines = ["| FID of class | " + " | ".join(map(str, range(10))) + " |", "|---" * 11 + "|"]
    for cell in rows:
        found = results[key(cell, digests)]
        lines.append(
            f"| {cell.name} | " + " | ".join(f"{found.get(f'fid_{n}', float('nan')):.2f}" for n in range(10)) + " |"
        )
    lines.append("| real test images | " + " | ".join(f"{floors[f'fid_{n}']:.2f}" for n in range(10)) + " |")
    return [*lines, ""]


def main() -> None:
    """Fills the store and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default="mnist")
    parser.add_argument("--baseline", default="runs/mnist-classic.safetensors")
    parser.add_argument("--short", default="runs/mnist-1500.safetensors")
    parser.add_argument("--only", default="headline,samplers,guidance,chain,baseline")
    parser.add_argument("--scale", type=float, default=1.0, help="Factor of every number of samples.")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="Compile the networks first: faster, same quality.")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    arguments = parser.parse_args()
    models = {"ours": becalm.load(arguments.checkpoint, arguments.device)}
    for name, place in (("baseline", arguments.baseline), ("short", arguments.short)):
        if Path(place).exists():
            models[name] = becalm.load(place, arguments.device)
    if arguments.compile:
        models = {name: model.compiled() for name, model in models.items()}
    judge = load_judge(find("mnist-judge"))
    digests = {name: model.digest for name, model in models.items()} | {
        "judge": judge.digest,
        "precision": arguments.precision + (", compiled" if arguments.compile else ""),
    }
    wanted = [cell for cell in cells(arguments.scale) if cell.model in models]
    for cell in wanted:
        results = json.loads(STORE.read_text()) if STORE.exists() else {}
        name = key(cell, digests)
        if name in results or cell.group not in arguments.only.split(","):
            continue
        found = run(cell, models[cell.model], arguments.precision)
        results = json.loads(STORE.read_text()) if STORE.exists() else {}  # Another process may have added cells.
        write_atomic(STORE, json.dumps({**results, name: found}, indent=1).encode())
        shown = "  ".join(f"{figure} {found[figure]:.3f}" for figure in FIGURES if figure in found)
        print(f"{cell.group:10}{cell.name:32}{cell.fields}  {shown}  {found['seconds']:.0f} s", flush=True)
    results = json.loads(STORE.read_text()) if STORE.exists() else {}
    write_atomic(PAGE, page(results, wanted, digests, dict(judge.floors)).encode())
    print(f"{PAGE} written")


if __name__ == "__main__":
    main()
