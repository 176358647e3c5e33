"""What sampling a program costs as it grows: processor time and memory against nonzeros, with and without a network.

    python benchmarks/programs.py [--nonzeros 1e4,1e5,1e6] [--count 8] [--steps 10] [--checkpoint NAME|FILE]

Set covers with rows of 20 random columns and twice as many columns as rows, costs of 1 to 100, drawn at the settings
that sampling has by default; how many samples are feasible, and what the best costs, stands beside, and what greedy
comes to. Each figure comes from a process of its own, in which a tiny program was sampled before, so that all loops are
compiled; its peak memory (resident, all of Python and torch included) is that of this size alone. Figures are kept in
runs/programs-cost.json, so an interrupted run goes on. Without a checkpoint: an untrained network of the usual size,
which costs the same. The picture is docs/images/programs-cost.png.
"""

import argparse
import io
import json
import multiprocessing
import platform
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse

from becalm.files.atomic import write_atomic

STORE = Path("runs/programs-cost.json")
PICTURE = Path("docs/images/programs-cost.png")
LENGTH = 20
KINDS = ("no network", "network")


def cover(nonzeros: int) -> Any:
    """A set cover of about so many nonzeros."""
    from becalm_programs.formats.arrays import from_arrays

    draw = np.random.RandomState(0)
    rows = max(1, nonzeros // LENGTH)
    columns = 2 * rows
    starts = np.arange(rows + 1) * LENGTH
    matrix = sparse.csr_array(
        (np.ones(rows * LENGTH), draw.randint(columns, size=rows * LENGTH), starts), shape=(rows, columns)
    )
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return from_arrays(cost=draw.randint(1, 101, size=columns), rows=matrix, row_low=1.0)


def measured(nonzeros: int, kind: str, count: int, steps: int, threads: int, checkpoint: str | None) -> dict[str, Any]:
    """Processor time of preparing and of sampling, s, and peak memory, MiB; made in a process of its own."""
    import becalm
    from becalm.device import pick
    from becalm.model import Model
    from becalm.objective import Objective
    from becalm.schedule import Cosine
    from becalm_programs.domain import IntegerPrograms
    from becalm_programs.opening import bare
    from becalm_programs.problem.program import objective
    from becalm_programs.problem.standard_form import StandardForm
    from becalm_programs.request import ProgramRequest
    from becalm_programs.sampling.draw import sample
    from becalm_programs.search.greedy import greedy

    torch.set_num_threads(threads)
    cpu = pick("cpu")
    if kind == "no network":
        model: Any = bare(cpu)
    elif checkpoint is not None:
        model = becalm.load(checkpoint, "cpu")
    else:
        domain = IntegerPrograms()
        network = domain.network().eval().requires_grad_(False)
        model = Model(domain, Cosine(), Objective(prediction="x0"), network, domain.codec(), cpu, {})
    request = ProgramRequest(count=count, batch=count, steps=steps)
    tiny = cover(10 * LENGTH)
    sample(model, StandardForm.of(tiny), request)
    greedy(tiny)
    before = peak()
    program = cover(nonzeros)
    begun = time.process_time()
    form = StandardForm.of(program)
    prepared = time.process_time() - begun
    begun = time.process_time()
    outcome = sample(model, form, request)
    seconds = time.process_time() - begun
    begun = time.process_time()
    plain = greedy(program)
    greedy_seconds = time.process_time() - begun
    counts = program.counts
    return {
        "nonzeros": counts.nonzeros,
        "variables": counts.variables,
        "rows": counts.rows,
        "prepared": prepared,
        "seconds": seconds,
        "feasible": outcome.feasible,
        "best": outcome.best,
        "greedy": float(objective(program, plain)[0]),
        "greedy seconds": greedy_seconds,
        "before": before,
        "peak": peak(),
    }


def peak() -> float:
    """Peak resident memory of this process, MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 2**20 if platform.system() == "Darwin" else used / 2**10


def slope(sizes: list[float], values: list[float]) -> float:
    """Exponent of a power law fitted to the larger half of the sizes, at least two."""
    half = max(2, len(sizes) // 2 + 1)
    return float(np.polyfit(np.log(sizes[-half:]), np.log(values[-half:]), 1)[0])


def table(cells: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Columns and rows; one row per size."""
    columns = ["nonzeros", "variables", "rows", "prepare s", "greedy: s", "greedy: cost"]
    for kind in KINDS:
        columns += [
            f"{kind}: {name}" for name in ("s", "ns per nonzero, step, sample", "peak MiB", "feasible", "best cost")
        ]
    rows = []
    for wanted in sorted({cell["wanted"] for cell in cells}):
        by = {cell["kind"]: cell for cell in cells if cell["wanted"] == wanted}
        any_cell = next(iter(by.values()))
        row = [f"{any_cell[name]}" for name in ("nonzeros", "variables", "rows")] + [f"{any_cell['prepared']:.3g}"]
        row += [f"{any_cell['greedy seconds']:.2g}", f"{any_cell['greedy']:.0f}"]
        for kind in KINDS:
            if kind in by:
                cell = by[kind]
                unit = 1e9 * cell["seconds"] / (cell["nonzeros"] * cell["steps"] * cell["count"])
                row += [f"{cell['seconds']:.3g}", f"{unit:.3g}", f"{cell['peak']:.0f}"]
                row += [f"{100 * cell['feasible']:.0f} %", "" if cell["best"] is None else f"{cell['best']:.0f}"]
            else:
                row += [""] * 5
        rows.append(row)
    return columns, rows


def words(cells: list[dict[str, Any]]) -> list[str]:
    """How cost grows, in a sentence per kind."""
    said = []
    for kind in KINDS:
        own = sorted((cell for cell in cells if cell["kind"] == kind), key=lambda cell: cell["nonzeros"])
        if len(own) > 1:
            sizes = [cell["nonzeros"] for cell in own]
            power = slope(sizes, [cell["seconds"] for cell in own])
            extra = own[-1]["peak"] - own[-1]["before"]
            per = 2**20 * extra / sizes[-1]
            said.append(
                f"{kind}: seconds grow as nonzeros to the power {power:.2f}; "
                f"at {sizes[-1]} nonzeros {per:.0f} bytes of memory per nonzero for {own[-1]['count']} samples."
            )
    return said


def draw(cells: list[dict[str, Any]]) -> bytes:
    """The curves, both axes logarithmic, with a line of slope 1."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, name, label in zip(figure.subplots(1, 2), ("seconds", "peak"), ("seconds", "peak MiB"), strict=True):
        for kind, colour in zip(KINDS, ("#d97706", "#1d4ed8"), strict=True):
            own = sorted((cell for cell in cells if cell["kind"] == kind), key=lambda cell: cell["nonzeros"])
            if not own:
                continue
            sizes = np.array([cell["nonzeros"] for cell in own], float)
            axis.plot(sizes, [cell[name] for cell in own], "o-", color=colour, label=kind)
            if name == "seconds":
                axis.plot(sizes, own[-1][name] * sizes / sizes[-1], "--", color=colour, alpha=0.4)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("nonzeros")
        axis.set_ylabel(label + (" (dashed: linear)" if name == "seconds" else ""))
        axis.grid(alpha=0.2)
        axis.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def stored() -> list[dict[str, Any]]:
    """The figures there are."""
    return json.loads(STORE.read_text()) if STORE.exists() else []


def finish(
    nonzeros: Sequence[int], count: int = 8, steps: int = 10, threads: int = 1, checkpoint: str | None = None
) -> list[dict[str, Any]]:
    """Measures what is not measured; all sizes that there are with these settings."""
    settings = {"count": count, "steps": steps, "threads": threads, "network": checkpoint}
    others, cells = [], []
    for cell in stored():
        (cells if all(cell[name] == value for name, value in settings.items()) else others).append(cell)
    for wanted, kind in product(nonzeros, KINDS):
        if any(cell["wanted"] == wanted and cell["kind"] == kind for cell in cells):
            continue
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            made = pool.submit(measured, wanted, kind, count, steps, threads, checkpoint).result()
        cells.append({"wanted": wanted, "kind": kind, **settings, **made})
        print(f"{wanted:.0e} {kind}: {made['seconds']:.3g} s, {made['peak']:.0f} MiB", flush=True)
        STORE.parent.mkdir(exist_ok=True)
        write_atomic(STORE, json.dumps([*others, *cells], indent=1).encode())
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nonzeros", default="1e4,1e5,1e6")
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpoint")
    chosen = parser.parse_args()
    wanted = [round(float(word)) for word in chosen.nonzeros.split(",")]
    cells = finish(wanted, chosen.count, chosen.steps, chosen.threads, chosen.checkpoint)
    columns, rows = table(cells)
    widths = [max(len(row[place]) for row in [columns, *rows]) for place in range(len(columns))]
    for row in [columns, *rows]:
        print("  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)))
    print("\n".join(words(cells)))
    write_atomic(PICTURE, draw(cells))
    print(PICTURE)


if __name__ == "__main__":
    main()
