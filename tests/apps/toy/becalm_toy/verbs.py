"""Verbs of its own; they need no torch."""

from collections.abc import Iterator

from becalm_toy.request import CountOptions, FailOptions


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
