"""What a request comes to: path, sampler, guided denoiser, assembled once; and the one loop that draws samples."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import torch
from torch import Tensor

from becalm.cond import check, take, to
from becalm.denoiser import Denoiser, NetworkDenoiser
from becalm.device import outside_inference
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.network.embeds import embeds
from becalm.noise import Purpose, stream
from becalm.path import Path
from becalm.process import Process
from becalm.request import SampleRequest
from becalm.sampler import Extra, Sampler, Step
from becalm.schedule import Schedule, levels, levels_at

C = TypeVar("C")


@dataclass(frozen=True, slots=True, eq=False)
class Drawn(Generic[C]):
    """Samples.

    Attributes:
        data: As the domain has them, on the CPU. x0: The same in diffusion space.
        cond: Their conditions.
        count: How many.
        calls: Times that the network was called, each with up to ``request.batch`` samples.
        seconds: Wall-clock of drawing them.
    """

    data: Tensor
    x0: Tensor
    cond: C
    count: int
    calls: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Run(Generic[C]):
    """A request of a model, ready to be drawn any number of times.

    Attributes:
        decode: Samples of x0, their conditions and their number to data.
        denoise: The denoiser with the request's guidance.
        bare: The one below it, whose calls are counted.
        origin: What is edited, in diffusion space: where x starts, noised to the path's first level.
    """

    domain: Domain[C]
    process: Process
    device: torch.device
    decode: Callable[[Tensor, C, int], Tensor]
    request: SampleRequest
    path: Path
    sampler: Sampler
    denoise: Denoiser[C]
    bare: "Counted[C]"
    origin: Tensor | None = None

    def steps(self, cond: C | None = None, samples: Tensor | None = None) -> Iterator[Step]:
        """The steps of one run over some of the samples, lazily; all of them at once by default.

        Args:
            cond: Their conditions; default: those that the request names.
            samples: (n,) which of the samples asked for, from 0 on; sample i of a seed is the same in any company.
        """
        with outside_inference():
            return self._steps(cond, samples)

    def start(self, cond: C | None = None, samples: Tensor | None = None) -> Tensor:
        """What the steps begin with: x at the path's first level, of the same samples."""
        with outside_inference():
            cond, samples = self._samples(cond, samples)
            return self._start(samples, self._owner(cond, samples))

    def _samples(self, cond: C | None, samples: Tensor | None) -> tuple[C, Tensor]:
        samples = torch.arange(self.request.count) if samples is None else samples
        cond = self.domain.condition(self.request) if cond is None else cond
        check(cond, len(samples))
        return cond, samples

    def _owner(self, cond: C, samples: Tensor) -> Tensor:
        """The number of the sample that each row is of."""
        numbers = samples + self.request.first
        return numbers[self.domain.owner(cond, len(samples))].to(self.device)

    def _start(self, samples: Tensor, owner: Tensor) -> Tensor:
        like = torch.empty(len(owner), *self.domain.shape(), dtype=torch.float32, device=self.device)
        start, temperature = self.path[0], self.request.temperature
        first = stream(self.request.seed, owner, Purpose.START if self.origin is None else Purpose.EDIT)

        def eps(like: Tensor) -> Tensor:
            return first(like) * temperature

        process = self.process
        origin = self.origin
        if origin is not None and len(origin) != len(owner):
            origin = take(origin, samples.to(self.device))
        return process.prior(like, start, eps) if origin is None else process.corrupt(origin, start, eps)

    def _steps(self, cond: C | None, samples: Tensor | None) -> Iterator[Step]:
        cond, samples = self._samples(cond, samples)
        owner = self._owner(cond, samples)
        x = self._start(samples, owner)
        noise = stream(self.request.seed, owner, Purpose.STEP, expected=len(self.path) - 1)
        cond = self.bare.embed(to(cond, self.device))
        return self.sampler(self.denoise, x, self.path, cond, noise, self.process)

    def drawing(self, cond: C | None = None, count: int | None = None) -> "Drawing[C]":
        """The samples, ``request.batch`` at a time, as steps to look at."""
        count = self.request.count if count is None else count
        with outside_inference():
            cond = self.domain.condition(self.request) if cond is None else cond
            return Drawing(self, cond, count)

    def draw(self, cond: C | None = None, count: int | None = None) -> Drawn[C]:
        """The samples.

        Raises:
            UserError: If they are not finite.
        """
        drawing = self.drawing(cond, count)
        for _ in drawing:
            pass
        return drawing.drawn


