"""``make torture``: trainings killed at random moments, and at every change of a file that their saving makes.

    python tests/trust/torture.py [--domains images,policies,programs] [--kills 200] [--seed 0] [--journal FILE]

A training of each domain dies, or finds the disk full or broken, and goes on as it is told to; what it ends in is
compared bit for bit with one that was never stopped: checkpoint, resume state, log and picture. Outcomes:

    identical  the same bits
    refused    one sentence and exit code 2, with nothing lost
    stale      exit code 0, and other bits or a file missing
    lost       neither goes on nor is there a checkpoint that was there before
    traceback  anything else: a traceback, an internal error, no end

Prints a table; goes on where it was interrupted, by its journal. Ends with 1 if an outcome is none of the first two.
"""

import argparse
import json
import platform
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from crashes import BROKEN, DEATH, FULL, Crash
from ended import Ends, judge, store_says
from forked import Ended, preload, run
from subjects import STEPS, Subject, subjects

from becalm.train.resume import resume_path

IN_A_ROW = 4
"""Kills of one training before it is left alone."""
_REAL = 10
"""One series of so many has the real recorder, whose import of MLflow alone is longer than the training."""


@dataclass
class Torture:
    """The trials of one domain.

    Attributes:
        ends: What the training ends in if it is never stopped. seconds: It takes. calls: Of the system.
    """

    subject: Subject
    folder: Path
    ends: Ends
    seconds: float
    calls: int

    @classmethod
    def of(cls, subject: Subject, folder: Path) -> "Torture":
        """Runs the training once alone."""
        out = _fresh(folder)
        begun = time.monotonic()
        ended = run(subject.begin(out), folder, crash=Crash(out.parent, DEATH, 0), real=False)
        seconds = time.monotonic() - begun
        if ended.code != 0 or not ended.calls:
            raise RuntimeError(f"{subject.domain} does not train: {ended}")
        return cls(subject, folder, Ends.of(out), seconds, ended.calls)

    def fail(self, how: str, at: int) -> dict[str, Any]:
        """One failure at a call, and what becomes of it."""
        out = _fresh(self.folder)
        crash = Crash(out.parent, how, at)
        ended = run(self.subject.begin(out), self.folder, crash=crash, real=False)
        return self._go_on(out, [ended], real=False)

    def kill(self, series: int, seed: int, real: bool) -> dict[str, Any]:
        """Kills at random moments, one after another, and what becomes of it.

        Args:
            real: Whether with the real recorder.
        """
        out, moment = _fresh(self.folder), random.Random(f"{seed} {self.subject.domain} {series}")
        runs: list[Ended] = []
        for _ in range(IN_A_ROW):
            runs.append(run(self._words(out), self.folder, kill=moment.uniform(0, self.seconds), real=real))
        result = self._go_on(out, runs, real=real)
        return {**result, "kills": sum(ended.code == -9 for ended in runs)}

    def _words(self, out: Path) -> list[str]:
        """What a script does: go on if there is anything to go on from, else begin."""
        return self.subject.resume(out) if resume_path(out).exists() else self.subject.begin(out)

    def _go_on(self, out: Path, before: list[Ended], *, real: bool) -> dict[str, Any]:
        saved = out.exists()
        last = run(self._words(out), self.folder, real=real)
        outcome = judge(self.ends, out, [*before, last], saved=saved)
        if outcome == "identical" and real and (said := store_says(out)) != ["FINISHED", STEPS]:
            outcome, last = "stale", Ended(last.code, f"the run is {said}", 0)
        words = [ended.said[-300:] for ended in (*before, last)] if outcome != "identical" else []
        left = sorted(path.name for path in out.parent.glob(".*"))
        return {"outcome": outcome, "left": left, "said": words, "codes": [ended.code for ended in (*before, last)]}


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder / "runs", ignore_errors=True)
    return folder / "runs" / "m.safetensors"


