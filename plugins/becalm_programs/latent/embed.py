"""Programs and solutions embedded in one space, so that a program lies near its own solutions.

    similarity = mean over entries v of  p_v . z_v,  both of length 1

The program's encoder sees costs, bounds of rows and the graph; the solution's sees the bits and the graph, but neither
costs nor bounds: what of a solution follows from those is for the comparison to teach it. Both are graph networks with
a vector per entry, so permuting entries or rows permutes what they give.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.device import building
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.gate.network import fitted
from becalm.model.load import named
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import FEATURES, ROW_FEATURES

KIND = "program-embedding"
"""What the header of a checkpoint of this says it is."""


def perceptron(*widths: int) -> nn.Sequential:
    """Linear layers with SiLU between them, on a normalised input."""
    layers: list[nn.Module] = [nn.LayerNorm(widths[0])]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class Messages(nn.Module):
    """Rounds of messages from entries (N, K, width) to rows (M, K, width) and back, each added to what is there."""

    def __init__(self, *, width: int, rounds: int) -> None:
        super().__init__()
        self.to_rows = nn.ModuleList(perceptron(2 * width, width, width) for _ in range(rounds))
        self.to_entries = nn.ModuleList(perceptron(2 * width, width, width) for _ in range(rounds))

    def forward(self, block: BlockDiagonal, entries: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        for down, up in zip(self.to_rows, self.to_entries, strict=True):
            rows = rows + down(torch.cat([rows, block.down(entries)], dim=-1))
            entries = entries + up(torch.cat([entries, block.up(rows)], dim=-1))
        return entries, rows


class ProgramEncoder(nn.Module):
    """What a program says of each of its entries and rows."""

    def __init__(self, *, width: int, rounds: int) -> None:
        super().__init__()
        self.entries = nn.Linear(FEATURES, width)
        self.sides = nn.Linear(ROW_FEATURES, width)
        self.messages = Messages(width=width, rounds=rounds)

    def forward(self, block: BlockDiagonal) -> tuple[Tensor, Tensor]:
        """Features of entries, (N, 1, width), and of rows, (M, 1, width)."""
        entries, rows = self.entries(block.features)[:, None], self.sides(block.row_features)[:, None]
        features: tuple[Tensor, Tensor] = self.messages(block, entries, rows)
        return features


class SolutionEncoder(nn.Module):
    """The embedding of a solution: a vector per entry, of mean 0 and variance 1 over its numbers, fit to be noised."""

    def __init__(self, *, width: int, dimension: int, rounds: int) -> None:
        super().__init__()
        self.bit = perceptron(2, width, width)
        self.row = perceptron(2, width, width)
        self.messages = Messages(width=width, rounds=rounds)
        self.leave = nn.Linear(width, dimension)

    def forward(self, block: BlockDiagonal, x: Tensor) -> Tensor:
        """Embeddings (N, K, dimension) of solutions x, (N, K), in [-1, 1]."""
        p = (1 + x) / 2
        entries = self.bit(torch.stack([p, 1 - p], dim=-1))
        activity = block.down(p)
        rows = self.row(torch.stack([activity, block.down(1 - p)], dim=-1))
        entries, _ = self.messages(block, entries, rows)
        return F.layer_norm(self.leave(entries), (self.leave.out_features,))


class Embedding(nn.Module):
    """Both encoders, and what compares them.

    Args:
        width: Of what entries and rows hold. dimension: Numbers per entry of a solution's embedding.
        rounds: Of messages to rows and back.
    """

    def __init__(self, *, width: int, dimension: int, rounds: int) -> None:
        super().__init__()
        self.shape = {"width": width, "dimension": dimension, "rounds": rounds}
        self.program = ProgramEncoder(width=width, rounds=rounds)
        self.solution = SolutionEncoder(width=width, dimension=dimension, rounds=rounds)
        self.of_program = perceptron(width, width)
        self.of_solution = perceptron(dimension, width)
        # CLIP's start (Radford et al. 2021): a temperature of .07, kept as its inverse's logarithm.
        self.sharpness = nn.Parameter(torch.tensor(1 / 0.07).log())

    def similarity(self, block: BlockDiagonal, x: Tensor) -> Tensor:
        """How near each program lies to its solutions x, (N, K), as cosines: (P, K)."""
        programs = F.normalize(self.of_program(self.program(block)[0]), dim=-1)
        solutions = F.normalize(self.of_solution(self.solution(block, x)), dim=-1)
        each = (programs * solutions).sum(-1)
        sizes = torch.tensor(block.sizes, device=x.device, dtype=each.dtype)
        return block.sums(each, block.entry_owner) / sizes[:, None]

    @torch.no_grad()
    def encode(self, data: Tensor, cond: ProblemBatch) -> Tensor:
        """Solutions, flat (rows,) in [-1, 1], as embeddings, (rows, dimension)."""
        return cond.map(self.solution, data)


def store(embedding: Embedding) -> Checkpoint:
    """The encoders as a checkpoint."""
    tensors = {f"embedding.{name}": value for name, value in embedding.state_dict().items()}
    return Checkpoint(tensors, {"kind": KIND, "shape": embedding.shape})


def shape(path: Path) -> tuple[dict[str, int], str]:
    """Width, dimension and rounds of the encoders in a checkpoint, and their digest.

    Raises:
        UserError: If it holds something else.
    """
    checkpoint = Checkpoint.read(path)
    return _shape(checkpoint, path), checkpoint.digest


def restore(path: Path) -> Embedding:
    """The encoders in a checkpoint.

    Raises:
        UserError: If there are none.
    """
    checkpoint = Checkpoint.read(path)
    sizes = _shape(checkpoint, path)
    with named(path), building():
        embedding = fitted(lambda: Embedding(**sizes), checkpoint.below("embedding."))
    return embedding.eval().requires_grad_(False)


def _shape(checkpoint: Checkpoint, path: Path) -> dict[str, int]:
    config: dict[str, Any] = dict(checkpoint.config)
    if config.get("kind") != KIND:
        raise UserError(f"{path} holds no embedding of programs and solutions: make one with becalm programs embed")
    said = config.get("shape")
    sizes = said if isinstance(said, dict) else {}
    whole = sizes.keys() == {"width", "dimension", "rounds"}
    if not whole or not all(type(size) is int and size > 0 for size in sizes.values()):
        raise UserError(f"{path}: shape must hold width, dimension and rounds, each at least 1, got {str(said)[:80]}")
    return sizes
