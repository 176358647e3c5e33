"""Parses one model file, in a process of its own: ``python -P parse.py MODEL FOLDER BYTES``; see ``read``.

HiGHS is the parser. What it passes over in silence is refused here: numbers that are none (it reads ``1x`` as 1 and
drops ``nan``), bounds of unknown columns, and whatever it warns of having ignored. Writes ``program.npz`` into FOLDER
and exits with 0, or prints one sentence and exits with 3. Imports nothing of becalm, so that it starts quickly.
"""

import gzip
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

REFUSED = 3
"""Exit status that goes with a sentence."""
_PLAIN = "model"
_BLOCK = 2**20
# Warnings that change nothing about the program.
_HARMLESS = (
    "No objective row found",
    "inconsistent bounds",
    "spaces has length",
    "switching to fixed format",
    # In LP files, where a variable may stand twice in a row.
    "values summed to",
    "repeated variable in constraints",
)
_QUADRATIC = (b"QUADOBJ", b"QMATRIX", b"QSECTION", b"QCMATRIX")
_SECTIONS = (b"NAME", b"OBJSENSE", b"ROWS", b"COLUMNS", b"RHS", b"RANGES", b"BOUNDS", b"ENDATA", *_QUADRATIC)
# These may have something behind them on their line.
_HEADED = (b"NAME", b"OBJSENSE", *_QUADRATIC)
_VALUED = (b"UP", b"LO", b"FX", b"LI", b"UI")


class RefusedError(ValueError):
    """What is wrong with the file, without its name."""


def main(path: Path, folder: Path) -> None:
    """Reads the model and writes its arrays.

    Raises:
        RefusedError: If it is no model that becalm can hold.
    """
    plain = _plain(path, folder)
    complaint = _scan(plain) if plain.suffix == ".mps" else ""
    highs, log = _read(plain, folder)
    # In fixed format, names may have blanks, so words are not what they seem.
    if complaint and not any("fixed format" in line for line in log):
        raise RefusedError(complaint)
    _write(highs, folder)


