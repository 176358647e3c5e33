"""Which program each sample is of: the condition of the programs domain. Programs of any sizes, never padded.

x is one flat tensor: the N entries of sample 0, then those of sample 1, and so on. Neighbouring samples of one program
share its matrix: a block of K samples is a matrix (N, K), and one sparse product serves them all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor

from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import StandardForm


@dataclass(frozen=True, eq=False)
class ProblemBatch:
    """The programs of a batch of samples.

    Attributes:
        forms: The different programs.
        which: Number of each sample's program.
    """

    forms: tuple[StandardForm, ...]
    which: tuple[int, ...]

    def take(self, index: Tensor) -> "ProblemBatch":
        """The conditions of the samples in ``index``."""
        return replace(self, which=tuple(self.which[place] for place in index.tolist()))

    @classmethod
    def join(cls, conds: Sequence["ProblemBatch"]) -> "ProblemBatch":
        """One batch after another; a program that several have is kept once."""
        known: dict[int, int] = {}
        forms: list[StandardForm] = []
        which: list[int] = []
        for cond in conds:
            for number in cond.which:
                form = cond.forms[number]
                if id(form) not in known:
                    known[id(form)] = len(forms)
                    forms.append(form)
                which.append(known[id(form)])
        return cls(tuple(forms), tuple(which))

    def to(self, device: torch.device | str) -> "ProblemBatch":
        """The same on another device."""
        moved = tuple(_to(form, device) for form in self.forms)
        return replace(self, forms=moved)

    @property
    def size(self) -> int:
        """B, samples."""
        return len(self.which)

    @cached_property
    def owner(self) -> Tensor:
        """(rows of x,) the sample of each."""
        sizes = torch.tensor([len(self.forms[number].cost) for number in self.which])
        return torch.repeat_interleave(torch.arange(len(sizes)), sizes)

    def parts(self) -> Iterator[tuple[BlockDiagonal, slice]]:
        """Each block with the rows of x that it takes."""
        start = 0
        for block in self.blocks:
            yield block, slice(start, start + block.rows)
            start += block.rows

    def map(self, function: Callable[..., Tensor], *flat: Tensor) -> Tensor:
        """What a function of a block and of its parts (N, K, ...) gives, (N, K, ...), for all blocks.

        Args:
            flat: (rows of x, ...), of which the function gets the parts; what it gives comes back flat.
        """
        results = [function(block, *(block.gather(each[part]) for each in flat)) for block, part in self.parts()]
        return torch.cat([block.scatter(result) for block, result in zip(self.blocks, results, strict=True)])

    @cached_property
    def blocks(self) -> tuple[BlockDiagonal, ...]:
        """The samples as blocks, each of neighbouring runs of equally many samples of a program."""
        runs = [(number, len(list(run))) for number, run in groupby(self.which)]
        return tuple(
            BlockDiagonal.of([self.forms[number] for number, _ in same], count)
            for count, same in ((count, list(same)) for count, same in groupby(runs, key=lambda run: run[1]))
        )


def _to(form: StandardForm, device: torch.device | str) -> StandardForm:
    names = ("matrix", "transposed", "low", "high", "cost", "reduced_cost", "group", "features", "row_features")
    return replace(form, **{name: getattr(form, name).to(device) for name in names})


Programs = ProblemBatch  # Its name in becalm 0.1.
