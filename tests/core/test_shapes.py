"""What would be broadcast in silence is refused in a sentence with both shapes: outputs, conditions, batches."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from toy import Points

from becalm.batch import Batch
from becalm.codec import Identity
from becalm.cond import join
from becalm.denoiser import NetworkDenoiser
from becalm.errors import UserError
from becalm.objective import Denoising
from becalm.schedule import Cosine
from becalm.train import Training, begin, train

LEVEL = Cosine()(torch.tensor(0.5, dtype=torch.float64))


@pytest.mark.parametrize("chunk", [None, 4])
def test_an_output_of_another_shape_than_x_is_refused_at_the_first_call(chunk: int | None) -> None:
    x = torch.zeros(4, 2)
    for output in (x[:, None], x[:, :1], x[:1], x.T):
        denoise: NetworkDenoiser[None] = NetworkDenoiser(lambda x, level, cond, output=output: output, "v", chunk)  # type: ignore[arg-type]
        says = rf"^the network must return a tensor of shape \(4, 2\), got \({', '.join(map(str, output.shape))}\)$"
        with pytest.raises(UserError, match=says):
            denoise(x, LEVEL, None)
    learned: NetworkDenoiser[None] = NetworkDenoiser(lambda x, level, cond: x[:, None], "v", learned=True)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"shape \(4, 4\), got \(4, 1, 2\)"):
        learned(x, LEVEL, None)


def test_a_condition_of_another_number_of_samples_is_refused_in_all_of_its_parts() -> None:
    says = "a condition must have one entry for each of 4 samples, got"
    for cond in (torch.zeros(1, 2), {"a": torch.zeros(4), "b": torch.zeros(3)}, (torch.zeros(4), torch.zeros(8))):
        with pytest.raises(UserError, match=says):
            Batch.dense(torch.zeros(4, 2), cond)
    with pytest.raises(UserError, match=r"of one shape, got \(4, 2\) and \(4, 3\)"):
        join([torch.zeros(4, 2), torch.zeros(4, 3)])


class Long(Points):
    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Tensor]]:
        for batch in super().batches(split, seed, start):
            yield Batch.dense(batch.x0.repeat(1, 2), batch.cond)

    def codec(self) -> Identity:  # type: ignore[override]
        return Identity()


def test_rows_of_another_shape_than_the_domain_says_are_refused_at_the_first_step() -> None:
    state = begin(Long(), Cosine(), Denoising(), Training(steps=2, precision="fp32"), torch.device("cpu"))
    with pytest.raises(UserError, match=r"^a batch of points must have rows of shape \(2,\), got \(4,\)$"):
        next(train(state))


def test_several_processes_of_a_launcher_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="several devices is not supported yet: WORLD_SIZE must be 1, got 2"):
        begin(Points(), Cosine(), Denoising(), Training(steps=1), torch.device("cpu"))
