"""Sums of terms: ``3 x + 2 * y - 4``, ``- 2x``, ``x + - y``."""

from array import array
from dataclasses import dataclass, field

from becalm_programs.formats.text.lp.tokens import parts
from becalm_programs.formats.text.refusal import at, shown

_SIGNS = {b"+", b"-"}


@dataclass(slots=True)
class Terms:
    """Reads sums; knows the names and numbers that it has met.

    Attributes:
        columns: Place of each variable by its name; a new name gets the next.
    """

    columns: dict[bytes, int]
    _numbers: dict[bytes, float] = field(default_factory=dict)

    def read(
        self, words: list[bytes], line: int, scale: float, at_column: "array[int]", values: "array[float]"
    ) -> float:
        """Appends the terms to two arrays, multiplied by 1 or -1, and gives the sum's constant, so multiplied.

        Raises:
            RefusedError: If the words are no sum.
        """
        if self._known(words, scale, at_column, values):
            return 0.0
        columns, numbers = self.columns, self._numbers
        constant, sign = 0.0, scale
        number: float | None = None
        # Whether a term may begin, or go on after its number.
        open_ = True
        for word in _without_stars(words, line) if b"*" in words else words:
            if word == b"+" or word == b"-":
                if number is not None:
                    constant += sign * number
                    number, sign = None, scale
                elif not open_:
                    sign = scale
                if word == b"-":
                    sign = -sign
                open_ = True
                continue
            column = columns.get(word)
            if column is None:
                value = numbers.get(word)
                name = None
                if value is None:
                    value, name = parts(word, line)
                    if name is None and value is not None:
                        numbers[word] = value
                if value is not None:
                    if number is not None or not open_:
                        raise at(line, f"has {shown(word)} right after another word: a sign is missing")
                    number = value
                if name is None:
                    continue
                column = columns.setdefault(name, len(columns))
            if not open_:
                raise at(line, f"has {shown(word)} right after another name: a sign is missing")
            at_column.append(column)
            values.append(sign if number is None else sign * number)
            number, open_ = None, False
        if number is not None:
            return constant + sign * number
        if open_ and words:
            raise at(line, f"has nothing after {shown(words[-1])}")
        return constant

    def _known(self, words: list[bytes], scale: float, at_column: "array[int]", values: "array[float]") -> bool:
        """Appends terms that are all alike, ``+ 3 x - 4 y`` or ``x - y``, of names and numbers met before.

        Nearly all of a large file; the loop of ``read`` takes three times as long.
        """
        if words and words[0] not in _SIGNS:
            words = [b"+", *words]
        period = 3 if words[1:2] and words[1] in self._numbers else 2
        if not words or len(words) % period or not _SIGNS.issuperset(words[::period]):
            return False
        columns, numbers = self.columns, self._numbers
        try:
            places = [columns[word] for word in words[period - 1 :: period]]
            sizes = [numbers[word] for word in words[1::3]] if period == 3 else [1.0] * len(places)
        except KeyError:
            return False
        at_column.extend(places)
        flipped = b"-" if scale > 0 else b"+"
        values.extend([-size if sign == flipped else size for sign, size in zip(words[::period], sizes, strict=True)])
        return True


def _without_stars(words: list[bytes], line: int) -> list[bytes]:
    """The words without the sign between a number and a name."""
    kept: list[bytes] = []
    for place, word in enumerate(words):
        if word != b"*":
            kept.append(word)
            continue
        factors = [*words[place - 1 : place], *words[place + 1 : place + 2]]
        if len(factors) < 2 or parts(factors[0], line)[1] or parts(factors[1], line)[1] is None:
            raise at(line, "has '*' between what is not a number and a name: products of variables are not read")
    return kept
