"""Integer programs on the latent route: a row of x is the embedding of one entry of one solution, and its bit.

    becalm programs embed --data DIR --out embedding.safetensors
    becalm programs-latent train --data DIR --embedding embedding.safetensors

Everything else, what is asked for, how solutions are judged and shown, is that of ``programs``, so both stand in one
table. What differs from Zeng et al. 2024: a graph network in place of transformers over entries, so that any size fits;
a squared error on bits in place of a cross-entropy, since that is what core's trainer has for all channels; schedules
are core's, and DDIM walks from noise to clean.
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.device import building
from becalm.errors import UserError
from becalm.files.content import stamp
from becalm.guidance import Descend, Energy, Guidance, compose, total
from becalm.level import NoiseLevel
from becalm_programs.domain import IntegerPrograms
from becalm_programs.guidance.energies import objective, violation
from becalm_programs.latent.codec import LatentCodec, bits
from becalm_programs.latent.denoise import LatentNetwork
from becalm_programs.latent.embed import Embedding, restore, shape
from becalm_programs.latent.request import GAMMA, OBJECTIVE_WEIGHT, LatentRequest
from becalm_programs.latent.violation import shared
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.request import ProgramRequest


class LatentPrograms(IntegerPrograms):
    """Solutions of integer programs by diffusion over their embeddings."""

    name: ClassVar[str] = "programs-latent"
    request: ClassVar[type[ProgramRequest]] = LatentRequest
    steady: ClassVar[bool] = True
    defaults: ClassVar[Mapping[str, Any]] = {
        "objective": {"prediction": "x0", "penalty": 1.0, "drop": 0.0},
        "training": {"rate": 2e-3, "warmup": 100, "ema": 0.995},
    }

    embedding: str | None = Field(None, description="Encoders made by becalm programs embed, for training.")
    dimension: int = Field(8, ge=2, description="Numbers per entry in a solution's embedding; from the encoders.")
    encoder_width: int = Field(32, ge=1, description="Width of the encoders; from them.")
    encoder_rounds: int = Field(2, ge=1, description="Rounds of messages in the encoders; from them.")
    encoders_digest: str | None = Field(None, description="What the encoders are known by; from their file.")

    def fit(self) -> Self:
        """With its training data made, where ``programs`` would, and with the sizes of the encoders.

        Raises:
            UserError: If encoders are named and there are none.
        """
        changed: dict[str, int | str] = {}
        if self.embedding is not None:
            sizes, digest = shape(Path(self.embedding).expanduser())
            names = {"dimension": "dimension", "width": "encoder_width", "rounds": "encoder_rounds"}
            changed = {field: sizes[name] for name, field in names.items()} | {"encoders_digest": digest[:16]}
        super().fit()
        return self.model_copy(update=changed)

    @property
    def weight(self) -> float:
        """What bits are scaled by in x, so that their error counts as much as that of the whole embedding."""
        return math.sqrt(self.dimension)

    def usual(self) -> Mapping[str, Any]:
        # Also where solutions are asked for in the words of ``programs``, whose guidance is something else.
        return {"guidance": GAMMA, "objective_weight": OBJECTIVE_WEIGHT}

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[ProblemBatch]]:
        if self.embedding is None:
            raise UserError("training needs encoders: make them with becalm programs embed, name them by --embedding")
        # Untrained encoders, such as a fresh codec has, must not be learnt from.
        yield from super().batches(split, seed, start)

    def network(self) -> nn.Module:
        """A fresh network whose program encoder starts from the embedding's."""
        sizes = self.model_dump(include={"width", "rounds", "dimension", "encoder_width", "encoder_rounds"})
        network = LatentNetwork(**sizes, weight=self.weight)
        if self._there():
            network.program.load_state_dict(self._encoders().program.state_dict())
        return network

    def codec(self) -> LatentCodec:
        # A checkpoint brings its own encoders, so where it is used their file need not be.
        if self._there():
            return LatentCodec(self._encoders(), self.weight)
        with building():
            return LatentCodec(Embedding(**self._shape()).eval().requires_grad_(False), self.weight)

    def shape(self) -> tuple[int, ...]:
        return (self.dimension + 1,)

    def energies(self) -> Mapping[str, Energy[ProblemBatch]]:
        return {"violation": self._of_bits(violation), "objective": self._of_bits(objective)}

    def penalty(self) -> Energy[ProblemBatch]:
        """The violation of the decoded estimate, per entry."""
        return self._of_bits(super().penalty())

    def guidance(self, request: ProgramRequest) -> Guidance[ProblemBatch]:
        """Down gamma violation + s objective, through decoder and network.

        gamma is ``guidance``, with ``descend``, which means the same here; s is ``objective_weight``. Where a
        classifier is named, its gradient at the noisy embedding takes the violation's place.
        """
        learned = request.classifier if isinstance(request, LatentRequest) else None
        gamma = request.guidance + request.descend
        terms = ((0.0 if learned else gamma, violation), (request.objective_weight, objective))
        weighted = [(weight, self._of_bits(energy)) for weight, energy in terms if weight]
        # One descent for both costs one way back through the network.
        guides: list[Guidance[ProblemBatch]] = [Descend(total(*weighted), 1.0, "through")] if weighted else []
        if learned and gamma:
            guides.append(Descend(self.learned_violation(Path(learned).expanduser()), gamma, "noisy"))
        return compose(*guides)

    def learned_violation(self, path: Path) -> Energy[ProblemBatch]:
        """The energy of the classifier of violations in a file, of noisy x.

        Raises:
            UserError: If there is none, or it knows other embeddings than this model's.
        """
        made = shared(path, encoders=self.encoders_digest)
        if made.shape["dimension"] != self.dimension:
            raise UserError(f"{path} is of {made.shape['dimension']} numbers per entry, this model of {self.dimension}")
        return partial(_learned, path)

    def _of_bits(self, energy: Energy[ProblemBatch]) -> Energy[ProblemBatch]:
        def of_bits(x0: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
            return energy(bits(x0, self.weight), level, cond)

        return of_bits

    def _shape(self) -> dict[str, int]:
        return {"width": self.encoder_width, "dimension": self.dimension, "rounds": self.encoder_rounds}

    def _there(self) -> bool:
        return self.embedding is not None and Path(self.embedding).expanduser().is_file()

    def _encoders(self) -> Embedding:
        """Encoders from their file.

        Raises:
            UserError: If there are none, or of other sizes than these settings.
        """
        path = Path(str(self.embedding)).expanduser()
        encoders = _restore(path, stamp(path))
        if encoders.shape != self._shape():
            raise UserError(f"the encoders in {self.embedding} have sizes {encoders.shape}, not {self._shape()}")
        return encoders


def _learned(path: Path, x: Tensor, level: NoiseLevel, cond: ProblemBatch) -> Tensor:
    return shared(path, str(x.device)).energy(x, level, cond)


@lru_cache(maxsize=4)
def _restore(path: Path, written: str) -> Embedding:
    # What is kept must not be without memory because the first who asks is a draft.
    with torch.device("cpu"):
        return restore(path)