class Drawing(Generic[C]):
    """Samples on their way: iterate over the steps of all batches, then take ``drawn``.

    Attributes:
        total: Steps in all. done: Steps so far.
        part: Which of the samples asked for are the batch at work, (n,).
    """

    def __init__(self, run: Run[C], cond: C, count: int) -> None:
        check(cond, count)
        self.run, self.cond, self._count = run, cond, count
        self._parts = torch.arange(count).split(run.request.batch)
        self.total, self.done = len(self._parts) * run.request.updates, 0
        self.part = self._parts[0]
        self._drawn: Drawn[C] | None = None

    def __iter__(self) -> Iterator[Step]:
        begun, calls, ends = time.perf_counter(), self.run.bare.count, []
        for part in self._parts:
            self.part = part
            end: Tensor | None = None
            with outside_inference():
                cond = take(self.cond, part)
            for step in self.run.steps(cond, part):
                end, self.done = step.x, self.done + 1
                yield step
            if end is not None:
                ends.append(end.cpu())
        x0 = torch.cat(ends)
        if not bool(torch.isfinite(x0).all()):
            raise UserError("the samples are not finite: lower the guidance, or take more steps")
        data = self.run.decode(x0, self.cond, self._count)
        seconds = time.perf_counter() - begun
        self._drawn = Drawn(data, x0, self.cond, self._count, self.run.bare.count - calls, seconds)

    @property
    def drawn(self) -> Drawn[C]:
        """The samples, once all steps are done.

        Raises:
            ValueError: Before.
        """
        if self._drawn is None:
            raise ValueError("the samples are not drawn yet: iterate over all steps first")
        return self._drawn


class Counted(Generic[C]):
    """A network denoiser that counts its calls."""

    def __init__(self, denoise: NetworkDenoiser[C]) -> None:
        self.count, self._denoise = 0, denoise

    def __call__(self, x: Tensor, level: NoiseLevel, cond: C) -> Tensor:
        self.count += 1
        return self._denoise(x, level, cond)

    def embed(self, cond: C) -> C:
        """As the denoiser's, without gradients; no call."""
        if not embeds(self._denoise.network):
            return cond
        with torch.no_grad():
            return self._denoise.embed(cond)

    def moments(self, x: Tensor, level: NoiseLevel, to: NoiseLevel, cond: C) -> tuple[Tensor, Tensor]:
        """As the denoiser's."""
        self.count += 1
        return self._denoise.moments(x, level, to, cond)


@lru_cache(maxsize=64)
def _levels(schedule: Schedule, steps: int, spacing: str, start: float) -> Path:
    return levels(schedule, steps, spacing, start)  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _levels_at(schedule: Schedule, times: tuple[float, ...]) -> Path:
    return levels_at(schedule, times)


def path_for(schedule: Schedule, request: SampleRequest, start: float = 1.0) -> Path:
    """The path that a request names: its times, or its steps in its spacing; the same object for the same request.

    Args:
        start: First time, in (0, 1]; below 1 to edit an existing sample.

    Raises:
        UserError: If ``start`` is below 1 and the request has times of its own.
    """
    if request.times is None:
        return _levels(schedule, request.steps, request.spaced, start)
    if start != 1.0:
        raise UserError(f"times say where to start: leave start at 1, got {start}")
    return _levels_at(schedule, request.times)


def sampler_for(request: SampleRequest) -> Sampler:
    """The sampler that a request names, with its extra updates."""
    return Extra(sampler=request.sampler, count=request.extra) if request.extra else request.sampler
