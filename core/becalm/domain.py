"""A domain is its configuration: which data, which network, how samples are asked for, judged and shown."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.codec import Codec, Identity
from becalm.guidance import ClassifierFree, Energy, Guidance, compose, interval, rescale
from becalm.plugin.report import Picture as Picture
from becalm.plugin.request import SampleRequest
from becalm.plugin.settings import Settings

C = TypeVar("C")


class Domain(Settings, ABC, Generic[C]):
    """What core asks of a plugin. The fields of the subclass are its configuration:
    flags, file, form, checkpoint header.

    Class attributes:
        name: The noun of the command line, as in ``becalm images sample``.
        request: The fields of a sampling request.
        chunk: Samples that the network sees at a time while sampling, padded; see ``NetworkDenoiser``.
        defaults: Where its trainings differ from becalm's defaults, by section; see ``becalm.train.plan``.
    """

    name: ClassVar[str]
    request: ClassVar[type[SampleRequest]] = SampleRequest
    chunk: ClassVar[int | None] = None
    defaults: ClassVar[Mapping[str, Any]] = {}

    def fit(self) -> Self:
        """This domain with whatever its configuration takes from the data: sizes, normaliser statistics."""
        return self

    @abstractmethod
    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[C]]:
        """Endless training batches from number ``start`` on, a function of seed and number, so that training resumes.

        Args:
            split: ``train`` or ``test``.
        """

    @abstractmethod
    def network(self) -> nn.Module:
        """A fresh network, called as (x, level, cond)."""

    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one row of x in diffusion space."""

    @abstractmethod
    def condition(self, request: Any) -> C:
        """The conditions of the samples asked for: of ``request.count`` samples."""

    def usual(self) -> Mapping[str, Any]:
        """Fields of a sampling request that this configuration prefers where the request says nothing."""
        return {}

    def trained_on(self) -> str | None:
        """The data in a few words, for a model card; here the last part of the path in a field ``data``."""
        data = getattr(self, "data", None)
        return Path(data).name if isinstance(data, str) and data else None

    def codec(self) -> Codec:
        """Data to diffusion space and back. A codec that is an nn.Module with state travels in the checkpoint."""
        return Identity()

    def owner(self, cond: C, count: int) -> Tensor:
        """The sample that each row of x belongs to; one row per sample unless a domain's samples are ragged."""
        return torch.arange(count)

    def drop(self, cond: C) -> C:
        """The null condition of classifier-free guidance.

        Raises:
            ValueError: If the domain has none.
        """
        raise ValueError(f"{self.name} has no null condition, so no classifier-free guidance: leave guidance at 1")

    def energies(self) -> Mapping[str, Energy[C]]:
        """Energies by name, for guidance."""
        return {}

    def penalty(self) -> Energy[C] | None:
        """What training may add to the loss (``Objective.penalty``): an energy of the estimate, or None."""
        return None

    def guidance(self, request: Any) -> Guidance[C]:
        """The guidance that a request asks for; here classifier-free, within its interval."""
        guide: Guidance[C] = ClassifierFree(request.guidance, self.drop)
        # Outside an interval the plain conditional denoiser stands, so an unconditional request must not have one.
        if request.guidance in (0, 1):
            return guide
        if request.rescale:
            guide = rescale(request.rescale, guide)
        if (request.guidance_low, request.guidance_high) != (0.0, 1.0):
            guide = interval(guide, request.guidance_low, request.guidance_high)
        return compose(guide)

    @abstractmethod
    def metrics(self, x0: Tensor, cond: C) -> Mapping[str, float]:
        """Figures of samples in diffusion space."""

    def arrays(self, x0: Tensor, cond: C) -> Mapping[str, Tensor]:
        """What an .npz of samples holds, by name."""
        return {"x": self.codec().decode(x0)}

    @abstractmethod
    def render(self, x0: Tensor, cond: C) -> Picture:
        """A picture of samples in diffusion space."""
