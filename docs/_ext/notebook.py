"""Notebooks as pages: their cells become Markdown, pictures among their outputs stay pictures."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

_FENCE = "````"


class NotebookParser(MystParser):
    """Reads .ipynb files as the Markdown that their cells stand for."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        name = document["source"].rpartition("/")[2]
        text = markdown(json.loads(inputstring))
        super().parse(f"{text}\n{{download}}`As a notebook <{name}>`\n", document)


def markdown(notebook: Mapping[str, Any]) -> str:
    """The cells as Markdown: code in fences, with what it printed and drew below."""
    return "\n\n".join(part for cell in notebook["cells"] for part in _cell(cell)) + "\n"


def _cell(cell: Mapping[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"{_FENCE}python\n{source}\n{_FENCE}"
    for output in cell["outputs"]:
        data = output.get("data", {})
        text = "".join(output.get("text", data.get("text/plain", "")))
        if "image/png" in data:
            yield f"![what the cell above draws](data:image/png;base64,{''.join(data['image/png'].split())})"
        elif text.strip():
            yield f"{_FENCE}text\n{text.rstrip()}\n{_FENCE}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the kind of page."""
    app.add_source_parser(NotebookParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
