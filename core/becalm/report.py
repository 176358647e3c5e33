"""What a plugin's own verb yields while it works: lines, tables, and how far it has come.

    def run(options: Options) -> Iterator[str | Progress | Table]:
        yield Progress(0, 10, "reading")
        yield Table(("figure", "value"), (("score", 0.94),))
        yield "done"

The verb says what there is; the apps say how it looks: a ruled table on a terminal, aligned text in a pipe, JSON where
asked for, a bar on stderr. Imports no torch.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work has come.

    Attributes:
        done: Work done, in any unit.
        total: All of it, in the same unit; may change on the way.
        text: A few words on what is going on.
    """

    done: float
    total: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures under named columns.

    Attributes:
        columns: Their names, each once.
        rows: One cell per column: text, a number, a truth value or None.

    Raises:
        ValueError: If a row does not fit the columns, or two columns have one name.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        if len(set(self.columns)) != len(self.columns):
            raise ValueError(f"the columns of a table must have different names, got {', '.join(self.columns)}")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row must have {len(self.columns)} cells, one per column, got {len(row)}")


Report = str | Progress | Table
"""What a verb may yield."""


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a field of options or of a request that stands on the command line without a flag.

    ``file: Annotated[str, Positional()]`` is ``FILE``. A field with a default may be left out; one that is a tuple or a
    list takes all the words that are left.
    """
