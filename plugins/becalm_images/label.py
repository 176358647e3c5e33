"""A class as people name it: by its name, or by its number where no class has a number for a name. Imports no torch.

class_number("square", ("disc", "square"))   # 1
class_number(1, ("disc", "square"))          # 1
class_number(1, ("1", "2", "3"))             # 0: the class that is called 1
"""

import operator
import re
from collections.abc import Iterable, Sequence
from typing import Any

from becalm.errors import UserError, nearest

Label = int | str
_SHOWN = 20
_INTEGER = "-?[0-9]{1,18}"


def parse(value: Any) -> tuple[Label, ...]:
    """Labels out of what stands for them: 7, "square", "1,2,3", a sequence, integers of numpy or torch.

    Raises:
        ValueError: If it stands for none.
    """
    values = value.split(",") if isinstance(value, str) else _several(value)
    labels = tuple(_one(entry) for entry in values)
    if not labels:
        raise ValueError("must name a class, got none")
    return labels


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0 else (value,)


def _one(value: Any) -> Label:
    text = value.strip() if isinstance(value, str) else None
    if text:
        return int(text) if re.fullmatch(_INTEGER, text) else text
    try:
        if not isinstance(value, bool):
            return operator.index(value)
    except TypeError:
        pass
    raise ValueError(f"must be a class, by its name or number, a list such as 1,2,3, or any, got {value!r}")


def class_number(label: Label, names: Sequence[str]) -> int:
    """The number of a class among ``names``.

    Raises:
        UserError: If there is no such class.
    """
    text = str(label)
    if text in names:
        return names.index(text)
    numbered = [name for name in names if re.fullmatch(_INTEGER, name)]
    if re.fullmatch(_INTEGER, text):
        number = int(text)
        same = [name for name in numbered if int(name) == number]  # "07" is 7.
        if len(same) == 1:
            return names.index(same[0])
        if not numbered and 0 <= number < len(names):
            return number
    raise _unknown(text, names, numbered=len(numbered) == len(names))


def _unknown(text: str, names: Sequence[str], *, numbered: bool) -> UserError:
    if list(names) == [str(number) for number in range(len(names))]:
        return UserError(f"label must be between 0 and {len(names) - 1}, got {text}")
    shown = ", ".join(names[:_SHOWN]) + (f", ... ({len(names)} in all)" if len(names) > _SHOWN else "")
    instead = "" if numbered else f", or a number from 0 to {len(names) - 1}"
    return UserError(f"label must be one of {shown}{instead}, got {text}{nearest(text, names)}")
