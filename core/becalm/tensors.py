"""The domain of ``becalm.fit``: rows of a tensor, which no plugin brings."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.codec import Affine
from becalm.cond import take
from becalm.domain import Domain, Picture
from becalm.errors import UserError
from becalm.noise import epochs
from becalm.process import GAUSSIAN, Process


class Tensors(Domain[Any]):
    """Rows of a tensor, with a condition each or none."""

    name: ClassVar[str] = "tensors"
    defaults: ClassVar[Mapping[str, Any]] = {"objective": {"drop": 0.0}, "training": {"precision": "fp32"}}

    rows: tuple[int, ...] = Field(description="Shape of a row.")
    conditional: bool = Field(False, description="Whether rows have conditions.")
    null: float | None = Field(None, description="The null condition's value, if there is one.")
    noise: Process = Field(GAUSSIAN, description="What noise is.")
    batch: int = Field(128, ge=1, description="Rows per training batch.")
    _data: Tensor | None = PrivateAttr(None)
    _cond: Any = PrivateAttr(None)

    def hold(self, data: Tensor, cond: Any) -> "Tensors":
        """This domain with data to train on, which no checkpoint holds."""
        self._data, self._cond = data, cond
        return self

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Any]]:
        if self._data is None:
            raise UserError("there are no data to train on: becalm.fit brings them")
        for _, index in epochs(seed, len(self._data), self.batch, start):
            yield Batch.dense(self._data[index], take(self._cond, index))

    def network(self) -> nn.Module:
        raise UserError("this model has a network of its own: give it to becalm.load by network=")

    def shape(self) -> tuple[int, ...]:
        return self.rows

    def process(self) -> Process:
        return self.noise

    def codec(self) -> Affine:
        """Zero mean and unit variance, of each coordinate of vectors, else of all; bits as they are."""
        data = self._data
        like = torch.zeros(self.rows if len(self.rows) == 1 else (), dtype=torch.float32)
        if data is None or not self.noise.gaussian:
            return Affine(like, torch.ones_like(like))
        every = data.float() if len(self.rows) == 1 else data.float().reshape(-1, 1)
        mean, std = every.mean(0).reshape(like.shape), every.std(0, correction=0).reshape(like.shape)
        return Affine.moments(mean, std)

    def condition(self, request: Any) -> Any:
        if self.conditional:
            raise UserError("this model is conditional: give conditions by cond=")
        return None

    def drop(self, cond: Any) -> Any:
        if self.null is None:
            raise UserError("this model has no null condition: leave guidance at 1, and drop at 0")
        return torch.full_like(cond, self.null)

    @property
    def has_null(self) -> bool:
        return self.null is not None

    def metrics(self, data: Tensor, cond: Any) -> Mapping[str, float]:
        """Mean and standard deviation."""
        return {"mean": float(data.float().mean()), "std": float(data.float().std())}

    def render(self, data: Tensor, cond: Any) -> Picture:
        raise UserError("rows of a tensor have no picture: look at samples.data")
