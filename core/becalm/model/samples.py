"""What a model made: data, a picture, a file, and how it came to be."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.domain import Domain, Picture
from becalm.errors import UserError
from becalm.files import arrays
from becalm.provenance import Record, record, stamp, write
from becalm.request import SampleRequest

C = TypeVar("C")
SUFFIXES = (".png", ".npz")


@dataclass(frozen=True, slots=True)
class Making:
    """What samples were made from.

    Attributes:
        name, digest, device, steady: The model's.
    """

    request: SampleRequest
    name: str
    digest: str
    device: torch.device
    steady: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Samples(Generic[C]):
    """What a model made.

    Attributes:
        data: Samples, rows as the domain has them.
        x0: The same in diffusion space.
        cond: Their conditions.
        making: What they were made from; None where conditions were handed over, which no record holds.
    """

    data: Tensor
    x0: Tensor
    cond: C
    domain: Domain[C]
    making: Making | None = field(default=None)

    @property
    def record(self) -> Record | None:
        """How they were made, as their files say it."""
        if self.making is None or not self.making.digest:
            return None
        return record(f"{self.domain.name} sample", self.making.request, model=self.making)

    def picture(self) -> Picture:
        """The domain's picture of the samples, which says how they were made where it is a PNG."""
        picture, made = self.domain.render(self.data, self.cond), self.record
        if made is None or picture.mime != "image/png":
            return picture
        return Picture(picture.mime, stamp(picture.content, ".png", made), picture.text, picture.seconds)

    def save(self, path: str | Path) -> None:
        """Writes them: ``.png`` their picture, ``.npz`` their arrays; the same bytes as the command's.

        Raises:
            UserError: If the suffix is another, the domain draws no PNGs, or the place cannot be written.
        """
        path = Path(path)
        if path.suffix == ".png":
            self.picture().save(path)
        elif path.suffix == ".npz":
            write(path, arrays.npz(self.domain.arrays(self.data, self.cond)), self.record)
        else:
            raise UserError(f"samples are saved as {' or '.join(SUFFIXES)}, got {path}")

    def __repr__(self) -> str:
        shape = tuple(self.data.shape)
        asked = "" if self.making is None else f", seed {self.making.request.seed}"
        return f"<Samples of {self.domain.name}: data {shape} {str(self.data.dtype).removeprefix('torch.')}{asked}>"

    def _repr_png_(self) -> bytes | None:
        return self.picture()._repr_png_()

    def _repr_svg_(self) -> str | None:
        return self.picture()._repr_svg_()
