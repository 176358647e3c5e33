"""A policy trained with prefixes goes on from what is known, and the loss is of the rest alone."""

from pathlib import Path

import numpy as np
import torch
from pushing import pushing
from torch import Tensor

from becalm.batch import Batch
from becalm.level import NoiseLevel
from becalm.model import load
from becalm.objective import Objective
from becalm.objective.draw import draw
from becalm.objective.kind import Others
from becalm.schedule import Flow
from becalm.train import begin, train
from becalm.train.plan import with_defaults
from becalm.train.resume import save
from becalm_policies.control.policy import policy
from becalm_policies.domain import Policies
from becalm_policies.networks.condition import Observed
from becalm_policies.prefix import Prefixed, beginnings


def test_a_third_has_no_prefix_and_every_length_is_as_frequent() -> None:
    lengths = beginnings(torch.zeros(9000, 16, 2), 9)[:, :, 0].sum(1)
    shares = torch.bincount(lengths, minlength=10) / 9000
    assert abs(shares[0] - 1 / 3) < 1e-3
    assert bool((shares[1:] - 2 / 27).abs().max() < 1e-3) and len(shares) == 10
    assert not beginnings(torch.zeros(50, 4, 1), 99)[:, -1].any()
    known = beginnings(torch.zeros(50, 16, 2), 9)[:, :, 0].int()
    assert bool((known[:, 1:] <= known[:, :-1]).all())


def test_the_loss_is_the_mean_error_of_what_is_not_known() -> None:
    objective = Objective.model_validate({"kind": "prefix", "prediction": "flow", "drop": 0.0, "most": 4})
    assert isinstance(objective, Prefixed)
    x0 = torch.randn(30, 8, 2, generator=torch.Generator().manual_seed(0))
    batch = Batch.dense(x0, Observed(torch.zeros(30, 2, 1), torch.zeros(30, 2)))
    drawn = draw(objective, Flow(), batch, torch.zeros(32), seed=0, step=0)
    known = beginnings(x0, 4)

    def student(x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        assert torch.equal(x[known], x0[known]) and torch.equal(x[~known], drawn.x[~known])
        assert bool((level.sigma[known] == 0).all()) and bool((level.sigma[~known] > 0).all())
        return x0 + torch.where(known, 9.0, 0.5)  # Errors of what is known do not count.

    losses = objective.losses(student, Others(), batch, drawn)
    weight = objective.weighting.weight(drawn.level, "flow").reshape(30)
    assert torch.allclose(losses, (0.25 * weight).to(losses), rtol=1e-5)


def test_a_policy_trained_with_prefixes_acts_with_them(tmp_path: Path) -> None:
    pushing().write(tmp_path / "own.npz")
    domain = Policies(data=str(tmp_path / "own.npz"), architecture="mlp-tiny", horizon=8, execute=3, batch=16).fit()
    sections = with_defaults(Policies, objective={"kind": "prefix", "most": 4}, training={"steps": 3, "warmup": 0})
    state = begin(domain, *sections, torch.device("cpu"))
    for _ in train(state):
        pass
    save(state, tmp_path / "own.safetensors")
    model = load(tmp_path / "own.safetensors", "cpu")
    seen = np.array(domain.statistics.examples[0][-1])  # type: ignore[union-attr]
    fields = {"steps": 2, "delay": 2}
    told, asked, other = (policy(model, **fields, **more) for more in ({}, {"join": "prefix"}, {"join": "naive"}))
    actions = [[each.act(seen) for _ in range(9)] for each in (told, asked, other)]
    assert np.array_equal(actions[0], actions[1]) and not np.array_equal(actions[0], actions[2])
