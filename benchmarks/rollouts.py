"""The figures of docs/results-policies.md: rollouts of the bundled policies, of other seeds, and of the baselines.

    python benchmarks/rollouts.py [--only pusht,steps,others,compare]

Each cell is stored as soon as it is done in runs/rollouts.json, under its checkpoint's digest, so an interrupted run
goes on where it stopped. The other seeds and the smaller training are made by

    train="becalm policies train --config benchmarks/recipes/pusht.toml --half"
    for seed in 1 2; do $train --seed $seed --out runs/seed-$seed.safetensors; done
    $train --history 2 --out runs/two.safetensors
    $train --demonstrations 90 --out runs/p90.safetensors

and left out of the page where they are not there.
"""

import argparse
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

import becalm
from becalm.files.atomic import write_atomic
from becalm.plugin.report import Table
from becalm_policies.control.policy import policy
from becalm_policies.environments.known import measured
from becalm_policies.environments.make import make
from becalm_policies.options import BaselinesOptions
from becalm_policies.rollouts.estimates import summarise
from becalm_policies.rollouts.protocol import rules, start
from becalm_policies.rollouts.rollout import play
from becalm_policies.verbs.baselines import run as baselines

STORE = Path("runs/rollouts.json")
PAGE = Path("docs/results-policies.md")
COMPARED = {
    "fork": BaselinesOptions(env="becalm/Fork-v0", demonstrations=200, out="docs/images/compare-fork.png"),
    "claw": BaselinesOptions(
        env="becalm/Claw-v0",
        demonstrations=16000,
        architecture="mlp-sharp",
        steps=20000,
        episodes=4000,
        out="docs/images/compare-claw.png",
    ),
}


@dataclass(frozen=True)
class Cell:
    """One row: a checkpoint, a protocol, a number of episodes, and how the policy acts."""

    group: str
    name: str
    checkpoint: str
    protocol: str
    episodes: int
    fields: dict[str, Any] = field(default_factory=dict)


def cells() -> Iterator[Cell]:
    """All rows, in the order of the page."""
    checkpoints = {
        "seed 0, bundled": "pusht",
        "seed 1": "runs/seed-1.safetensors",
        "seed 2": "runs/seed-2.safetensors",
        "seed 0 in one call, bundled as `pusht-1`": "pusht-1",
        "two observations, seed 0": "runs/two.safetensors",
        "90 demonstrations, seed 0": "runs/p90.safetensors",
    }
    for name, checkpoint in checkpoints.items():
        for protocol in ("chi", "lerobot"):
            yield Cell("pusht", name, checkpoint, protocol, rules(protocol, "gym_pusht/PushT-v0").episodes)
    for steps in (100, 16, 8, 4, 2, 1):
        yield Cell("steps", f"2M, {steps} steps", "pusht", "lerobot", 200, {"steps": steps})
    for sampler in ("ddim", "unipc", "ddpm"):
        for steps in (4, 2) if sampler != "ddpm" else (16,):
            yield Cell(
                "steps", f"{sampler}, {steps} steps", "pusht", "lerobot", 200, {"sampler": sampler, "steps": steps}
            )
    for temperature in (0.5, 1.0):
        name = f"2M, 8 steps, temperature {temperature:g}"
        yield Cell("steps", name, "pusht", "lerobot", 200, {"steps": 8, "temperature": temperature})
    yield Cell("others", "LunarLander", "lander", "gym", 100)
    yield Cell("others", "fork", "fork", "gym", 1000)


def roll_out(cell: Cell) -> dict[str, Any]:
    """The figures of a cell."""
    model = becalm.load(cell.checkpoint)
    actor = policy(model, **cell.fields)
    environment = actor.domain.environment
    limit = rules(cell.protocol, environment).limit
    starts = [start(cell.protocol, number) for number in range(cell.episodes)]
    outcomes = [
        rollout.outcome
        for tick in play(partial(make, environment), actor, starts, limit=limit)
        for rollout in tick.finished
    ]
    summary = summarise(outcomes)
    figures: dict[str, Any] = {"environment": environment, "calls": actor.request.updates}
    for name, estimate in (
        ("best", summary.best),
        ("total", summary.total),
        ("success", summary.success),
        *summary.notes.items(),
    ):
        if estimate is not None:
            figures[name] = [estimate.value, estimate.low, estimate.high]
    return figures


