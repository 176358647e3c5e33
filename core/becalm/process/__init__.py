"""A process says what noise is: Gaussian, Gaussian in a rotated basis, bits that flip, categories, degradations.

Nothing outside this room knows.

Ancestral sampling (``DDPM``) needs a process and no more; samplers of differential equations need a Gaussian one.
"""

from becalm.plugin.kinds import register
from becalm.process.bits import Bits
from becalm.process.categories import Categories
from becalm.process.cold import ColdBlur, ColdMask, ColdPixels
from becalm.process.gaussian import GAUSSIAN, Gaussian
from becalm.process.masked import Masked
from becalm.process.protocol import Process
from becalm.process.rotated import Rotated

for _kind in (Gaussian, Rotated, Bits, Categories, Masked, ColdBlur, ColdPixels, ColdMask):
    register(_kind)

__all__ = [
    "GAUSSIAN",
    "Bits",
    "Categories",
    "ColdBlur",
    "ColdMask",
    "ColdPixels",
    "Gaussian",
    "Masked",
    "Process",
    "Rotated",
]
