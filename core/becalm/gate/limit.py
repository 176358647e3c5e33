"""How much a file may unpack to: ``BECALM_MAX_BYTES``, else 8 GiB, or half of the memory where that is less.

Asked of what a file declares before memory is given, so a small file cannot ask for a large one's. Imports no torch.
"""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from becalm.errors import UserError

VARIABLE = "BECALM_MAX_BYTES"
_DEFAULT = 8 * 2**30
_FORM = re.compile(r"([0-9]{1,18})([KMGT]?)", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def most() -> int:
    """Bytes that one file, or one folder of files that belong together, may unpack to.

    Raises:
        UserError: If the variable is set to no number of bytes.
    """
    said = os.environ.get(VARIABLE)
    if not said:
        return min(_DEFAULT, _memory() // 2)
    found = _FORM.fullmatch(said.strip())
    if found is None:
        raise UserError(f"{VARIABLE} must be a number of bytes such as 8589934592 or 8G, got {said!r}")
    return int(found[1]) * _UNITS[found[2].upper()]


@dataclass(slots=True)
class Budget:
    """What is left of ``most`` for one file.

    Attributes:
        path: The file, for the sentence.
        left: Bytes that may still be asked for.
    """

    path: Path
    left: int = field(default_factory=most)

    def take(self, count: int, what: str = "") -> None:
        """Takes bytes that something in the file declares.

        Raises:
            UserError: If there are not so many left.
        """
        if count < 0 or count > self.left:
            raise too_much(self.path, what)
        self.left -= count


def too_much(path: Path, what: str = "") -> UserError:
    """The sentence on a file, or on something in it, that asks for more than may be read."""
    inside = f": {what}" if what else ""
    return UserError(f"{path}{inside} unpacks to more than the {most()} bytes that may be read; {VARIABLE} raises that")


def _memory() -> int:
    """Bytes of memory that this process may have at most; where that cannot be asked, as on Windows, plenty."""
    if os.name == "nt":
        return 2 * _DEFAULT
    import resource  # There is none on Windows.

    here = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return here if soft == resource.RLIM_INFINITY else min(here, soft)