def _plain(path: Path, folder: Path) -> Path:
    """The file itself, or unpacked into the folder."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    name = path.name.lower().removesuffix(".gz")
    plain = folder / f"{_PLAIN}{Path(name).suffix}"
    size = 0
    try:
        with gzip.open(path) if packed else path.open("rb") as source, plain.open("wb") as target:
            while block := source.read(_BLOCK):
                size += target.write(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RefusedError(f"is a damaged gzip file: {error}") from error
    if not size:
        raise RefusedError("is empty")
    return plain


def _read(plain: Path, folder: Path) -> tuple[Any, list[str]]:
    import highspy

    log = folder / "log"
    highs = highspy.Highs()
    highs.setOptionValue("log_to_console", False)
    highs.setOptionValue("log_file", str(log))
    highs.setOptionValue("small_matrix_value", 1e-12)  # The least that HiGHS allows; what is smaller, it drops.
    status = highs.readModel(str(plain))
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    warnings = [line.removeprefix("WARNING:").strip() for line in lines if line.startswith("WARNING:")]
    if status == highspy.HighsStatus.kError:
        said = next((line for line in errors if not line.startswith("Parser error")), "")
        if not said and plain.suffix == ".lp":
            said = "HiGHS reads LP files whose rows have one side, each by <=, >= or ="
        raise RefusedError(f"cannot be parsed{': ' + said if said else ''}")
    for line in warnings:
        if not any(harmless in line for harmless in _HARMLESS):
            raise RefusedError(f"is not taken as it stands: {line}")
    if highs.getHessianNumNz():
        raise RefusedError("has a quadratic objective: only linear programs are read")
    return highs, lines


def _scan(plain: Path) -> str:
    """Looks for numbers that are none, and bounds of columns that there are not; the first such thing or nothing.

    Raises:
        RefusedError: If the sections are not those of an MPS file: out of order, HiGHS may read them for ever.
    """
    sections: list[bytes] = []
    lines = _Lines()
    with plain.open("rb") as file:
        for number, line in enumerate(file, 1):
            words = line.split()
            if not words or line[:1] == b"*":
                continue
            first = words[0].upper()
            if line[:1] not in b" \t" and first in _SECTIONS and (len(words) == 1 or first in _HEADED):
                _follow(number, first, sections)
                sections.append(first)
                if first == b"ENDATA":
                    return lines.complaint
            elif not sections:
                raise RefusedError(f"line {number} stands before any section")
            elif not lines.complaint:
                lines.look(number, sections[-1], words)
    raise RefusedError("cannot be parsed: it ends without ENDATA")


def _follow(number: int, section: bytes, before: list[bytes]) -> None:
    """Checks that a section may come after those before it."""
    name = section.decode()
    if section in _QUADRATIC:
        raise RefusedError(f"line {number} begins section {name}: only linear programs are read")
    if section in before:
        raise RefusedError(f"line {number} begins section {name} a second time")
    for earlier, later in ((b"ROWS", b"COLUMNS"), (b"COLUMNS", b"RHS"), (b"COLUMNS", b"ENDATA")):
        late = section == later or (later == b"RHS" and section in (b"RANGES", b"BOUNDS"))
        if late and earlier not in before:
            raise RefusedError(f"line {number} begins section {name} before {earlier.decode()}")
    if section in (b"NAME", b"OBJSENSE") and b"COLUMNS" in before:
        raise RefusedError(f"line {number} begins section {name} after COLUMNS")


class _Lines:
    """Looks at the lines of data; keeps the first complaint."""

    def __init__(self) -> None:
        self.complaint = ""
        self._column = b""
        self._columns: set[bytes] = set()
        # Numbers that were looked at; a large matrix has few different ones.
        self._known: set[bytes] = set()

    def look(self, number: int, section: bytes, words: list[bytes]) -> None:
        """Looks at one line."""
        if len(words) == 3 and words[0] == self._column and words[2] in self._known and section == b"COLUMNS":
            return  # Nearly all lines of a large file.
        try:
            if section == b"COLUMNS" and b"'MARKER'" not in words:
                _even(number, len(words) in (3, 5))
                self._column = words[0]
                self._columns.add(words[0])
                _numbers(number, words[2::2], finite=True)
                self._known.update(words[2::2])
            elif section in (b"RHS", b"RANGES"):
                _numbers(number, words[1::2] if len(words) % 2 == 0 else words[2::2], finite=False)
            elif section == b"BOUNDS":
                _bound(number, words, self._columns)
        except RefusedError as error:
            self.complaint = str(error)


def _bound(number: int, words: list[bytes], columns: set[bytes]) -> None:
    valued = words[0].upper() in _VALUED
    _even(number, 3 <= len(words) <= 4 if valued else 2 <= len(words) <= 4)
    # The name of the set of bounds may be left out.
    place = len(words) - 2 if valued else min(2, len(words) - 1)
    if words[place] not in columns:
        raise RefusedError(f"line {number} bounds an unknown column {_shown(words[place])}")
    if valued:
        _numbers(number, words[-1:], finite=False)


def _even(number: int, fits: bool) -> None:
    if not fits:
        raise RefusedError(f"line {number} does not have as many words as its section asks for")


def _numbers(number: int, words: list[bytes], *, finite: bool) -> None:
    for word in words:
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if b"_" in word or value != value or (finite and abs(value) == np.inf):
            raise RefusedError(f"line {number} has {_shown(word)} where a number must be")


def _shown(word: bytes) -> str:
    return repr(word[:40].decode(errors="replace"))


def _write(highs: Any, folder: Path) -> None:
    import highspy

    lp = highs.getLp()
    kinds = np.array([int(kind) for kind in lp.integrality_], dtype=np.int64)
    if not len(kinds):
        kinds = np.zeros(lp.num_col_, dtype=np.int64)
    if (kinds > int(highspy.HighsVarType.kInteger)).any():
        first = lp.col_names_[int(np.argmax(kinds > 1))]
        raise RefusedError(f"has a semicontinuous variable {first!r}: only integer and continuous ones are read")
    matrix = lp.a_matrix_
    arrays: dict[str, Any] = {
        "cost": lp.col_cost_,
        "low": lp.col_lower_,
        "high": lp.col_upper_,
        "row_low": lp.row_lower_,
        "row_high": lp.row_upper_,
        "values": matrix.value_,
    }
    arrays = {name: np.asarray(value, dtype=np.float64) for name, value in arrays.items()}
    arrays["integer"] = kinds == int(highspy.HighsVarType.kInteger)
    arrays["starts"] = np.asarray(matrix.start_, dtype=np.int64)
    arrays["indices"] = np.asarray(matrix.index_, dtype=np.int64)
    np.savez(folder / "program.npz", **arrays)
    header = {
        "names": list(lp.col_names_),
        "row_names": list(lp.row_names_),
        "rowwise": matrix.format_ == highspy.MatrixFormat.kRowwise,
        "offset": lp.offset_,
        "maximise": lp.sense_ == highspy.ObjSense.kMaximize,
    }
    (folder / "program.json").write_text(json.dumps(header))


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits.
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _guarded(path: Path, folder: Path) -> str:
    """What is wrong, or nothing."""
    try:
        main(path, folder)
    except RefusedError as error:
        return " ".join(str(error).split())
    except MemoryError:
        return "needs more memory than reading may take"
    except UnicodeDecodeError:
        return "has names that are no UTF-8 text"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return ""


if __name__ == "__main__":
    _limit(int(sys.argv[3]))
    if wrong := _guarded(Path(sys.argv[1]), Path(sys.argv[2])):
        print(wrong)
        sys.exit(REFUSED)
