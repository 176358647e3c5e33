"""Bounds of variables as lines state them: each side once, or twice the same."""

from dataclasses import dataclass, field

from becalm_programs.formats.text.refusal import at, shown


@dataclass(slots=True)
class Bounds:
    """The stated sides.

    Attributes:
        low: Least values that were stated, by variable.
        high: Greatest values, likewise.
        lines: The line that stated a variable's greatest value.
    """

    low: dict[int, float] = field(default_factory=dict)
    high: dict[int, float] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)

    def least(self, variable: int, value: float, name: bytes, line: int) -> None:
        """States a least value.

        Raises:
            RefusedError: If another one was stated: some readers take the first, some the last.
        """
        _state(self.low, variable, value, "least", name, line)

    def most(self, variable: int, value: float, name: bytes, line: int) -> None:
        """States a greatest value.

        Raises:
            RefusedError: Likewise.
        """
        _state(self.high, variable, value, "greatest", name, line)
        self.lines[variable] = line

    def binary(self, variable: int, name: bytes, line: int) -> None:
        """Narrows to 0 and 1 what was stated wider.

        Raises:
            RefusedError: If nothing is left.
        """
        low, high = max(self.low.get(variable, 0.0), 0.0), min(self.high.get(variable, 1.0), 1.0)
        if low > high:
            raise at(line, f"makes {shown(name)} binary, but its bounds leave neither 0 nor 1")
        self.low[variable], self.high[variable] = low, high


def _state(side: dict[int, float], variable: int, value: float, which: str, name: bytes, line: int) -> None:
    before = side.setdefault(variable, value)
    if before != value:
        raise at(line, f"gives {shown(name)} the {which} value {value:g} after {before:g}: only one may stand")
