"""The held-out loss is a function of the weights, and looking at a training changes nothing of it."""

import pytest
import torch
from trainings import RECIPES, finished, fresh, same

from becalm.train.held_out import HeldOut
from becalm.train.snapshot import refresh, snapshot


def test_the_held_out_loss_of_a_network_that_says_nothing_has_its_closed_form() -> None:
    # v = alpha eps - sigma x0, and alpha^2 averages 1/2; x0 of the one cluster is (1, 0) plus noise of .15 and .3.
    state = fresh({"classes": 1, "batch": 2048}, warmup=0)
    for weight in state.network.parameters():
        weight.data.zero_()
    expected = 0.5 + 0.5 * (1 + 0.15**2 + 0.3**2) / 2
    assert HeldOut(state).loss(state.network.eval()) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("recipe", ["plain", "accumulating, with dropout", "by importance"])
def test_the_held_out_loss_depends_on_the_weights_alone(recipe: str) -> None:
    domain, objective, training = RECIPES[recipe]
    state = fresh(domain, objective, **training)
    test, model = HeldOut(state), snapshot(state)
    before = test.loss(model.network)
    finished(state)
    torch.rand(3)
    assert test.loss(model.network) == before
    refresh(model, state)
    after = test.loss(model.network)
    assert after != before and after == HeldOut(state).loss(snapshot(state).network)
    assert same(finished(fresh(domain, objective, **training)), state)  # Looking changed nothing.
