"""Programs side by side as one block-diagonal matrix, with many samples of each: what networks, guidance and search
compute on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from becalm_programs.problem.product import Csr, csr_of, multiply
from becalm_programs.problem.standard_form import WHOLE, StandardForm

HELD = 1e-6
"""A row of unit length that is missed by no more than this holds."""


@dataclass(frozen=True, eq=False)
class BlockDiagonal:
    """P programs side by side, K samples of each: entries are (N, K), rows (M, K), with N and M over all P.

    Attributes:
        matrix: (M, N) block-diagonal CSR. transposed: The same, transposed.
        entry_owner: (N,) program of each entry. row_owner: (M,) of each row.
        sizes: Entries of each program.
        count: K.
        forms: The standard form of each program.
    """

    matrix: Tensor
    transposed: Tensor
    low: Tensor
    high: Tensor
    cost: Tensor
    reduced_cost: Tensor
    group: Tensor
    features: Tensor
    row_features: Tensor
    entry_owner: Tensor
    row_owner: Tensor
    sizes: tuple[int, ...]
    count: int
    forms: tuple[StandardForm, ...]

    @classmethod
    def of(cls, forms: Sequence[StandardForm], count: int) -> "BlockDiagonal":
        """The block of some programs, ``count`` samples of each."""
        device = forms[0].cost.device
        sizes = tuple(len(form.cost) for form in forms)
        heights = [len(form.low) for form in forms]

        def owner(lengths: Sequence[int]) -> Tensor:
            return torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths)).to(device)

        parts = {
            name: torch.cat([getattr(form, name) for form in forms])
            for name in ("low", "high", "cost", "reduced_cost", "features", "row_features")
        }
        group = torch.cat(_shifted([form.group for form in forms], heights))
        return cls(
            matrix=_diagonal([form.matrix for form in forms]),
            transposed=_diagonal([form.transposed for form in forms]),
            group=group,
            entry_owner=owner(sizes),
            row_owner=owner(heights),
            sizes=sizes,
            count=count,
            forms=tuple(forms),
            **parts,
        )

    @property
    def entries(self) -> Tensor:
        """``features`` by their name in becalm_programs 0.1."""
        return self.features

    @property
    def programs(self) -> int:
        """P."""
        return len(self.sizes)

    @property
    def rows(self) -> int:
        """Rows of x that the block takes."""
        return sum(self.sizes) * self.count

    def gather(self, flat: Tensor) -> Tensor:
        """This block's part of x, (P-by-K-by-N flat, ...), as (N, K, ...)."""
        parts = flat.split([size * self.count for size in self.sizes])
        return torch.cat(
            [
                part.reshape(self.count, size, *flat.shape[1:]).transpose(0, 1)
                for part, size in zip(parts, self.sizes, strict=True)
            ]
        )

    def scatter(self, block: Tensor) -> Tensor:
        """(N, K, ...) back to the order of x."""
        return torch.cat([part.transpose(0, 1).flatten(0, 1) for part in block.split(self.sizes)])

    @cached_property
    def has_groups(self) -> bool:
        """Whether there are sets of entries of which exactly one is 1."""
        return bool((self.group >= 0).any())

    @property
    def member(self) -> Tensor:
        """(N, 1) which entries belong to such a set."""
        return self.group[:, None] >= 0

    @cached_property
    def _set(self) -> tuple[Tensor, int]:
        """(N, 1) number of each entry's set, 0 where there is none, and how many numbers there are."""
        return self.group.clamp(min=0)[:, None], int(self.group.max()) + 1

    def of_sets(self, values: Tensor, reduce: str, empty: float) -> Tensor:
        """What the values (N, K) of each entry's set come to, (N, K).

        Args:
            reduce: ``amax``, ``amin`` or ``sum``. empty: What entries outside of sets count as.
        """
        number, count = self._set
        index = number.expand_as(values)
        inside = values.masked_fill(~self.member, empty)
        return (
            values.new_full((count, values.shape[1]), empty).scatter_reduce(0, index, inside, reduce).gather(0, index)
        )

    @property
    def whole(self) -> Tensor:
        """(N, 1) which entries must be 0 or 1."""
        return self.features[:, WHOLE, None] > 0

    def per_sample(self, values: Tensor) -> Tensor:
        """(P, K) values as (N, K)."""
        return values[self.entry_owner] if self.programs > 1 else values.expand(self.sizes[0], -1)

    def sums(self, values: Tensor, owner: Tensor) -> Tensor:
        """(P, K) sums of values (N or M, K) over each program; ``owner`` is that of entries or of rows."""
        # In order, so that a sample's sum does not depend on the samples beside it.
        return values.new_zeros(self.programs, values.shape[1]).index_add(0, owner, values)

    def most(self, values: Tensor, owner: Tensor) -> Tensor:
        """(P, K) greatest values, as ``sums``; every program has some."""
        if self.programs == 1:
            return values.amax(0, keepdim=True)
        least = values.new_full((self.programs, values.shape[1]), -torch.inf)
        return least.scatter_reduce(0, owner[:, None].expand_as(values), values, "amax")

    def violation(self, activity: Tensor) -> Tensor:
        """By how much rows (M, K) leave their bounds: above 0 over the high one, below 0 under the low one."""
        return F.relu(activity - self.high[:, None]) - F.relu(self.low[:, None] - activity)

    @cached_property
    def parts(self) -> tuple[Csr, Csr]:
        """``matrix`` and ``transposed`` by their parts, as products take them."""
        return csr_of(self.matrix), csr_of(self.transposed)

    def down(self, entries: Tensor) -> Tensor:
        """matrix @ entries, for (N, K, ...), differentiable."""
        matrix, transposed = self.parts
        return multiply(matrix, transposed, entries)

    def up(self, rows: Tensor) -> Tensor:
        """transposed @ rows, for (M, K, ...), differentiable."""
        matrix, transposed = self.parts
        return multiply(transposed, matrix, rows)


def _diagonal(matrices: Sequence[Tensor]) -> Tensor:
    if len(matrices) == 1:
        return matrices[0]
    widths = [matrix.shape[1] for matrix in matrices]
    counts = [matrix.values().numel() for matrix in matrices]
    starts = _shifted([matrix.crow_indices()[1:] for matrix in matrices], counts)
    columns = _shifted([matrix.col_indices() for matrix in matrices], widths)
    return torch.sparse_csr_tensor(
        torch.cat([starts[0].new_zeros(1), *starts]),
        torch.cat(columns),
        torch.cat([matrix.values() for matrix in matrices]),
        size=(sum(matrix.shape[0] for matrix in matrices), sum(widths)),
        check_invariants=False,
    )


def _shifted(indices: Sequence[Tensor], lengths: Sequence[int]) -> list[Tensor]:
    """Each tensor of indices moved by the lengths before it; negative ones stay."""
    moved, offset = [], 0
    for index, length in zip(indices, lengths, strict=True):
        moved.append(torch.where(index >= 0, index + offset, index))
        offset += length
    return moved
