"""Errors that are the user's to mend: one sentence that says what was wrong, the value, and what is right."""

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

Location = tuple[int | str, ...]

_SENTENCE = 1500
"""Letters of a sentence."""
_MOST = 8
"""Wrong fields that a sentence names."""
_WORDS = 400
"""Letters of a validator's own sentence."""
_LONGEST = 120
"""Letters of a value in a sentence."""


class UserError(ValueError):
    """Bad input. The command line prints the sentence and exits with 2.

    A sentence may hold words of a stranger's file: control characters in them, which a terminal would obey, are shown
    escaped, and of very long ones the middle is left out.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(_plain(sentence))


class PluginError(Exception):
    """A fault of a plugin's, which its authors mend. The command line prints the sentence and exits with 1."""


def _plain(sentence: str) -> str:
    if not sentence.isprintable():
        spaced = sentence.replace("\n", " ").replace("\t", " ")
        sentence = "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in spaced
        )
    return sentence if len(sentence) <= _SENTENCE else f"{sentence[: _SENTENCE - 300]} ... {sentence[-290:]}"


def first_line(error: BaseException, instead: str | None = None) -> str:
    """What an exception says, on one line; its type, or ``instead``, where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else instead or type(error).__name__


def unknown(what: str, name: str, known: Iterable[str]) -> UserError:
    """An unknown name: lists the known ones and the nearest."""
    names = sorted(known)
    listing = ", ".join(names) if names else "none"
    return UserError(f"unknown {what} {shown(name)}: known are {listing}{nearest(name, names)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'that'?`` if a known name is near, else nothing."""
    near = difflib.get_close_matches(name[:_LONGEST], list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def dotted(location: Location) -> str:
    """A pydantic location as a key: ``schedule.offset``."""
    return ".".join(str(part) for part in location)


def _none(location: Location) -> Iterable[str]:
    return ()


def sentence(
    error: ValidationError,
    name: Callable[[Location], str] = dotted,
    known: Callable[[Location], Iterable[str]] = _none,
) -> str:
    """A pydantic error as one sentence per wrong field: ``steps must be greater than or equal to 1, got 0``.

    Args:
        name: What to call the field at a location, which may hold the tags of unions; such as the flag that sets it.
        known: The keys that might have been meant where one is unknown, see ``becalm.plugin.kinds.keys``.
    """
    # A plain union complains once per member; the first complaint about a field is enough.
    sentences: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        place = name(detail["loc"])
        near = _meant(detail["loc"], known(detail["loc"])) if detail["type"] == "extra_forbidden" else ""
        sentences.setdefault(place, _one(place, detail) + near)
    more = f"; and {len(sentences) - _MOST} more" if len(sentences) > _MOST else ""
    return "; ".join([*sentences.values()][:_MOST]) + more


def _meant(location: Location, known: Iterable[str]) -> str:
    """The key that was meant by an unknown one; what was said is none, although it means something elsewhere."""
    said = str(location[-1])
    return nearest(said, [key for key in known if key != said])


def _one(place: str, detail: Any) -> str:
    kind, message, value = detail["type"], str(detail["msg"]), detail["input"]
    if kind == "extra_forbidden":
        return f"unknown key {place!r}"
    if kind == "missing":
        return f"{place} is missing"
    if kind in ("value_error", "assertion_error"):
        said = str(detail["ctx"]["error"])[:_WORDS]
        return f"{place}: {said}" if place else said
    if kind == "kind":
        return f"{place} {message}" if place else message
    if kind == "union_tag_not_found":
        return f"{place} needs a {detail['ctx']['discriminator'].strip(chr(39))}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{place} must be a table of settings, got {shown(value)}"
    if kind == "union_tag_invalid":
        tags = detail["ctx"]["expected_tags"]
        return f"{place} must be one of {tags}, got {shown(detail['ctx']['tag'])}{_near(detail['ctx']['tag'], tags)}"
    for start in ("Input should be ", "Value should be "):
        message = message.removeprefix(start)
    # "a valid integer, unable to parse string as an integer" says it twice.
    message = message.split(", unable to ")[0]
    near = _near(value, detail["ctx"]["expected"]) if kind == "literal_error" else ""
    return f"{place} must be {message}, got {shown(value)}{near}"


def shown(value: object) -> str:
    """A value as a sentence shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _near(value: Any, expected: str) -> str:
    return nearest(str(value), re.findall("'([^']*)'", expected))
