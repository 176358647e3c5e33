"""A promise that is not kept."""


class ContractError(AssertionError):
    """A domain does not keep a promise."""


def require(kept: bool, sentence: str) -> None:
    """Raises what a promise says where it is not kept.

    Raises:
        ContractError: If so.
    """
    if not kept:
        raise ContractError(sentence)
