"""A domain is its configuration: which data, which network, how samples are asked for, judged and shown."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import torch
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.codec import Codec, Identity
from becalm.errors import UserError, unknown
from becalm.guidance import ClassifierFree, Energy, Guidance, compose, interval, rescale
from becalm.plugin.find import of_domain, resolve
from becalm.plugin.report import Picture as Picture
from becalm.plugin.report import Report
from becalm.plugin.settings import Settings
from becalm.process import GAUSSIAN, Process
from becalm.request import SampleRequest

C = TypeVar("C")


class Domain(Settings, ABC, Generic[C]):
    """What core asks of a plugin. The fields of the subclass are its configuration:
    flags, file, form, checkpoint header.

    Class attributes:
        name: The noun of the command line, as in ``becalm images sample``.
        request: The fields of a sampling request.
        chunk: Samples that the network sees at a time while sampling, padded; see ``NetworkDenoiser``.
        steady: Whether samples have the same bits in any batch without chunks, since the network treats each by itself.
        defaults: Where its trainings differ from becalm's defaults, by section; see ``becalm.train.plan``.
        followed: Figures of ``metrics`` that a training follows, with the number of samples of each; beside NAME_floor.
    """

    name: ClassVar[str]
    request: ClassVar[type[SampleRequest]] = SampleRequest
    chunk: ClassVar[int | None] = None
    steady: ClassVar[bool] = False
    defaults: ClassVar[Mapping[str, Any]] = {}
    followed: ClassVar[Mapping[str, int]] = {}

    def fit(self) -> Self:
        """This domain with whatever its configuration takes from the data: sizes, normaliser statistics."""
        return self

    @abstractmethod
    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[C]]:
        """Endless training batches of data from number ``start`` on, a function of seed and number, so that training
        resumes.

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
        """The conditions of the samples asked for: of ``request.count`` samples, numbered from ``request.first`` on."""

    def usual(self) -> Mapping[str, Any]:
        """Fields of a sampling request that this configuration prefers where the request says nothing."""
        return {}

    def trained_on(self) -> str | None:
        """The data in a few words, for a model card; here the last part of the path in a field ``data``."""
        data = getattr(self, "data", None)
        return Path(data).name if isinstance(data, str) and data else None

    def summary(self) -> str:
        """What was read of the data, in a line for who begins a training; nothing where there is nothing to say."""
        return ""

    def doubts(self) -> Sequence[str]:
        """What may be wrong with the training data, a sentence each, for who begins a training on them."""
        return ()

    def fingerprint(self) -> Mapping[str, Any]:
        """Facts of the training data, by what a sentence calls them, as JSON: a training is resumed only on the same.

        One of them may be a digest of the content; nothing where a domain does not say.
        """
        return {}

    def codec(self) -> Codec[C]:
        """Data to diffusion space and back, as a training begins with it; a model has its own, ``Model.codec``."""
        return Identity()

    def process(self) -> Process:
        """What noise is in this domain."""
        return GAUSSIAN

    def owner(self, cond: C, count: int) -> Tensor:
        """The sample that each row of x belongs to; one row per sample unless a domain's samples are ragged."""
        return torch.arange(count)

    def drop(self, cond: C) -> C:
        """The null condition of classifier-free guidance.

        Raises:
            UserError: If the domain has none.
        """
        raise UserError(
            f"{self.name} has no null condition, so no classifier-free guidance: leave guidance at 1, set drop to 0"
        )

    @property
    def has_null(self) -> bool:
        """Whether there is one."""
        return type(self).drop is not Domain.drop

    def energies(self) -> Mapping[str, Energy[C]]:
        """Energies by name, for guidance."""
        return {}

    def words(self) -> Mapping[str, Sequence[str]]:
        """What a request's field may be asked for by, where the data say so: names of classes, say. A page lists it."""
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
    def metrics(self, data: Tensor, cond: C) -> Mapping[str, float]:
        """Figures of samples, by stable keys without spaces.

        ``NAME_low`` and ``NAME_high`` are the ends of the 95 % interval of the figure NAME, and ``NAME_floor`` is the
        same figure of real data, as many of them as there are samples; it may have ends as well.
        """

    def judged(self, request: Any) -> Self:
        """This domain as ``evaluate`` is asked to judge samples, such as by another judge; asked before any is drawn.

        Raises:
            UserError: If it cannot judge them.
        """
        return self

    def assess(self, model: Any, request: Any) -> Iterator[Report] | None:
        """What ``evaluate`` says where a request asks for something else than to judge samples, such as for the
        likelihood of held-out data; else None.

        Args:
            model: The ``Model`` of this domain.

        Raises:
            UserError: If it cannot be had.
        """
        return None

    def metric_label(self, name: str) -> str:
        """A figure's name for people, by its key."""
        return name.replace("_", " ")

    def held_out(self, model: Any) -> Mapping[str, float]:
        """Figures of a model on the test split, which a training follows: each NAME beside NAME_RIVAL of plainer ways
        to the same, less being better. Nothing where a domain has none.

        Args:
            model: A ``Model`` of this domain, on its way.

        Raises:
            UserError: If there is no test split.
        """
        return {}

    def remark(self, metrics: Mapping[str, float], count: int) -> str | None:
        """A sentence on the figures of so many samples, such as why one is left out; None for none."""
        return None

    def arrays(self, data: Tensor, cond: C) -> Mapping[str, Tensor]:
        """What an .npz of samples holds, by name."""
        return {"x": data}

    @abstractmethod
    def render(self, data: Tensor, cond: C) -> Picture:
        """A picture of samples."""


def domain_class(name: str) -> type[Domain[Any]]:
    """The domain of that name: of an installed plugin, or a class of this process, such as a notebook's.

    Raises:
        UserError: If there is none.
    """
    refs = {ref.name: ref for plugin in of_domain(name) for ref in plugin.domains}
    if name in refs:
        kind: type[Domain[Any]] = resolve(refs[name].target)
        return kind
    # The last one first: a cell that is run again defines its class anew.
    for kind in reversed(list(_below(Domain))):  # type: ignore[type-abstract]
        if kind.__dict__.get("name") == name:
            return kind
    raise unknown("domain", name, refs)


def _below(kind: type[Domain[Any]]) -> Iterator[type[Domain[Any]]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _below(sub)
