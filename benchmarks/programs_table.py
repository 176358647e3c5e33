"""The figures of docs/results-programs.md: every method on the four families at paper size, and the cost curve.

    python benchmarks/programs_table.py [--only set-cover,auction,facility,independent-set] [--count 100] [--race 10]
        [--seconds 60] [--workers 1]

Of each family two evaluations: the solution-makers on many instances, and all methods, solvers and tiers on the first
few. They share what is the best known. Each instance and method is kept as soon as it is finished in
runs/programs/FAMILY.jsonl and FAMILY-race.jsonl, so an interrupted run goes on where it stopped; so does one with more
instances. A family that is left out keeps the section it has on disk. The cost curve is taken from what
``benchmarks/programs.py`` has kept.
"""

import argparse
import importlib.util
import json
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from becalm.files.atomic import write_atomic
from becalm.plugin.report import Progress, Table
from becalm_programs.options import METHODS, EvaluateOptions
from becalm_programs.verbs.evaluate import run

FOLDER = Path("runs/programs")
PAGE = Path("docs/results-programs.md")
IMAGES = Path("docs/images")
FAMILIES = {
    "set-cover": "Set cover: 2000 columns, 1000 rows",
    "auction": "Combinatorial auction: 500 items, 1500 bids",
    "facility": "Capacitated facility location: 100 customers, 50 facilities",
    "independent-set": "Independent set: 1500 nodes",
}


def wide(family: str, chosen: argparse.Namespace) -> list[Table]:
    """What is made by drawing or searching, on all instances."""
    methods = ("network", "no-network", "greedy", "randomised-greedy", "local", "search")
    settings = {"count": chosen.count, "seconds": chosen.search, "methods": methods, "tiers": ("guided", "1-opt")}
    return evaluated(family, chosen, settings, FOLDER / family)


def deep(family: str, chosen: argparse.Namespace) -> list[Table]:
    """Every method and tier, and the race against solvers, on the first few."""
    methods = tuple(method for method in METHODS if method != "search")
    settings = {"count": chosen.race, "seconds": chosen.seconds, "methods": methods}
    return evaluated(family, chosen, settings, FOLDER / f"{family}-race")


def evaluated(family: str, chosen: argparse.Namespace, settings: dict[str, Any], out: Path) -> list[Table]:
    """The tables of an evaluation; says how far it is on the way."""
    given = {"family": family, "size": chosen.size, "workers": chosen.workers, "out": str(out), **settings}
    options = EvaluateOptions.model_validate(given)
    tables = []
    for report in run(options):
        if isinstance(report, Table):
            tables.append(report)
        elif isinstance(report, Progress):
            print(f"\r{family}: {report.done:g} of {report.total:g} ({report.text})\033[K", end="", file=sys.stderr)
        else:
            print(report)
    return tables


def section(family: str, tables: list[Table]) -> list[str]:
    """A family's part of the page."""
    lines = [f"## {FAMILIES[family]}", ""]
    for table in tables:
        lines += [f"{table.title}.", "", *markdown(list(table.columns), [list(row) for row in table.rows]), ""]
    return [*lines, f"![Feasible share, gap and time of each method](images/programs-{family}.png)", ""]


def markdown(columns: list[str], rows: list[list[Any]]) -> list[str]:
    """A table."""
    head = "| " + " | ".join(columns) + " |"
    return [head, "|" + "---|" * len(columns), *("| " + " | ".join(shown(cell) for cell in row) + " |" for row in rows)]


def shown(value: Any) -> str:
    """A cell of a table."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def curve() -> list[str]:
    """The cost curve, if it has been measured."""
    spec = importlib.util.spec_from_file_location("programs_cost", Path(__file__).with_name("programs.py"))
    if spec is None or spec.loader is None:
        raise RuntimeError("benchmarks/programs.py is not beside this file")
    cost = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cost)
    cells = cost.stored()
    if not cells:
        return []
    setting = f"{cells[0]['count']} samples, {cells[0]['steps']} steps, threads: {cells[0]['threads']}"
    columns, rows = cost.table(cells)
    return [
        "## Cost against nonzeros",
        "",
        f"Made by `benchmarks/programs.py`: set covers with rows of {cost.LENGTH} columns; {setting}.",
        *cost.words(cells),
        "",
        *markdown(columns, rows),
        "",
        "![Seconds and memory against nonzeros](images/programs-cost.png)",
        "",
    ]


def page(sections: dict[str, list[str]]) -> str:
    """The page."""
    lines = [
        "# Results of programs",
        "",
        "Made by `make programs-results` (`benchmarks/programs_table.py`). Nothing is typed by hand.",
        f"{platform.machine()}, torch {torch.__version__.split('+')[0]}. Instances are none that a network has seen.",
        "",
        "- A **gap** is to the best objective known of the instance, over all methods here; it is not proved optimal.",
        "- Feasible means verified on the original rows, to 1e-6, with integers exact.",
        "- **Search** is what networks are trained on: large-neighbourhood search with HiGHS, begun by",
        "  SCIP.",
        "- **Tiers** are cumulative: each does what those before it do and one thing more. Greedy ends with moves",
        "  of one variable; *randomised greedy, 1-opt* then makes the moves of tier 1-opt.",
        "- **Seconds** are wall-clock from the program in memory to K verified solutions, on as many threads for each",
        "  method. A solver's *gap by then* is what it has when the method of the row is done, *seconds to equal* the",
        "  median of the times at which it is as good as the best of the row's K.",
        "",
    ]
    for family in FAMILIES:
        lines += sections.get(family, [])
    return "\n".join([*lines, *curve()]).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(FAMILIES))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--size", default="paper")
    parser.add_argument("--race", type=int, default=10, help="instances that solvers are run on")
    parser.add_argument("--search", type=float, default=8.0, help="seconds of search on each of --count")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds of each solver on each of --race")
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    store = FOLDER / "sections.json"
    sections: dict[str, list[str]] = json.loads(store.read_text()) if store.exists() else {}
    for family in chosen.only.split(","):
        # What either finds is among the best known of both; the second time the journal has it all.
        wide(family, chosen)
        race = deep(family, chosen)
        sections[family] = section(family, [*wide(family, chosen), *race])
        write_atomic(store, json.dumps(sections, indent=1).encode())
        IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FOLDER / f"{family}-race.png", IMAGES / f"programs-{family}.png")
        write_atomic(PAGE, page(sections).encode())
        print(PAGE)


if __name__ == "__main__":
    main()
