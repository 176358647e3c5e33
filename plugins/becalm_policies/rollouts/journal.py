"""What an evaluation has played so far, on disk: an interrupted one goes on where it stopped.

settings.json    what was asked for; --resume refuses other settings; once all is done, also the record (becalm)
episodes.jsonl   one line per finished episode, with its actions and rewards
episodes.csv     the same for people: episode, seed, steps, best (largest reward) and total (return) to twelve digits,
success (1, 0, or empty where the environment knows none), notes (what else it said at the end, name=value); at the end
the record (becalm)
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.files import journal
from becalm.files.atomic import write_atomic
from becalm.provenance import Record, write
from becalm_policies.rollouts.estimates import Outcome
from becalm_policies.rollouts.protocol import Start
from becalm_policies.rollouts.rollout import Rollout

COLUMNS = ("episode", "seed", "steps", "best", "total", "success", "notes")


class Journal:
    """The finished episodes of one evaluation.

    Args:
        folder: Where it is kept; None to keep it in memory only.
        settings: What the episodes depend on, as JSON has it.
        resume: Go on with what is in the folder.

    Raises:
        UserError: If the folder holds an evaluation and is not to be resumed, or one with other settings, or cannot be
            written.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any], *, resume: bool) -> None:
        self.rollouts: list[Rollout] = []
        self._folder = folder
        if folder is None:
            if resume:
                raise UserError("--resume needs the --out folder of the evaluation to go on with")
            return
        asked = folder / "settings.json"
        if asked.exists():
            if not resume:
                raise UserError(f"{folder} already holds an evaluation: name another --out, or go on with --resume")
            self.rollouts = _read(folder, settings)
        elif resume:
            raise UserError(f"there is no evaluation in {folder} to resume")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write {folder}: {error.strerror}") from error
        # A line that a kill cut short must not stand before the next one.
        journal.write(folder / "episodes.jsonl", map(_record, self.rollouts))
        table = _row(COLUMNS) + "".join(_row(_cells(rollout)) for rollout in self.rollouts)
        write_atomic(folder / "episodes.csv", table.encode())
        write_atomic(asked, json.dumps(settings, indent=2, sort_keys=True).encode())

    def stamp(self, made: Callable[[str], Record]) -> None:
        """Has the table and the settings say how they were made, once all episodes are there.

        Args:
            made: Name of a file to its record.
        """
        if self._folder is not None:
            for name in ("episodes.csv", "settings.json"):
                file = self._folder / name
                write(file, file.read_bytes(), made(name))

    def add(self, rollout: Rollout) -> None:
        """Keeps one more episode."""
        self.rollouts.append(rollout)
        if self._folder is None:
            return
        journal.append(self._folder / "episodes.jsonl", [_record(rollout)])
        with (self._folder / "episodes.csv").open("a", encoding="utf-8", newline="") as file:
            file.write(_row(_cells(rollout)))


def _read(folder: Path, settings: Mapping[str, Any]) -> list[Rollout]:
    try:
        before = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        rollouts = [_rollout(record) for record in journal.read(folder / "episodes.jsonl")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the evaluation in {folder} is damaged and cannot be resumed: {error}") from error
    now = json.loads(json.dumps(settings))
    before.pop("becalm", None)
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if changed:
        name = changed[0]
        raise UserError(
            f"the evaluation in {folder} has {name} {before.get(name)}, not {now.get(name)}: name another --out"
        )
    return rollouts


def _record(rollout: Rollout) -> dict[str, Any]:
    outcome = asdict(rollout.outcome)
    # Actions are single precision: nine digits hold one exactly.
    arrays = {"actions": [[float(f"{value:.9g}") for value in row] for row in rollout.actions.tolist()]}
    start = {"seed": rollout.start.seed, "options": rollout.start.options}
    return {**outcome, **start, **arrays, "rewards": rollout.rewards.tolist()}


def _rollout(record: dict[str, Any]) -> Rollout:
    outcome = Outcome(**{name: record[name] for name in ("episode", "steps", "best", "total", "success", "notes")})
    start = Start(outcome.episode, record["seed"], record["options"])
    return Rollout(start, outcome, np.array(record["actions"]), np.array(record["rewards"]))


def _cells(rollout: Rollout) -> tuple[Any, ...]:
    outcome = rollout.outcome
    success = "" if outcome.success is None else int(outcome.success)
    notes = " ".join(f"{name}={value}" for name, value in outcome.notes.items())
    # Environments differ in the last bit from run to run, Push-T by where in memory its shapes lie.
    best, total = (float(f"{value:.12g}") for value in (outcome.best, outcome.total))
    return (outcome.episode, rollout.start.seed, outcome.steps, best, total, success, notes)


def _row(cells: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
