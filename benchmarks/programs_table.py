"""The page of results of programs, docs/results-programs.md: thirty samples over calls, searches over time, cost.

    python benchmarks/programs_table.py [--families set-cover,auction,facility,independent-set] [--instances 5]
        [--wide 10] [--seconds 10] [--size paper] [--nonzeros 1e4,1e5,1e6]

About an hour of one quiet core. Of each family, ``benchmarks/anytime.py`` runs searches and solvers on the first
``--instances``, ``benchmarks/samples.py`` makes thirty solutions by each start on the first ``--wide``, and
``benchmarks/programs.py`` measures what growth costs. All three keep what is done in runs/, so the same command goes on
where it stopped, and more instances add to it; the page is written after each family. Its words follow from the
figures.
"""

import argparse
import io
import platform
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import anytime
import numpy as np
import programs
import samples
import torch
from figures import NAMES, Best, markdown, of, over_calls, over_time, place
from losses import losses
from rivals import rivals

from becalm.files.atomic import write_atomic
from becalm_programs.evaluation.judge import gap

PAGE, SAMPLES, TIMES = Path("docs/results-programs.md"), Path("runs/samples.jsonl"), Path("runs/anytime.jsonl")
PICTURE = Path("docs/images/programs-time.png")
TITLES = {
    "set-cover": "Set cover: 2000 columns, 1000 rows",
    "auction": "Combinatorial auction: 500 items, 1500 bids",
    "facility": "Capacitated facility location: 100 customers, 50 facilities",
    "independent-set": "Independent set: 1500 nodes",
}
STARTS = ("network", "guidance", "greedy", "relaxation", "jump")
WORDS = """- A **gap** is to the best objective that any run here has found on the instance; it is not proved optimal.
  REFERRED
- Everything counted is verified on the original rows to 1e-6, integers exact.
- **Thirty solutions**: each start has the same patience (300) and search (2,000 steps), whatever a checkpoint has as
  default. The first figures are of what a start makes: samples at tier `guided`, greedy's solutions, the end of jumps.
  Then follow those of the same solutions after the moves of tier `1-opt`. *Different* and *apart* (variables in which
  two differ) are of the latter; seconds are wall-clock from the program in memory to verified solutions, the
  relaxation included.
- **Over time**: wall-clock from the program in memory. *All starts* is `becalm programs sample --seconds`, whose rule
  leaves the network out where it is [not worth its time](programs.md#is-a-network-worth-it); others are one start
  alone, again and again, with the same patience (30). *Within 1 % / 5 %* counts different solutions so near to the best
  known. The **primal integral** is that of the gap (Berthold 2013), 100 % before the first solution; lower is better.
  Of SCIP all solutions of its pool count, of HiGHS those it looks at, of CP-SAT its incumbents; of CBC only incumbents
  are known. KaMIS and Local-MIP tell of a result at the end alone, so they are run for .5, 1, 2, ... seconds.
- `±` is half of a 95 % interval over instances, by Student's t."""


def page(made: dict[str, tuple[list[samples.Cell], list[anytime.Run]]], cost: list[dict[str, Any]], given: str) -> str:
    """The page of the families that are done."""
    best = {family: known(*both) for family, both in made.items()}
    cpus = f"{platform.machine()}, one thread of {processor()}, torch {torch.__version__.split('+')[0]}"
    first = next(iter(made.values()))[1][0]
    wide = {cell.instance for cells, _ in made.values() for cell in cells}
    deep = {run.instance for _, runs in made.values() for run in runs}
    lines = [
        "# Results of programs",
        "",
        f"Made by `{given}`; nothing is typed by hand, words included.",
        f"{cpus}. Instances {min(wide)} to {max(wide)} of size {first.size}",
        f"({min(deep)} to {max(deep)} over time), which no network has seen; seed {first.seed} of all that is drawn.",
        "These are few instances: see the intervals.",
        "",
        "## What is lost, and what the network brings",
        "",
        *(losses(runs, best[family], TITLES[family].partition(":")[0]) for family, (_, runs) in made.items()),
        "",
        "![Gap over time](images/programs-time.png)",
        "",
        "## How to read the tables",
        "",
        WORDS.replace("REFERRED", f"Where no others ran over time, that is a search of {first.seconds:g} s."),
        "",
    ]
    for family, (cells, runs) in made.items():
        lines += [f"## {TITLES[family]}", "", *over_time(runs, best[family]), "", *over_calls(cells, best[family]), ""]
    return "\n".join([*lines, *curve(cost)]).rstrip() + "\n"


