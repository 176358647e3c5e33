"""What is unusual is found by rank: of usual windows no larger a share is called so than was asked for."""

import numpy as np
import pytest
import torch

import becalm
from becalm.errors import UserError
from becalm_policies.offline.likelihood import Familiar, chunk_nats


def test_ranks_of_usual_windows_are_uniform_and_the_least_likely_has_the_least() -> None:
    known = np.random.default_rng(0).normal(size=199)
    ranks = np.array([float(Familiar(np.delete(known, i))(known[i : i + 1])[0]) for i in range(199)])
    assert np.allclose(np.sort(ranks), np.arange(1, 200) / 199)
    assert Familiar(known)(np.array([-np.inf, np.inf])) == pytest.approx([1 / 200, 1])
    with pytest.raises(UserError, match="at least one finite number"):
        Familiar(np.array([np.nan]))


def test_what_a_policy_would_do_is_likelier_than_the_same_moved() -> None:
    model = becalm.load("fork", "cpu")
    drawn = model.sample(count=2, seed=3, steps=5)
    both = torch.cat([drawn.data, drawn.data + 0.5 * (drawn.data.std() + 0.1)])
    cond = model.domain.condition(model.request(count=4, seed=3))
    nats = chunk_nats(model, both, cond)
    assert bool((nats[:2] > nats[2:] + 1).all())