def trials(torture: Torture, enough: Callable[[], bool], every: int) -> Iterator[tuple[str, int]]:
    """All that is tried of a domain: how, and a number.

    Args:
        enough: Whether there were kills enough; one that comes too late for its training is none.
        every: Of the calls only each so-manieth.
    """
    for series in count():
        if enough():
            break
        yield "kill", series
    # One more than it makes, in case what fails makes more of them.
    yield from ((how, at) for how in (DEATH, FULL, BROKEN) for at in range(1, torture.calls + 2, every))


def main() -> int:
    """Tries what the journal has not; prints the table."""
    parser = argparse.ArgumentParser(description="Kills trainings and breaks their disk.")
    parser.add_argument("--domains", default="images,policies,programs")
    parser.add_argument("--kills", type=int, default=200, help="of each domain, at least")
    parser.add_argument("--every", type=int, default=1, help="each so-manieth call of the system only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--untracked", action="store_true", help="no real recorder, which imports MLflow")
    parser.add_argument("--journal", type=Path)
    asked = parser.parse_args()
    done = _read(asked.journal)
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        folder = Path(name)
        chosen = subjects(folder, asked.domains.split(","))
        warm = [subject.begin(folder / "warm" / noun / "m.safetensors") for noun, subject in chosen.items()]
        preload(warm, tracked=not asked.untracked)
        for noun, subject in chosen.items():
            (folder / noun).mkdir()
            torture = Torture.of(subject, folder / noun)

            def enough(noun: str = noun) -> bool:
                return sum(result.get("kills", 0) for key, result in done.items() if key[0] == noun) >= asked.kills

            for how, number in trials(torture, enough, asked.every):
                if (noun, how, number) in done:
                    continue
                real = how == "kill" and number % _REAL == 0 and not asked.untracked
                result = torture.kill(number, asked.seed, real) if how == "kill" else torture.fail(how, number)
                done[noun, how, number] = result
                _note(asked.journal, {"domain": noun, "how": how, "number": number, **result})
    print(table(done, asked.seed))
    return int(any(result["outcome"] not in ("identical", "refused") or result["left"] for result in done.values()))


def table(done: dict[tuple[str, str, int], dict[str, Any]], seed: int) -> str:
    """The outcomes as a table in Markdown."""
    kinds = ("identical", "refused", "stale", "lost", "traceback")
    lines = [
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {platform.system()}, Python {platform.python_version()}, "
        f"seed {seed}",
        "",
        f"| domain | what happens | trials | kills | {' | '.join(kinds)} | files left |",
        "|---|---|" + "---:|" * (len(kinds) + 3),
    ]
    names = {"kill": "SIGKILL at random moments", DEATH: "SIGKILL", FULL: "ENOSPC", BROKEN: "EIO"}
    for noun in dict.fromkeys(key[0] for key in done):
        for how, text in names.items():
            rows = [result for key, result in done.items() if key[:2] == (noun, how)]
            if not rows:
                continue
            counts = Counter(result["outcome"] for result in rows)
            where = text if how == "kill" else f"{text} at each file-system call"
            kills = sum(result.get("kills", 0) for result in rows) or (len(rows) if how == DEATH else 0)
            cells = [
                noun,
                where,
                len(rows),
                kills,
                *(counts[kind] for kind in kinds),
                sum(len(r["left"]) for r in rows),
            ]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _read(journal: Path | None) -> dict[tuple[str, str, int], dict[str, Any]]:
    if journal is None or not journal.exists():
        return {}
    lines = [json.loads(line) for line in journal.read_text().split("\n")[:-1]]
    return {(line["domain"], line["how"], line["number"]): line for line in lines}


def _note(journal: Path | None, line: dict[str, Any]) -> None:
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("a") as file:
            file.write(json.dumps(line) + "\n")
    if line["outcome"] != "identical" or line["left"]:
        print(json.dumps(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
