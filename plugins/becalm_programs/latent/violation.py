"""A classifier of noised embeddings: by how much each row of a program is missed by what lies under the noise.

    V(z_t, t, h)_k  ->  E[ |violation of row k| given z_t ],    energy = sum_k V_k

It is fitted by a squared error, whose best answer is that mean. Its gradient at z_t guides without a way back through
decoder and denoiser (Dhariwal and Nichol 2021, eq. 14, with a regressor in the place of a classifier's log p); the
closed form, the violation of the decoded estimate, is the violation of a mean instead of a mean of violations.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from becalm.device import building
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.files.content import stamp
from becalm.gate.network import fitted
from becalm.level import NoiseLevel
from becalm.model.load import named
from becalm.network.embedding import NoiseConditioned, geometric, waves
from becalm_programs.latent.embed import Messages, ProgramEncoder, perceptron
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal

KIND = "violation-classifier"
"""What the header of a checkpoint of this says it is."""
_WAVES = 8


class ViolationClassifier(NoiseConditioned):
    """Noised embeddings, (rows, dimension), to the violation to be expected of each row of their programs.

    Args:
        width: Of what entries and rows hold. rounds: Of messages between them. dimension: Of the embedding.
    """

    def __init__(self, *, width: int, rounds: int, dimension: int) -> None:
        super().__init__()
        self.shape = {"width": width, "rounds": rounds, "dimension": dimension}
        self.program = ProgramEncoder(width=width, rounds=1)
        self.enter = nn.Linear(width + dimension + 2 * _WAVES, width)
        self.messages = Messages(width=width, rounds=rounds)
        self.leave = perceptron(width, width, 1)
        self.register_buffer("frequencies", geometric(_WAVES, 50.0), persistent=False)

    def block(self, block: BlockDiagonal, z: Tensor, time: Tensor) -> Tensor:
        """Violations (M, K) to be expected of rows for noised embeddings z (N, K, dimension) of total variance 1.

        Args:
            time: (N, K, waves) of their levels.
        """
        features, rows = (part.expand(-1, z.shape[1], -1) for part in self.program(block))
        entries = self.enter(torch.cat([features, z, time], dim=-1))
        _, rows = self.messages(block, entries, rows)
        # Linear: most rows are held, and what keeps predictions from below 0 keeps the slope from them, too.
        expected: Tensor = self.leave(rows)[..., 0]
        return expected

    def energy(self, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
        """The violation to be expected in all, (B,), of x (rows, dimension or more); further channels are not seen."""
        z = x[:, : self.shape["dimension"]] / level.total_std.to(x)
        time, sums = waves(level, self.frequencies, x).expand(len(x), -1), []
        for block, part in cond.parts():
            rows = self.block(block, block.gather(z[part]), block.gather(time[part]))
            sums.append(block.sums(rows, block.row_owner).flatten())
        return torch.cat(sums)


def store(network: ViolationClassifier, encoders: str | None, figures: Mapping[str, float]) -> Checkpoint:
    """The classifier as a checkpoint.

    Args:
        encoders: Digest of the encoders whose embeddings it knows. figures: What is worth keeping of its training.
    """
    tensors = {f"classifier.{name}": value for name, value in network.state_dict().items()}
    return Checkpoint(tensors, {"kind": KIND, "shape": network.shape, "encoders": encoders, "figures": dict(figures)})


def shared(path: Path, device: str = "cpu", encoders: str | None = None) -> ViolationClassifier:
    """The classifier in a file, read and moved once as long as the file is the same.

    Args:
        encoders: Digest of the encoders whose embeddings it shall know; None for any.

    Raises:
        UserError: If the file holds none, or one of other embeddings.
    """
    made, of = _kept(path, device, stamp(path) if path.is_file() else "")
    if encoders is not None and of is not None and of != encoders:
        raise UserError(f"{path} knows the embeddings of encoders {of}, this model has encoders {encoders}")
    return made


@lru_cache(maxsize=4)
def _kept(path: Path, device: str, written: str) -> tuple[ViolationClassifier, str | None]:
    checkpoint = Checkpoint.read(path)
    config: dict[str, Any] = dict(checkpoint.config)
    if config.get("kind") != KIND:
        raise UserError(f"{path} is no classifier of violations: make one with becalm programs-latent classifier")
    said = config.get("shape")
    sizes = said if isinstance(said, dict) else {}
    if sizes.keys() != {"width", "rounds", "dimension"} or not all(type(n) is int and n > 0 for n in sizes.values()):
        raise UserError(f"{path}: shape must hold width, rounds and dimension, each at least 1, got {str(said)[:80]}")
    with named(path), building():
        made = fitted(lambda: ViolationClassifier(**sizes), checkpoint.below("classifier."))
    of = config.get("encoders")
    return made.eval().requires_grad_(False).to(device), of if isinstance(of, str) else None
