"""The contract suite passes a domain that keeps its promises and catches one that does not."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from toy import Points

from becalm.batch import Batch
from becalm.domain import Picture
from becalm.testing import ContractError, check_domain


def test_a_domain_that_keeps_the_contract_passes() -> None:
    check_domain(Points())
    check_domain(Points(classes=3, dropout=0.1), request={"label": 2})


class OtherShape(Points):
    def shape(self) -> tuple[int, ...]:
        return (3,)


class NotFinite(Points):
    broken: bool = True


class Forgetful(Points):
    _number: ClassVar[Iterator[int]] = count()

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Tensor]]:
        return super().batches(split, seed, next(self._number))


class FromTheStart(Points):
    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Tensor]]:
        return super().batches(split, seed)


class Wide(Points):
    def network(self) -> nn.Module:
        class Twice(nn.Module):
            def forward(self, x: Tensor, level: Any, cond: Any) -> Tensor:
                return torch.cat([x, x], dim=1)

        return Twice()


class OneLevel(Points):
    def network(self) -> nn.Module:
        class Flat(nn.Module):
            def forward(self, x: Tensor, level: Any, cond: Any) -> Tensor:
                return x * level.alpha.flatten()[:1] / level.sigma.flatten()[:1]

        return Flat()


class Frozen(Points):
    def network(self) -> nn.Module:
        class Same(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.unused = nn.Parameter(torch.zeros(1))

            def forward(self, x: Tensor, level: Any, cond: Any) -> Tensor:
                return x + 0 * self.unused

        return Same()


class Coupled(Points):
    def network(self) -> nn.Module:
        class Centred(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.gain = nn.Parameter(torch.ones(1))

            def forward(self, x: Tensor, level: Any, cond: Any) -> Tensor:
                return (x - x.mean(0)) * self.gain

        return Centred()


class OneEnergy(Points):
    def energies(self) -> Mapping[str, Any]:
        return {"sum": lambda x, level, cond: x.sum()}


class Shared(Points):
    def energies(self) -> Mapping[str, Any]:
        return {"spread": lambda x, level, cond: (x - x.mean(0)).norm(dim=1)}


class Rounded(Points):
    def energies(self) -> Mapping[str, Any]:
        return {"whole": lambda x, level, cond: x.detach().round().sum(1)}


class Steep(Points):
    def energies(self) -> Mapping[str, Any]:
        return {"root": lambda x, level, cond: (0 * x[:, 0]).sqrt()}


class Tensors(Points):
    def metrics(self, x0: Tensor, cond: Tensor) -> Mapping[str, Any]:
        return {"mean": x0.mean()}


class Blank(Points):
    def render(self, x0: Tensor, cond: Tensor) -> Picture:
        return Picture("png", b"")


@pytest.mark.parametrize(
    ("domain", "sentence"),
    [
        (OtherShape, r"rows are \(2,\) when encoded, not \(3,\)"),
        (NotFinite, "not finite"),
        (Forgetful, "asked for again are others"),
        (FromTheStart, "begun later are others"),
        (Wide, r"output is \(32, 4\), not \(32, 2\)"),
        (OneLevel, "a level per row .* not finite"),
        (Frozen, "training moves no weight"),
        (Coupled, "depends on the batch"),
        (OneEnergy, r"energy sum is \(\), not one number per sample"),
        (Shared, "energy spread of a sample depends on another sample"),
        (Rounded, "energy whole has no gradient"),
        (Steep, "the gradient of energy root is not finite"),
        (Tensors, "metric mean is a Tensor, not a number"),
        (Blank, "render makes no picture"),
    ],
)
def test_a_domain_that_breaks_a_promise_is_told_which(domain: type[Points], sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        check_domain(domain())