def known(cells: Sequence[samples.Cell], runs: Sequence[anytime.Run]) -> Best:
    """The best objective of each instance."""
    best = anytime.best_known([run for run in anytime.load(TIMES).values() if run.family == runs[0].family])
    for cell in cells:
        for value in (*cell.values, *cell.moved):
            before = best.get(place(cell), value)
            best[place(cell)] = max(before, value) if cell.maximise else min(before, value)
    return best


def processor() -> str:
    """What the machine calls it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "an unknown processor"


def curve(cells: list[dict[str, Any]]) -> list[str]:
    """What growth costs."""
    columns, rows = programs.table(cells)
    return [
        "## Cost against nonzeros",
        "",
        f"Set covers with rows of {programs.LENGTH} columns; {cells[0]['count']} samples at the default settings",
        f"({cells[0]['steps']} steps, tier guided), processor time. The network is untrained: it costs what a",
        "trained one does, and its samples are worth nothing. Greedy is one solution.",
        "",
        *(f"- {sentence}" for sentence in programs.words(cells)),
        "",
        *markdown(columns, rows),
        "",
        "![Seconds and memory against nonzeros](images/programs-cost.png)",
        "",
    ]


def picture(made: Mapping[str, tuple[list[samples.Cell], list[anytime.Run]]]) -> bytes:
    """The mean gap over time, a panel for each family."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    FigureCanvasAgg(figure)
    methods = list(dict.fromkeys(run.method for _, runs in made.values() for run in runs))
    lines = {}
    for axis, (family, (cells, runs)) in zip(figure.subplots(2, 2).flat, made.items(), strict=False):
        best = known(cells, runs)
        times = np.geomspace(0.05, runs[0].seconds, 200)
        for number, method in enumerate(methods):
            own = [run for run in of(runs, method) if not run.note]
            if own:
                style = "-" if method in anytime.WHOLE else "--" if method in STARTS else ":"
                shares = np.mean([[gap_at(run, best, moment) for moment in times] for run in own], axis=0)
                name = NAMES.get(method, method)
                lines[name] = axis.plot(times, shares, style, color=colormaps["tab20"](number), label=name)[0]
        axis.set(title=TITLES[family].partition(":")[0], xscale="log", yscale="log", xlabel="seconds", ylabel="gap %")
        axis.set_ylim(0.02, 110)
        axis.grid(alpha=0.2)
    figure.legend(handles=[*lines.values()], loc="outside lower center", frameon=False, fontsize=9, ncols=5)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def gap_at(run: anytime.Run, best: Best, moment: float) -> float:
    """In per cent, at least what can be drawn."""
    values = [value for seconds, value in run.incumbents if seconds <= moment]
    share = float(gap(values[-1], best[place(run)], run.maximise)) if values else 1.0
    return max(100 * min(1.0, share), 0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=",".join(TITLES))
    parser.add_argument("--instances", type=int, default=5, help="that searches and solvers run on")
    parser.add_argument("--wide", type=int, default=10, help="that thirty solutions are made of")
    parser.add_argument("--first", type=int, default=2_000_000, help="seed of the first")
    parser.add_argument("--size", default="paper")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each search and solver")
    parser.add_argument("--nonzeros", default="1e4,1e5,1e6", help="of the cost curve")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    cost = programs.finish([round(float(word)) for word in chosen.nonzeros.split(",")])
    write_atomic(programs.PICTURE, programs.draw(cost))
    wide = range(chosen.first, chosen.first + max(chosen.wide, chosen.instances))
    deep, made = wide[: chosen.instances], {}
    for family in chosen.families.split(","):
        methods = ["no-network", "with-network", *STARTS, *rivals(), "cbc"]
        methods = [name for name in methods if name != "kamis" or family == "independent-set"]
        runs = [
            anytime.Run(family, chosen.size, number, method, 0, chosen.seconds, "wall")
            for number, method in product(deep, methods)
        ]
        others = [
            anytime.Run(family, chosen.size, number, "no-network", 0, chosen.seconds, "wall")
            for number in wide[chosen.instances :]
        ]
        done = anytime.finish([*runs, *others], TIMES)
        made[family] = list(samples.cells(SAMPLES, [family], chosen.size, wide)), [done[run.key] for run in runs]
        write_atomic(PICTURE, picture(made))
        write_atomic(PAGE, page(made, cost, "make programs-results").encode())
        print(PAGE, flush=True)


if __name__ == "__main__":
    main()
