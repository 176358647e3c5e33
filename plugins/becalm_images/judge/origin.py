"""Which data a model, its judge and its classifier are of: a judge of other images says nothing of these.

It stands in the header of a judge or classifier as ``data``, and as ``data`` and ``digest`` among a model's settings.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from becalm.errors import UserError


@dataclass(frozen=True, slots=True)
class Origin:
    """A set of training images.

    Attributes:
        name: For people, such as MNIST or a folder's name.
        digest: ``Labelled.digest`` of them; None where nobody knows.
    """

    name: str
    digest: str | None

    def __str__(self) -> str:
        return f"{self.name} ({self.digest[:8] if self.digest else 'no digest'})"

    def header(self) -> dict[str, Any]:
        """As it stands in a file's header."""
        return {"data": asdict(self)}


UNKNOWN = Origin("unknown data", None)


def of_header(config: Mapping[str, Any], path: Path, kind: str) -> Origin:
    """The data that a judge or classifier is of.

    Raises:
        UserError: If its header does not say.
    """
    data = config.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("digest"), str):
        raise UserError(f"{path} does not say which images it is of: make it anew with becalm images {kind} --data DIR")
    return Origin(str(data.get("name")), data["digest"])


def check_origin(kind: str, name: str, its: Origin, wanted: Origin) -> None:
    """Refuses a judge or classifier of other data than the model's; of a model that does not say, any.

    Raises:
        UserError: If their digests differ.
    """
    if wanted.digest is not None and its.digest != wanted.digest:
        raise UserError(
            f"{kind} {name!r} is of {its}, this model of {wanted}: make one with becalm images {kind} --data DIR, and "
            f"name it by --{kind} FILE"
        )
