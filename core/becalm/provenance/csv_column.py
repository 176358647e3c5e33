"""CSV: a last column ``becalm`` that holds the text in the first row, and nothing below.

A comment line would be taken for the header by most readers; a further column is passed over by every reader of named
columns.
"""

import csv
import io

_NAME = "becalm"


def get(content: bytes) -> str | None:
    """The text, or None."""
    rows = _rows(content)
    return rows[1][-1] or None if len(rows) > 1 and rows[0][-1:] == [_NAME] else None


def put(content: bytes, text: str) -> bytes:
    """The table with the text in place of one that it has; one without rows has no place for it.

    Raises:
        ValueError: If there is no header, or no row below it.
    """
    rows = _rows(content)
    if len(rows) < 2:
        raise ValueError("a table without rows has no place for a record")
    plain = [row[:-1] for row in rows] if rows[0][-1] == _NAME else rows
    column = [_NAME, text, *[""] * (len(plain) - 2)]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([*row, cell] for row, cell in zip(plain, column, strict=True))
    return written.getvalue().encode()


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