def main() -> None:
    """Fills the store and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="pusht,steps,others,compare")
    groups = parser.parse_args().only.split(",")
    torch.set_num_threads(1)
    stored: dict[str, Any] = json.loads(STORE.read_text()) if STORE.exists() else {}

    def once(key: str, make_it: Callable[[], Any]) -> None:
        if key not in stored:
            stored[key] = make_it()
            print(key, stored[key], flush=True)
            STORE.parent.mkdir(exist_ok=True)
            write_atomic(STORE, json.dumps(stored, indent=1).encode())

    for cell in cells():
        if cell.group in groups and there(cell):
            once(key_of(cell), partial(roll_out, cell))
    if "compare" in groups:
        for name, options in COMPARED.items():
            once(f"compare {name}", partial(compared, options))
    write_atomic(PAGE, page(stored).encode())
    print(PAGE)


def there(cell: Cell) -> bool:
    """Whether the checkpoint is there."""
    return not cell.checkpoint.endswith(".safetensors") or Path(cell.checkpoint).exists()


def key_of(cell: Cell) -> str:
    """What a stored cell depends on."""
    digest = becalm.load(cell.checkpoint).digest[:12]
    return f"{digest} {cell.protocol} {cell.episodes} {json.dumps(cell.fields)}"


def compared(options: BaselinesOptions) -> dict[str, Any]:
    """A table of ``becalm policies baselines``."""
    table = next(report for report in list(baselines(options)) if isinstance(report, Table))
    return {"title": table.title, "columns": table.columns, "rows": table.rows}


def page(stored: dict[str, Any]) -> str:
    """The page."""
    lines = [
        "# Results of policies",
        "",
        "Made by `make rollouts` (`benchmarks/rollouts.py`), seed 0 unless a row says otherwise.",
        "Nothing is typed by hand.",
        "Intervals are 95 %: bootstrap for means, Wilson for shares.",
        f"{platform.machine()}, torch {torch.__version__.split('+')[0]}, 1 thread.",
        "",
    ]
    titles = {
        "pusht": "Push-T: last EMA weights, no selection of checkpoints, the policy's own 2 steps",
        "steps": "Push-T, bundled policy: samplers and steps, 200 starts of protocol lerobot",
        "others": "LunarLander and the fork, bundled policies",
    }
    known = [cell for cell in cells() if there(cell) and key_of(cell) in stored]
    for group, title in titles.items():
        rows = [(cell, stored[key_of(cell)]) for cell in known if cell.group == group]
        if rows:
            lines += [f"## {title}", "", *(push(rows) if group != "others" else general(rows)), ""]
    for name in COMPARED:
        if f"compare {name}" in stored:
            lines += section(name, stored[f"compare {name}"])
    return "\n".join(lines).rstrip() + "\n"


def push(rows: list[tuple[Cell, dict[str, Any]]]) -> list[str]:
    """Rows of Push-T, with the lines of people and of chance."""
    lines = [
        "| policy | protocol | episodes | calls per chunk | mean max reward | success |",
        "|---|---|---|---|---|---|",
    ]
    for cell, figures in rows:
        scores = f"{interval(figures['best'])} | {interval(figures['success'])}"
        lines.append(f"| {cell.name} | {cell.protocol} | {cell.episodes} | {figures['calls']} | {scores} |")
    if rows[0][0].group == "pusht":
        for anchor in measured("gym_pusht/PushT-v0"):
            lines.append(f"| {anchor.player} | | | | {anchor.reward:.3f} | {anchor.success:.3f} |")
    return lines


def general(rows: list[tuple[Cell, dict[str, Any]]]) -> list[str]:
    """Rows of other environments."""
    lines = [
        "| policy | episodes | calls per chunk | mean return | others' return | shares |",
        "|---|---|---|---|---|---|",
    ]
    for cell, figures in rows:
        others = ", ".join(f"{anchor.player} {anchor.gain:.1f}" for anchor in measured(figures["environment"]))
        skip = ("environment", "calls", "best", "total")
        shares = ", ".join(f"{name} {interval(value)}" for name, value in figures.items() if name not in skip)
        total = interval(figures["total"])
        lines.append(f"| {cell.name} | {cell.episodes} | {figures['calls']} | {total} | {others} | {shares} |")
    return lines


def section(name: str, table: dict[str, Any]) -> list[str]:
    """One comparison of methods."""
    head = "| " + " | ".join(table["columns"]) + " |"
    rule = "|" + "---|" * len(table["columns"])
    rows = ["| " + " | ".join(shown(value) for value in row) + " |" for row in table["rows"]]
    return [f"## The {name}: diffusion and its baselines", "", f"{table['title']}.", "", head, rule, *rows, "",
            f"![Where the actions of each method went](images/compare-{name}.png)", ""]  # fmt: skip


def shown(value: Any) -> str:
    """A cell of a table."""
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def interval(figure: list[float]) -> str:
    """A figure and its interval."""
    digits = 1 if abs(figure[0]) >= 10 else 3
    return f"{figure[0]:.{digits}f} [{figure[1]:.{digits}f}, {figure[2]:.{digits}f}]"


if __name__ == "__main__":
    main()
