"""Sections of MPS files: which are read, in which order, and why the others are not."""

from becalm_programs.formats.text.refusal import RefusedError, at, shown

_READ = (
    b"NAME", b"OBJSENSE", b"OBJNAME", b"ROWS", b"COLUMNS", b"RHS", b"RANGES", b"BOUNDS", b"ENDATA",
)  # fmt: skip
# These may have something behind them on their line.
_HEADED = (b"NAME", b"OBJSENSE", b"OBJNAME")
_LINEAR = "only linear programs are read"
_REFUSED = {
    b"QUADOBJ": _LINEAR,
    b"QMATRIX": _LINEAR,
    b"QSECTION": _LINEAR,
    b"QCMATRIX": _LINEAR,
    b"QUADS": _LINEAR,
    b"CSECTION": "cones are not read",
    b"SOS": "special ordered sets are not read",
    b"SOS1": "special ordered sets are not read",
    b"SOS2": "special ordered sets are not read",
    b"SETS": "special ordered sets are not read",
    b"LAZYCONS": "lazy constraints are not read",
    b"USERCUTS": "user cuts are not read",
    b"INDICATORS": "indicator rows are not read",
    b"GENCONS": "general constraints are not read",
    b"PWLOBJ": "a piecewise-linear objective is not read",
    b"PWLNAM": "piecewise-linear terms are not read",
    b"PWLCON": "piecewise-linear terms are not read",
    b"BRANCH": "priorities are not read",
    b"SCENARIOS": "scenarios are not read",
    b"MULTIOBJ": "several objectives are not read",
}


def section(line: bytes, number: int, before: list[bytes]) -> tuple[bytes, bytes] | None:
    """The section that a line begins, in capitals, and what stands behind it, or None if it is a line of data.

    Args:
        before: The sections so far.

    Raises:
        RefusedError: If the section is not read.
    """
    if line[:1].isspace() or not line:
        return None
    head, *rest = line.split(None, 1)
    name = head.upper()
    if name in _READ and (not rest or name in _HEADED):
        return name, rest[0].strip() if rest else b""
    if name in _REFUSED:
        raise at(number, f"begins section {name.decode()}: {_REFUSED[name]}")
    if not rest and before:
        raise at(number, f"begins section {shown(head)}, which is none of those that are read")
    return None


def follow(name: bytes, before: list[bytes], number: int) -> None:
    """Checks that a section may come after those before it.

    Raises:
        RefusedError: If it may not.
    """
    text = name.decode()
    if name in before:
        raise at(number, f"begins section {text} a second time")
    for earlier, later in ((b"ROWS", b"COLUMNS"), (b"COLUMNS", b"RHS"), (b"COLUMNS", b"ENDATA")):
        late = name == later or (later == b"RHS" and name in (b"RANGES", b"BOUNDS"))
        if late and earlier not in before:
            raise at(number, f"begins section {text} before {earlier.decode()}")
    if name in _HEADED and b"COLUMNS" in before:
        raise at(number, f"begins section {text} after COLUMNS")


def sense(word: bytes, number: int) -> bool:
    """Whether the word behind or below OBJSENSE says maximise.

    Raises:
        RefusedError: If it says neither.
    """
    text = word.upper()
    if text in (b"MAX", b"MAXIMIZE", b"MAXIMISE", b"MAXIMUM"):
        return True
    if text in (b"MIN", b"MINIMIZE", b"MINIMISE", b"MINIMUM"):
        return False
    raise at(number, f"has {shown(word)} where OBJSENSE must be MAX or MIN")


def ended(sections: list[bytes]) -> None:
    """Checks that the file is whole.

    Raises:
        RefusedError: If it is not.
    """
    if b"ENDATA" not in sections:
        raise RefusedError("cannot be parsed: it ends without ENDATA")
