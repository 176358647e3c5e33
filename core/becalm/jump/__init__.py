"""A jump goes from one level to another in one call: jump(x, level, to, cond) -> x at ``to``.

A jump to clean has the shape of a denoiser, so whatever guides one guides the other.
"""

from becalm.jump.protocol import Jump
from becalm.jump.straight import aim, straight, to_clean, toward

__all__ = ["Jump", "aim", "straight", "to_clean", "toward"]
