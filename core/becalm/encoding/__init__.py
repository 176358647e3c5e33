"""Samples as noise, one to one: to noise and back, and between two of them.

What may be put here: what is done with a sample through the noise that the ODE carries it to.
"""

from becalm.encoding.arc import between
from becalm.encoding.ode import decode, encode

__all__ = ["between", "decode", "encode"]
