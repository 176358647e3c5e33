"""What a plugin's own verb or panel yields while it works: lines, tables, pictures, files, and how far it has come.

    def run(options: Options) -> Iterator[Report]:
        yield Progress(0, 10, "reading")
        yield Picture("image/png", content)
        yield Table(("figure", "value"), (("score", 0.94),))
        yield "done"

It says what there is; the apps say how it looks: a ruled table on a terminal, aligned text in a pipe, JSON where asked
for, a bar on stderr; a film and links on a page. ``becalm.plugin.widget`` says how a field of its options looks there.
Imports no torch.
"""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.files.atomic import write_atomic

_SUFFIXES = {"image/jpeg": (".jpg", ".jpeg"), "image/svg+xml": (".svg",)}


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


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """Something to look at. A page shows the last one, so that many of them are a film; a terminal shows none.

    Attributes:
        mime: image/png, image/jpeg, image/gif, image/svg+xml, ...; content: the bytes.
        text: A few words below it.
        seconds: How long it should stand before the next one comes, at least.
    """

    mime: str
    content: bytes
    text: str = ""
    seconds: float = 0.0

    @classmethod
    def of_figure(cls, figure: Any, text: str = "", *, dpi: int = 110) -> "Picture":
        """A figure of matplotlib as a PNG."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
        return cls("image/png", buffer.getvalue(), text)

    def save(self, path: str | Path) -> None:
        """Writes the file.

        Raises:
            UserError: If the suffix is not that of its kind, or the place cannot be written.
        """
        path = Path(path)
        suffixes = _SUFFIXES.get(self.mime, (f".{self.mime.partition('/')[2]}",))
        if path.suffix.lower() not in suffixes:
            raise UserError(f"a picture of kind {self.mime} is saved as {' or '.join(suffixes)}, got {path}")
        write_atomic(path, self.content)

    def __repr__(self) -> str:
        text = f", {self.text!r}" if self.text else ""
        return f"<Picture {self.mime}, {len(self.content)} bytes{text}>"

    def _repr_png_(self) -> bytes | None:
        return self.content if self.mime == "image/png" else None

    def _repr_jpeg_(self) -> bytes | None:
        return self.content if self.mime == "image/jpeg" else None

    def _repr_svg_(self) -> str | None:
        return self.content.decode("utf-8") if self.mime == "image/svg+xml" else None

    def _repr_html_(self) -> str | None:
        if self.mime != "image/gif":
            return None
        return f'<img src="data:image/gif;base64,{base64.b64encode(self.content).decode("ascii")}">'


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was written. A terminal names it, a page offers it for download.

    Attributes:
        text: A few words on what it is.
    """

    path: Path
    text: str = ""


Report = str | Progress | Table | Picture | Saved
"""What a verb or a panel may yield."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something outside Python packages that a domain uses, such as data or a solver; ``becalm doctor`` lists it.

    Attributes:
        what: Its name.
        found: Where it is or which version; None if it is missing.
        mend: The command that brings it, or a few words on what does.
    """

    what: str
    found: str | None
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a field of options or of a request that stands on the command line without a flag.

    ``file: Annotated[str, Positional()]`` is ``FILE``. A field with a default may be left out; one that is a tuple or a
    list takes all the words that are left.
    """


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 sample``, ``1600 samples``.

    Args:
        noun: In the singular; its plural ends in s.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
