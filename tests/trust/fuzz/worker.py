"""Inputs one after the other, in a forked process with limits of memory and time; what came of each is said at once."""

import contextlib
import io
import json
import os
import resource
import select
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from doors import DOORS, Door
from mutate import change

from becalm.errors import UserError

SECONDS = 10
"""What an input may take."""
_MEMORY = 2 * 2**30
"""What an input may take beside what the libraries have taken."""
_PATIENCE = 5


class _Hang(BaseException):
    """An input took longer than it may."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an input.

    Attributes:
        number: Of the input.
        kind: result, sentence, traceback, hang or crash.
        memory: Largest memory of the process, in MB.
        said: What was said, of what is no result.
    """

    number: int
    kind: str
    memory: int = 0
    said: str = ""


def inputs(name: str, numbers: range, corpus: Path, folder: Path) -> Iterator[Outcome]:
    """What comes of some inputs of a door; a process that ends is followed by another.

    Args:
        corpus: Valid files, see ``corpus.build``.
        folder: Where changed files are written.
    """
    left = numbers
    while left:
        last = left.start - 1
        for outcome in _batch(name, left, corpus, folder):
            yield outcome
            last = outcome.number
        left = range(last + 1, numbers.stop)


def _batch(name: str, numbers: range, corpus: Path, folder: Path) -> Iterator[Outcome]:
    """Outcomes until the process ends; the one that ended it is the last."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _work(name, numbers, corpus, folder, writing)
    os.close(writing)
    expected, ended = numbers.start, ""
    with os.fdopen(reading, "rb") as lines:
        while expected < numbers.stop:
            if not select.select([lines], [], [], SECONDS + _PATIENCE)[0]:
                os.kill(child, signal.SIGKILL)
                ended = "hang"
                break
            line = lines.readline()
            if not line:
                ended = "crash"
                break
            outcome = Outcome(**json.loads(line))
            expected = outcome.number + 1
            yield outcome
    _, status = os.waitpid(child, 0)
    if ended:
        code = os.waitstatus_to_exitcode(status)
        yield Outcome(expected, ended, said=f"the process ended with {code}")


def _work(name: str, numbers: range, corpus: Path, folder: Path, pipe: int) -> None:
    """In the child: never returns."""
    with contextlib.suppress(BaseException):
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + _MEMORY,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGALRM, _ring)
        warnings.simplefilter("ignore")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        door, files = DOORS[name], sorted((corpus / name).iterdir())
        others = [file.read_bytes() for file in files if file.is_file()]
        for number in numbers:
            path = _changed(name, door, files, others, Random(f"{name} {number}"), folder)
            os.write(pipe, json.dumps(_outcome(number, door, path)).encode() + b"\n")
    os._exit(0)


def _ring(*_: object) -> None:
    raise _Hang


def _changed(name: str, door: Door, files: list[Path], others: list[bytes], random: Random, folder: Path) -> Path:
    """A changed file, or a folder of which one file was changed."""
    chosen = random.choice(files)
    target = folder / chosen.name
    if chosen.is_file():
        target.write_bytes(_change(door, random, chosen.read_bytes(), others))
        return target
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(chosen, target)
    inner = random.choice(sorted(path for path in target.rglob("*") if path.name.endswith(door.inside)))
    inner.write_bytes(_change(door, random, inner.read_bytes(), others))
    return target


def _change(door: Door, random: Random, data: bytes, others: list[bytes]) -> bytes:
    """Changed content; of bytes, where what was changed cannot be packed again."""
    try:
        return door.change(random, data, others)
    except Exception:
        return change(random, data, others)


def _outcome(number: int, door: Door, path: Path) -> dict[str, object]:
    kind, said = "result", ""
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            door.read(path)
    except UserError as error:
        kind, said = "sentence", str(error)
        if path.name not in said or "\n" in said or len(said) > 2000:
            kind = "traceback"
    except _Hang:
        kind, said = "hang", "".join(traceback.format_exc().splitlines()[-6:])
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind, said = "traceback", f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    said = "" if kind in ("result", "sentence") else said[:300]
    return {"number": number, "kind": kind, "memory": memory, "said": said}
