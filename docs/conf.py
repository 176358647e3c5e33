"""Settings of the documentation; built without a network, and with warnings as errors."""

import re
import sys
from pathlib import Path
from typing import Any

import becalm

project = "becalm"
author = "becalm contributors"
copyright = "2026, becalm contributors"
release = version = becalm.__version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "commands",
    "modules",
    "moved",
    "notebook",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown", ".ipynb": "notebook"}
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    # Rooms offer what their modules define, in ``__all__``; it is explained where it is defined.
    "ignore-module-all": True,
    "show-inheritance": False,
    # What every pydantic model has.
    "exclude-members": "model_config, model_post_init, __init__, __new__",
}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_display_short_literal_types = True
python_maximum_signature_line_length = 90
# Sphinx takes the name of an attribute for a reference; where several classes have one of that name it cannot choose.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = "becalm"
html_copy_source = False
html_show_sphinx = False


def setup(app: Any) -> None:
    # Before napoleon, whose priority is 500: it wants the text as reStructuredText.
    app.connect("autodoc-process-docstring", _as_restructured_text, priority=400)
    # Pydantic keeps ``Domain[Any]`` as a name in the module of ``Domain``.
    app.connect("autodoc-skip-member", lambda app, what, name, *rest: True if "[" in name else None)


def _as_restructured_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text: an indented formula is literal, and * and | are themselves outside of ``code``."""
    result: list[str] = []
    literal = False
    for number, line in enumerate(lines):
        before = [earlier for earlier in lines[:number] if earlier.strip()]
        indented = line.startswith("    ")
        if literal and line.strip() and not indented:
            literal = False
        begins = indented and number > 0 and not lines[number - 1].strip() and bool(before)
        if not literal and begins and not before[-1].startswith(" "):
            result += ["::", ""]
            literal = True
        result.append(line if literal else _escaped(line))
    lines[:] = result


def _escaped(line: str) -> str:
    parts = re.split(r"(``.*?``)", line)
    return "".join(part if part.startswith("``") else re.sub(r"([*|])", r"\\\1", part) for part in parts)
