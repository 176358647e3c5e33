"""MPS: comment lines at the beginning. They are short, since readers of this old format cut long ones."""

_HEAD = "* becalm "
_MOST = 120
"""Letters of the text on a line; CBC reads 1,000 of one, SCIP 1,024."""


def get(content: bytes) -> str | None:
    """The text, or None."""
    lines = content.decode("utf-8").splitlines()
    return "".join(line.removeprefix(_HEAD) for line in lines if line.startswith(_HEAD)) or None


def put(content: bytes, text: str) -> bytes:
    """The file with the text in place of one that it has."""
    lines = content.decode("utf-8").splitlines(keepends=True)
    parts = [text[place : place + _MOST] for place in range(0, len(text), _MOST)]
    comments = "".join(f"{_HEAD}{part}\n" for part in parts)
    return (comments + "".join(line for line in lines if not line.startswith(_HEAD))).encode()
