"""A domain, a schedule and a trained network, and what is done with them.

It holds no state but its weights: two runs never disturb each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from becalm.codec import Codec
from becalm.cond import size, take, to
from becalm.denoiser import Denoiser, NetworkDenoiser, Tails
from becalm.denoiser.narrow import Narrow
from becalm.device import half, outside_inference
from becalm.domain import Domain
from becalm.errors import UserError, sentence
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import Guidance, compose, hold
from becalm.model.run import Counted, Run, path_for, sampler_for
from becalm.model.samples import Making, Samples
from becalm.model.shown import shown
from becalm.objective import Objective
from becalm.plugin.kinds import keys
from becalm.process import Process
from becalm.request import SampleRequest
from becalm.sampler import Step
from becalm.schedule import Schedule

C = TypeVar("C")
_DECODE = 256
"""Samples decoded at a time."""


@dataclass(frozen=True, eq=False, repr=False)
class Model(Generic[C]):
    """A domain, a schedule and a trained network.

    Attributes:
        config: The checkpoint's configuration.
        digest: SHA-256 of its content.
        name: What it was loaded by, a file's without its folder.
    """

    domain: Domain[C]
    schedule: Schedule
    objective: Objective
    network: nn.Module
    codec: Codec[C]
    device: torch.device
    config: dict[str, Any]
    digest: str = ""
    name: str = ""

    @cached_property
    def process(self) -> Process:
        """What noise is."""
        return self.domain.process()

    @property
    def steady(self) -> bool:
        """Whether a sample has the same bits in any batch, on a CPU: the network sees chunks of one size, or the domain
        says so. Where it sees what comes, its last bits depend on how many come.
        """
        return self.domain.chunk is not None or self.domain.steady

    @cached_property
    def tails(self) -> Tails:
        """Which short chunks the network gives the bits of whole ones on this machine."""
        return Tails()

    @cached_property
    def _narrow(self) -> Narrow:
        return Narrow()

    def __repr__(self) -> str:
        count = sum(weight.numel() for weight in self.network.parameters())
        name = f" {self.name}" if self.name else ""
        digest = self.digest[:8] or "none"
        return f"<Model{name} of {self.domain.name}: {count:,} weights on {self.device}, digest {digest}>"

    def request(self, **fields: Any) -> SampleRequest:
        """A request of this domain.

        Raises:
            UserError: If a field is unknown or out of range.
        """
        try:
            return self.with_defaults(self.domain.request(**fields))
        except ValidationError as error:
            raise UserError(sentence(error, known=partial(keys, self.domain.request))) from error

    def with_defaults(self, request: SampleRequest) -> SampleRequest:
        """The request with this model's own defaults where it says nothing: its domain's (``Domain.usual``), and over
        them the checkpoint's (section ``sampling``).

        Times are of a sampler and instead of steps, so they are no default where one of these is given.
        """
        given = {name: getattr(request, name) for name in request.model_fields_set}
        usual = {**self.domain.usual(), **self.config.get("sampling", {})}
        if not given.keys().isdisjoint(("sampler", "steps", "spacing")):
            usual.pop("times", None)
        # A short name, such as eta, is an option of a sampler, and so no default where the sampler is given.
        heads = {name: request.renamed.get(name, name).partition(".")[0] for name in usual}
        left = {name: value for name, value in usual.items() if heads[name] not in given}
        return type(request).model_validate({**left, **given}) if left else request

    def denoiser(
        self, request: SampleRequest | None = None, *, chunk: int | Literal["domain"] | None = "domain"
    ) -> NetworkDenoiser[C]:
        """The bare denoiser, before guidance.

        Args:
            chunk: Samples that the network sees at a time, see ``NetworkDenoiser``; None for all at once, as they come.
                By default what the domain says on a CPU, else None.
        """
        if chunk == "domain":
            # Small chunks would starve a GPU, and its sums depend on more than shapes anyway.
            chunk = self.domain.chunk if self.device.type == "cpu" else None
        narrow = None if request is None else half(request.precision, self.device)
        return NetworkDenoiser(
            self.network if narrow is None else self._narrow.of(self.network, narrow),
            self.objective.prediction,
            chunk=chunk,
            learned=self.objective.learned,
            autocast=narrow,
            process=self.process,
            tails=self.tails,
        )

    def prepare(
        self,
        request: SampleRequest | None = None,
        *,
        guide: Guidance[C] | None = None,
        origin: Tensor | None = None,
        start: float = 1.0,
        chunk: int | Literal["domain"] | None = "domain",
        **fields: Any,
    ) -> Run[C]:
        """Assembles all that a request needs; by everyone who samples.

        Args:
            request: Default: one of the fields.
            guide: Guidance beside the request's own.
            origin: What is edited, in diffusion space, on the model's device.
            start: Noise time to start from.
            chunk: As for ``denoiser``.

        Raises:
            UserError: If the request does not fit.
        """
        request = self.with_defaults(request) if request is not None else self.request(**fields)
        bare = Counted(self.denoiser(request, chunk=chunk))
        with outside_inference():
            own = self.domain.guidance(request)
            denoise: Denoiser[C] = compose(own, *(() if guide is None else (guide,)))(
                bare if self.objective.learned else bare.__call__
            )
            path = path_for(self.schedule, request, start)
            sampler = sampler_for(request)
            return Run(
                self.domain, self.process, self.device, self.decode, request, path, sampler, denoise, bare, origin
            )

    def steps(self, request: SampleRequest | None = None, **fields: Any) -> Iterator[Step]:
        """The steps of one run over all the samples asked for, lazily; each shows itself in a notebook, and saves.

        Raises:
            UserError: If the request does not fit.
        """
        run = self.prepare(request, **fields)
        return shown(run, self.domain.condition(run.request))

    def sample(self, request: SampleRequest | None = None, *, cond: C | None = None, **fields: Any) -> Samples[C]:
        """Samples of a request, computed ``request.batch`` at a time.

        Args:
            cond: Conditions of the ``count`` samples; default: those that the request names.

        Raises:
            UserError: If the request does not fit, or the samples are not finite.
        """
        if cond is not None and request is None:
            fields = {"count": size(cond), **fields}
        run = self.prepare(request, **fields)
        drawn = run.draw(cond)
        # Conditions that were handed over stand in no record, so nobody could make these samples again.
        made = None if cond is not None else Making(run.request, self.name, self.digest, self.device, self.steady)
        return Samples(drawn.data, drawn.x0, drawn.cond, self.domain, made)

    def edit(
        self,
        data: Tensor,
        *,
        mask: Tensor | None = None,
        start: float = 1.0,
        cond: C | None = None,
        request: SampleRequest | None = None,
        **fields: Any,
    ) -> Iterator[Step]:
        """Edits given data: fills in what ``mask`` leaves free, or redraws all of it from a noisy version.

        Args:
            data: Rows like the domain's data; request.count samples.
            mask: True where data are kept (inpainting); broadcasts against data.
            start: Noise time to start from; below 1 keeps the data's outline (SDEdit, Meng et al. 2022).
            cond: Their conditions; default: those that the request names.
        """
        if cond is not None and request is None:
            fields = {"count": size(cond), **fields}
        request = self.with_defaults(request) if request is not None else self.request(**fields)
        cond = self.domain.condition(request) if cond is None else to(cond, self.device)
        x0 = self.encode(data, cond)
        guide: Guidance[C] | None = None if mask is None else hold(x0, mask.to(self.device))
        return shown(self.prepare(request, guide=guide, origin=x0, start=start), cond)

    def compiled(self, mode: str | None = None) -> "Model[C]":
        """The same model with its network compiled by torch.compile: minutes at first, then faster.

        Args:
            mode: As torch.compile takes it; "reduce-overhead" is for small batches on a GPU (CUDA graphs).
        """
        return replace(self, network=cast(nn.Module, torch.compile(self.network, mode=mode)))

    def save(self, path: str | Path) -> None:
        """Writes a checkpoint, whole or not at all.

        Raises:
            UserError: If the place cannot be written.
        """
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        if isinstance(self.codec, nn.Module):
            tensors |= {f"codec.{name}": value for name, value in self.codec.state_dict().items()}
        Checkpoint(tensors, self.config).write(Path(path))

    def encode(self, data: Tensor, cond: C) -> Tensor:
        """Data to diffusion space, on the model's device."""
        return self.codec.encode(data.to(self.device), to(cond, self.device))

    def decode(self, x0: Tensor, cond: C, count: int | None = None) -> Tensor:
        """Diffusion space to data, on the CPU: on the model's device, some samples at a time.

        Args:
            count: Number of samples; default: as many as there are conditions, or rows.
        """
        count = count or size(cond) or len(x0)
        owner = self.domain.owner(cond, count)
        parts = []
        for samples in torch.arange(count).split(_DECODE):
            rows = x0 if len(samples) == count else x0[(owner >= samples[0]) & (owner <= samples[-1])]
            some = cond if len(samples) == count else take(cond, samples)
            parts.append(self.codec.decode(rows.to(self.device), to(some, self.device)).cpu())
        return torch.cat(parts) if parts else x0
