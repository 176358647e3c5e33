"""The loss on the test split: what the averaged weights make of data that nobody trained them on.

Its batches, times and noise are the same each time, so two steps of a training differ by the network alone.
"""

from dataclasses import replace
from itertools import islice
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from becalm.errors import UserError
from becalm.network.embeds import embed
from becalm.objective.draw import draw, weighted
from becalm.train.arithmetic import autocast, seeded
from becalm.train.state import TrainState
from becalm.train.step import beside, denoiser, encoded

C = TypeVar("C")

EVERY = 200
"""Steps between two of them: ``BATCHES`` without gradients cost less than 1 % of so many steps."""
BATCHES = 4
_SEED = 0


class HeldOut(Generic[C]):
    """The held-out loss of one training.

    Raises:
        UserError: If the domain has no test split.
    """

    def __init__(self, state: TrainState[C]) -> None:
        self._state = state
        self._batches = list(islice(state.domain.batches("test", _SEED), BATCHES))
        if not self._batches:
            raise UserError("there are no test data")

    def due(self) -> bool:
        """Whether it is time for one: by the step's number, so that a resumed training has the same."""
        return self._state.step % EVERY == 0 or self._state.over

    def example(self) -> tuple[Tensor, C]:
        """A batch of held-out data with its condition."""
        return self._batches[0].x0, self._batches[0].cond

    @torch.no_grad()
    def loss(self, network: nn.Module) -> float:
        """Mean weighted loss of a network in evaluation mode, with its condition.

        Args:
            network: As the state's.
        """
        state, losses = self._state, []
        student = denoiser(state, network)
        others = beside(state, student)
        # What importance remembers changes; without it, it draws evenly.
        history = torch.zeros_like(state.history)
        for number, batch in enumerate(self._batches):
            batch = encoded(state, batch)
            drawn = draw(
                state.objective, state.schedule, batch, history, seed=_SEED, step=number, process=state.process
            )
            with seeded(_SEED, number, state.device), autocast(state.training.precision, state.device):
                batch = replace(batch, cond=embed(network, batch.cond))
                losses.append(weighted(state.objective, student, others, batch, drawn)[0].float().mean())
        return float(torch.stack(losses).mean())
