"""What is wrong with a model file, and how words of it are shown."""


class RefusedError(ValueError):
    """What is wrong with the file, as a sentence without its subject, the file's name.

    Attributes:
        line: Where, or 0 if it is no matter of one line.
    """

    def __init__(self, what: str, line: int = 0) -> None:
        super().__init__(what)
        self.line = line


def at(line: int, what: str) -> RefusedError:
    """The refusal of a line: ``line 7 has 'nan' where a number must be``."""
    return RefusedError(f"line {line} {what}", line)


def shown(word: bytes) -> str:
    """A word of the file as a sentence shows it, cut after 40 bytes."""
    return repr(word[:40].decode(errors="replace"))
