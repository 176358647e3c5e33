"""Verbs of its own; they need no torch."""

import time
from collections.abc import Iterator
from pathlib import Path

from becalm.report import Progress, Table
from becalm_toy.request import CountOptions, FailOptions, WeighOptions


def count(options: CountOptions) -> Iterator[str]:
    for number in range(options.to):
        yield str(number + 1)


def fail(options: FailOptions) -> Iterator[str]:
    yield "begun"
    if options.how == "package":
        import a_package_that_nobody_has  # noqa: F401
    failures: dict[str, BaseException] = {
        "memory": MemoryError(),
        "interrupt": KeyboardInterrupt(),
        "disk": OSError(28, "No space left on device", "somewhere"),
        "value": ValueError("steps must be at least 1,\ngot 0"),
    }
    raise failures.get(options.how, RuntimeError("first line\nsecond line"))


def weigh(options: WeighOptions) -> Iterator[str | Progress | Table]:
    try:
        yield f"begun {options.thing}"
        Path("begun").touch()
        for number in range(options.waits):
            yield Progress(number + 1, options.waits, options.thing)
            time.sleep(0.05)
        rows = [(part, float(len(part)), None, len(part) > 2) for part in options.parts]
        yield Table(("part", "weight", "unit", "heavy"), (*rows, ("all", float("nan"), "kg", True)), title="Weights")
        yield "done"
    finally:
        Path("closed").write_text(options.thing)
