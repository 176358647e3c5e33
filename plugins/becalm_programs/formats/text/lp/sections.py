"""Sections of LP files by their headers, each of which begins a line.

Where a keyword may stand differs between readers, so no name may be one.
"""

import re

from becalm_programs.formats.text.refusal import at, shown

ROWS, BOUNDS, INTEGER, BINARY, END = "rows", "bounds", "integer", "binary", "end"
MINIMISE, MAXIMISE = "minimise", "maximise"

_READ = {
    MINIMISE: rb"minimi[sz]e|minimum|min",
    MAXIMISE: rb"maximi[sz]e|maximum|max",
    ROWS: rb"subject\s+to|such\s+that|s\.t\.|st\.?",
    BOUNDS: rb"bounds?",
    INTEGER: rb"generals?|gen|integers?|int",
    BINARY: rb"binary|binaries|bin",
    END: rb"end",
}
_REFUSED = {
    rb"lazy\s+constraints?": "lazy constraints are",
    rb"user\s+cuts?": "user cuts are",
    rb"(?:general|genconstr|gen)\s+constr(?:aint)?s?|gencons": "general constraints are",
    rb"semi\s*-?\s*continuous|semis?": "semi-continuous variables are",
    rb"semi\s*-?\s*integers?": "semi-integer variables are",
    rb"sos[12]?|special\s+ordered\s+sets?": "special ordered sets are",
    rb"pwlobj": "a piecewise-linear objective is",
    rb"ranges": "a section of ranges is",
    rb"scenario": "a scenario is",
}
_MULTI = re.compile(rb"\s*multi-objectives?", re.IGNORECASE)
# Those of several words come first: General Constraints is not General.
_HEADERS = [
    (re.compile(rb"\s*(?:" + words + rb")(?=\s|$)", re.IGNORECASE), found)
    for words, found in [*((words, ground) for words, ground in _REFUSED.items())]
    + [(words, section) for section, words in _READ.items()]
]
_FIRST = {
    word.encode()
    for word in [
        "minimize",
        "minimise",
        "minimum",
        "min",
        "maximize",
        "maximise",
        "maximum",
        "max",
        "subject",
        "such",
        "s.t.",
        "st",
        "st.",
        "bound",
        "bounds",
        "general",
        "generals",
        "gen",
        "integer",
        "integers",
        "int",
        "binary",
        "binaries",
        "bin",
        "end",
        "lazy",
        "user",
        "genconstr",
        "gencons",
        "semi",
        "semis",
        "semi-continuous",
        "semicontinuous",
        "semi-integer",
        "semi-integers",
        "sos",
        "sos1",
        "sos2",
        "special",
        "pwlobj",
        "ranges",
        "scenario",
    ]
}
RESERVED = _FIRST - {b"subject", b"such", b"user", b"special", b"lazy"} | {
    word.encode() for word in ["free", "inf", "infinity", "nan"]
}
"""Words that are no names."""


def header(line: bytes, number: int) -> tuple[str, bytes] | None:
    """The section that a line begins and the rest of the line, or None.

    Raises:
        RefusedError: If the section is one that is not read.
    """
    words = line.split(None, 1)
    if not words or words[0].lower() not in _FIRST:
        return None
    for pattern, found in _HEADERS:
        if match := pattern.match(line):
            if found not in _READ:
                raise at(number, f"begins section {shown(match[0].strip())}: {found} not read")
            if found in (MINIMISE, MAXIMISE) and _MULTI.match(line, match.end()):
                raise at(number, "has several objectives: only one is read")
            return found, line[match.end() :]
    return None
