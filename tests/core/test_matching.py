"""A student is matched with the data by two scores: closed forms."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from matched import STD, batch_and_draw

from becalm.denoiser import Denoiser
from becalm.errors import UserError
from becalm.level import NoiseLevel
from becalm.objective import DistributionMatching, Objective, Others, ScoreIdentity
from becalm.schedule import Cosine


@pytest.mark.parametrize("objective", [DistributionMatching(), ScoreIdentity(), ScoreIdentity(alpha=0.5)])
def test_matching_a_gaussian_ends_at_its_mean_and_spread_with_an_exact_critic(objective: Objective) -> None:
    """The divergence of two Gaussians is least, and its gradient none, where they are the same."""
    mean_there, spread_there = 0.7, STD

    def gaussian(mean: torch.Tensor, std: torch.Tensor) -> Denoiser[None]:
        def denoise(x: torch.Tensor, level: NoiseLevel, cond: None) -> torch.Tensor:
            alpha, sigma = level.alpha.to(x), level.sigma.to(x)
            return mean + alpha * std**2 * (x - alpha * mean) / (alpha**2 * std**2 + sigma**2)

        return denoise

    teacher = gaussian(torch.tensor(mean_there), torch.tensor(spread_there))
    place = torch.tensor([-0.5, 0.0], requires_grad=True)  # Mean and log spread of what the student makes.
    optimizer = torch.optim.Adam([place], lr=0.1)
    for step in range(200):
        student = lambda x, level, cond: place[0] + place[1].exp() * x  # noqa: E731
        critic = gaussian(place[0].detach(), place[1].exp().detach())
        batch, drawn = batch_and_draw(objective, Cosine(), step)
        assert float(drawn.levels[0].t.min()) == 1.0
        optimizer.zero_grad()
        objective.losses(student, Others(teacher=teacher, critic=critic), batch, drawn).mean().backward()
        optimizer.step()
    torch.testing.assert_close(place[0].item(), mean_there, rtol=0, atol=0.02)
    torch.testing.assert_close(place[1].exp().item(), spread_there, rtol=0, atol=0.02)


def test_a_guided_teacher_is_a_line_through_its_two_estimates_up_to_a_time() -> None:
    objective = DistributionMatching(guidance=3.0, guidance_high=0.4)
    assert objective.sampling()["guidance"] == 1.0  # The student's own estimates are to be guided no more.

    def teacher(x: torch.Tensor, level: NoiseLevel, cond: Any) -> torch.Tensor:
        return torch.full_like(x, cond)

    batch, drawn = batch_and_draw(objective, Cosine())
    batch = replace(batch, cond=0.5)
    seen = []

    def critic(x: torch.Tensor, level: NoiseLevel, cond: Any) -> torch.Tensor:
        seen.append(level.t)
        return torch.zeros_like(x)

    made = torch.full_like(batch.x0, 2.0).requires_grad_()
    others = Others(teacher=teacher, critic=critic, drop=lambda cond: 0.1)
    objective.losses(lambda x, level, cond: made, others, batch, drawn).sum().backward()
    taught = torch.where(seen[0] <= 0.4, 0.1 + 3 * 0.4, 0.5).float()
    assert made.grad is not None and 0.2 < float((seen[0] <= 0.4).double().mean()) < 0.6
    torch.testing.assert_close(made.grad, -taught / (2 - taught))
    with pytest.raises(UserError, match="without null condition cannot be guided"):
        objective.losses(lambda x, level, cond: made, Others(teacher=teacher, critic=critic), batch, drawn)


@pytest.mark.parametrize("objective", [DistributionMatching(), ScoreIdentity()])
def test_a_critic_learns_what_the_student_makes_and_the_student_nothing_from_it(objective: Objective) -> None:
    scale = torch.ones((), requires_grad=True)
    batch, drawn = batch_and_draw(objective, Cosine())
    made = torch.full_like(batch.x0, 0.3).requires_grad_()
    critic: Denoiser[None] = lambda x, level, cond: scale * 0.5 + 0 * x  # noqa: E731
    loss = objective.losses(lambda x, level, cond: made, Others(teacher=critic, critic=critic), batch, drawn)
    loss.sum().backward()
    # Teacher and critic agree, so that the student stays; the critic's error is the distance from what was made.
    assert made.grad is not None and float(made.grad.abs().max()) == 0
    level = drawn.levels[1]
    weight = ((level.alpha**2 + level.sigma**2) / level.sigma**2).flatten().float()
    torch.testing.assert_close(loss.detach(), weight * (0.5 - 0.3) ** 2, rtol=1e-4, atol=1e-6)
    assert scale.grad is not None and float(scale.grad) > 0
