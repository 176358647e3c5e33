"""``make fuzz``: changed files of every kind through every door, and a table of what came of them.

    python tests/trust/fuzz/run.py [--count 10000] [--only zarr] [--out out/fuzz.jsonl]

An input is a function of its kind and number, so a number says how to make it again. What is done stands in a journal,
and another run goes on where the last one was interrupted.
"""

import argparse
import os
import platform
import resource
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import corpus
from doors import DOORS
from worker import inputs

from becalm.files import journal
from becalm_apps.cli.table import table

BATCH = 500
KINDS = ("result", "sentence", "traceback", "hang", "crash")


def main() -> int:
    """Runs what is left and prints the table; 0 if every outcome is a result or a sentence."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", choices=sorted(DOORS), action="append")
    parser.add_argument("--out", type=Path, default=Path("out/fuzz.jsonl"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="becalm-fuzz-") as name:
        files = built(Path(name))
        for door in chosen.only or DOORS:
            fuzz(door, chosen.count, files, Path(name, "changed"), chosen.out)
    rows = journal.read(chosen.out)
    print(summary(rows))
    for row in rows:
        for bad in row["bad"]:
            print(f"{row['door']} {bad}")
    return int(any(row["bad"] for row in rows))


def built(folder: Path) -> Path:
    """The valid files, made in a process of their own: threads that libraries begin do not survive a fork."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            corpus.build(folder / "valid")
            code = 0
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit("the valid files could not be made")
    return folder / "valid"


def fuzz(door: str, count: int, files: Path, folder: Path, out: Path) -> None:
    """The inputs of a door that the journal does not have yet, batch by batch."""
    done = {row["first"] for row in journal.read(out) if row["door"] == door}
    folder.mkdir(exist_ok=True)
    for first in range(0, count, BATCH):
        if first in done:
            continue
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        outcomes = list(inputs(door, range(first, min(first + BATCH, count)), files, folder))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        kinds = Counter(outcome.kind for outcome in outcomes)
        bad = [f"{one.number}: {one.kind}, {one.said}" for one in outcomes if one.kind not in ("result", "sentence")]
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = {
            "door": door,
            "first": first,
            "count": len(outcomes),
            "bad": bad,
            **{kind: kinds[kind] for kind in KINDS},
        }
        memory = max(outcome.memory for outcome in outcomes)
        journal.append(out, [{**row, "memory": memory, "seconds": round(seconds, 1)}])
        told = f"{door} {first + len(outcomes)}: {dict(kinds)}, {memory} MB, {seconds:.0f} s"
        print(told, file=sys.stderr, flush=True)


def summary(rows: list[dict[str, object]]) -> str:
    """The table, a line per door."""
    lines = []
    for door in dict.fromkeys(str(row["door"]) for row in rows):
        mine = [row for row in rows if row["door"] == door]
        sums = [sum(int(str(row[kind])) for row in mine) for kind in ("count", *KINDS)]
        lines.append((door, *map(str, sums), str(max(int(str(row["memory"])) for row in mine))))
    head = ("kind", "inputs", "results", "sentences", "tracebacks", "hangs", "crashes", "largest memory, MB")
    return f"{table(head, lines)}{date.today()}, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
