"""How a field of options looks on a page, where its type alone does not say it: markers in its annotation.

    image: Annotated[str | None, Upload((".png",))] = Field(None, description="Image to edit.")
    steps: Annotated[int, Slider(1, 100)] = Field(20, ge=1, description="Sampler steps.")

On the command line they change nothing. Imports no torch.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Slider:
    """A number that is slid. Its bounds are the page's; the field's own may be wider.

    Attributes:
        step: Distance of two values; 0 for 1 where the field holds integers, else a hundredth of the range.
    """

    low: float
    high: float
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is uploaded; the field gets its path.

    Attributes:
        suffixes: Endings that are taken, such as ``.png``; the endings of others are refused in one sentence.
    """

    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sketch:
    """Something that is drawn with the pointer.

    Attributes:
        kind: ``mask``: the field gets the path of a PNG of ``size``, white where was drawn, else black.
            ``scribble``: the same, drawn white on black to look at. ``disc``: the field gets ``x,y,radius`` as text, in
            widths of the canvas, from its top left corner; drawn from the middle outwards.
        ground: ``package.module:function``, called with the same options but this field, gives the ``Picture`` that is
            drawn on. The page asks for it anew when a field named in ``after`` changes.
        size: Width and height of the canvas in pixels.
        pen: Width of the pen, pixels of the canvas.
    """

    kind: Literal["mask", "scribble", "disc"]
    ground: str | None = None
    after: tuple[str, ...] = ()
    size: tuple[int, int] = (280, 280)
    pen: int = 24

    @property
    def file(self) -> bool:
        """Whether the field gets the path of a file."""
        return self.kind != "disc"


@dataclass(frozen=True, slots=True)
class Weights:
    """A field that names a trained model: the page offers the domain's pretrained ones, and those in ``runs``."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A field that the page fills in with a folder of the run's own, for the files that it offers."""
