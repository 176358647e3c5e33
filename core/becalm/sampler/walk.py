"""The one loop: along a path, a step at a time. Progress bars, films, early stopping are consumers of what it yields.

Coefficients are computed once for a sampler, path, device and dtype, in float64; a step is a few fused tensor
operations and never waits for the device.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from becalm.denoiser.protocol import Denoiser, wrap
from becalm.device import outside_inference
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.path import Path
from becalm.process.gaussian import GAUSSIAN
from becalm.process.protocol import Process
from becalm.sampler.known import Known, Noise, Row, Step

C = TypeVar("C")


def walk(
    sampler: Any,
    denoise: Denoiser[C],
    x: Tensor,
    levels: Sequence[NoiseLevel],
    cond: C,
    noise: Noise | None = None,
    process: Process | None = None,
) -> Iterator[Step]:
    """The steps of a ``Sampler``, whose call this is. No step computes gradients, whatever its consumer does."""
    process, noise = process or GAUSSIAN, noise or torch.randn_like
    if sampler.gaussian and not process.gaussian:
        raise UserError(f"sampler {sampler.name} needs a Gaussian process, got {process.name}: use ddpm")
    with outside_inference():
        moves = _moves(sampler, Path.of(levels), x.device, x.dtype)
        x = process.enter(x.clone() if x.is_inference() else x)
    turned = process is not GAUSSIAN and process != GAUSSIAN
    # In its own coordinates a Gaussian process is the plain one.
    known = Known(_entered(denoise, process) if turned else denoise, cond, GAUSSIAN if process.gaussian else process)
    index, carry = 0, None
    for row, now, to in moves:
        outside = torch.is_grad_enabled()
        try:
            # Within, since Ctrl-C is noticed as this returns.
            torch._C._set_grad_enabled(False)
            with outside_inference():
                x, x0, carry = sampler.step(row, x, now, to, known, noise, carry)
        finally:
            torch._C._set_grad_enabled(outside)
        if x0 is not None:
            if turned:
                yield Step(index, to, process.leave(x), process.leave(x0), carry)
            else:
                yield Step(index, to, x, x0, carry)
            index += 1


def _entered(denoise: Denoiser[C], process: Process) -> Denoiser[C]:
    """The denoiser in the coordinates of the process."""
    return wrap(denoise, lambda x, level, cond: process.enter(denoise(process.leave(x), level, cond)))


@lru_cache(maxsize=256)
def _moves(
    sampler: Any, path: Path, device: torch.device, dtype: torch.dtype
) -> list[tuple[Row, NoiseLevel, NoiseLevel]]:
    """A sampler's steps along a path: the coefficients of each, the level before it and the one after it."""
    if len(path) < 2:
        return []
    way: Path = sampler.along(path)
    levels = way.on(torch.empty(0, device=device))
    return list(zip(_rows(sampler, way, device, dtype), levels[:-1], levels[1:], strict=True))


def _rows(sampler: Any, path: Path, device: torch.device, dtype: torch.dtype) -> list[Row]:
    """A sampler's rows with their tensors on the device; those without axes in one copy, at least in float32.

    As tensors without axes they cost half of what plain numbers do, which torch would wrap anew in each operation.
    """
    rows = [tuple(row) for row in sampler.rows(path)]
    wide = torch.promote_types(dtype, torch.float32)  # Without axes a wider dtype leaves the result's alone.
    scalars = [value for value in _tensors(rows) if not value.dim()]
    moved = iter(torch.stack(scalars).to(device, wide).unbind() if scalars else ())

    def place(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to(device, dtype) if value.dim() else next(moved)
        if isinstance(value, NoiseLevel):
            return value.on(device)
        return tuple(map(place, value)) if isinstance(value, tuple) else value

    return [tuple(map(place, row)) for row in rows]


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
