"""Verbs of its own; they need no torch."""

import time
from collections.abc import Iterator
from pathlib import Path

from becalm.errors import UserError
from becalm.plugin.report import Picture, Progress, Report, Saved, Table
from becalm_toy.request import BlinkOptions, CountOptions, FailOptions, WeighOptions


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


def blink(options: BlinkOptions) -> Iterator[Report]:
    """Notes each blink in a file of its name, and that it was closed in another."""
    if options.note is not None and not Path(options.note).read_text():
        raise UserError(f"{options.note} is empty: write something into it")
    try:
        for number in range(options.times):
            with Path(f"{options.name}.blinks").open("a") as file:
                file.write("x")
            yield Progress(number + 1, options.times, "<b>blinking</b>")
            colour = options.colour or "white"
            svg = (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect fill="{colour}" width="9"/></svg>'
            )
            yield Picture("image/svg+xml", svg.encode(), f"{options.name} {number}", 0.02)
        own = Path(options.folder) / "own.txt"
        own.write_text(options.name)
        yield Saved(own)
        yield Table(("field", "value"), tuple((key, str(value)) for key, value in options if key != "folder"))
        yield f"{options.name} <i>has</i> blinked"
    finally:
        Path(f"{options.name}.closed").touch()
