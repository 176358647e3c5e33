"""Which examples are trained on and which are kept to judge by."""

from fractions import Fraction

from becalm.errors import UserError


def check_split(split: str) -> None:
    """Refuses a split that is neither of the two.

    Raises:
        UserError: If so.
    """
    if split not in ("train", "test"):
        raise UserError(f"split must be train or test, got {split!r}")


def split_range(split: str, count: int, holdout: int, what: str) -> range:
    """The numbers of a split's examples, the last ``holdout`` of ``count`` being the test split.

    Args:
        what: What an example is called, for the sentence, such as ``demonstration``.

    Raises:
        UserError: If there is no such split, or nothing in it.
    """
    check_split(split)
    if holdout >= count:
        raise UserError(f"holdout must leave a {what} to train on, got {holdout} of {count}")
    if split == "test" and not holdout:
        raise UserError(f"there are no test {what}s: set holdout above 0")
    return range(count - holdout) if split == "train" else range(count - holdout, count)


def spread(count: int, share: float) -> list[int]:
    """The numbers of those of ``count`` examples that are the test split, a share of all, evenly spread.

    Args:
        share: In [0, 1), as it is written: a tenth is examples 9, 19, 29, ...
    """
    part = Fraction(str(share))
    return [number for number in range(count) if int((number + 1) * part) > int(number * part)]
