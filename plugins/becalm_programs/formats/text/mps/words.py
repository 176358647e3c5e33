"""The words of a line of data: set apart by blanks, or, in fixed format, by their columns, where names may have blanks.

Columns 2-3, 5-12, 15-22, 25-36, 40-47, 50-61, counted from 1, are the six fields; between them and after is nothing.
"""

from collections.abc import Callable

Split = Callable[[bytes], list[bytes]]

_FIELDS = ((1, 3), (4, 12), (14, 22), (24, 36), (39, 47), (49, 61))
_GAPS = ((0, 1), (3, 4), (12, 14), (22, 24), (36, 39), (47, 49), (61, None))


def free(line: bytes) -> list[bytes]:
    """The words between blanks."""
    return line.split()


def fixed(line: bytes) -> list[bytes]:
    """The fields that are not blank; all words if something stands between fields, so that their count is wrong."""
    if b"\t" in line or any(line[start:end].strip() for start, end in _GAPS):
        return line.split()
    return [word for start, end in _FIELDS if (word := line[start:end].strip())]
