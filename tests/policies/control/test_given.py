"""Every door of a policy refuses what is no observation, mask or number in one sentence, and is as it was before."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scripted import perceptron, plain, scripted

from becalm.errors import UserError
from becalm_policies.control.policy import Policy, policy

MODEL = perceptron(plain(2, 1))
SEEN = np.random.default_rng(0).normal(size=(9, 3, 2))
_HALF: Any = np.ma.masked_array([1.0, 2.0], [True, False])

OBSERVATIONS = [
    (["a", "b"], "must be real numbers, got .* of type <U1"),
    (["1", "2"], "must be real numbers"),
    ({"state": [1.0, 2.0]}, "one array of real numbers, got a mapping with .'state'"),
    ([1 + 0j, 2], "must be real numbers, got .* of type complex128"),
    ([None, 1.0], "of type object"),
    ([[1.0, 2.0], [3.0]], "must be real numbers, got list"),
    ([10**400, 1], "of type object"),
    (np.zeros(2, "datetime64[s]"), "must be real numbers"),
    (_HALF, "masked"),
    (torch.zeros(2, requires_grad=True), "must be real numbers, got Tensor: "),
    (None, "must be real numbers"),
    (3.0, r"must have 2 entries, got shape \(\)"),
    ([1.0, 2.0, 3.0], r"must have 2 entries, got shape \(3,\)"),
    (np.zeros((2, 2, 2)), "must have 2 entries"),
    (np.zeros((0, 2)), "must have 2 entries"),
    ([np.nan, 0.0], "must be finite, got NaN or infinity in entry 0"),
    ([[0.0, -np.inf]] * 3, "must be finite, got NaN or infinity in entry 1"),
    (np.zeros((2, 2)), "acts in 3 environments, got 2 observations"),
]
DOORS: list[tuple[Callable[[Policy], object], str]] = [
    *((lambda actor, given=given: actor.act(given), says) for given, says in OBSERVATIONS),  # type: ignore[misc]
    (lambda actor: actor.reset(["yes", "no", "no"]), "mask must be truth values"),
    (lambda actor: actor.reset([0.0, 1.0, 1.0]), "mask must be truth values"),
    (lambda actor: actor.reset([0, 1, 2]), r"mask must be truth values, got \[0, 1, 2\]"),
    (lambda actor: actor.reset([True, False]), r"one entry per environment, \(3,\), got \(2,\)"),
    (lambda actor: actor.reset([True] * 3, numbers=[1, 2]), "numbers must be one per environment, 3"),
    (lambda actor: actor.reset([True] * 3, numbers=[0.5] * 3), "numbers must be whole numbers"),
    (lambda actor: actor.reset(numbers=[-1]), "numbers must be at least 0"),
    (lambda actor: actor.reset(numbers=[[1, 2]]), "numbers must be a row"),
    (lambda actor: actor.reset(numbers=["one"]), "numbers must be whole numbers"),
    (lambda actor: actor.reset([True] * 3, autoreset="next"), "unknown autoreset 'next': .*did you mean 'next-step'"),
    (lambda actor: actor.plan(np.zeros((3, 2))), r"must have shape \(B, 2, 2\), got \(3, 2\)"),
    (lambda actor: actor.plan([["a"]]), "must be real numbers"),
    (lambda actor: actor.plan(np.full((1, 2, 2), np.nan)), "must be finite"),
    (lambda actor: actor.plan(np.zeros((1, 2, 2)), numbers=[1, 2]), "one per environment, 1"),
    (lambda actor: actor.plan(np.zeros((1, 2, 2)), chunk=-1), "at least 0"),
]


@pytest.mark.parametrize("fields", [{}, {"delay": 2}, {"ensemble": 0.1}, {"warm": 0.5}], ids=str)
def test_what_is_refused_leaves_no_trace(fields: dict[str, Any]) -> None:
    actor, other = (policy(MODEL, steps=2, **fields) for _ in range(2))
    for step, seen in enumerate(SEEN):
        for wrong, says in DOORS:
            if step:
                with pytest.raises(UserError, match=says) as raised:
                    wrong(actor)
                assert "\n" not in str(raised.value)
        assert np.array_equal(actor.act(seen), other.act(seen)), step


@pytest.mark.parametrize("fields", [{}, {"delay": 2, "join": "hold"}, {"ensemble": 0.1}], ids=str)
def test_a_chunk_that_could_not_be_planned_is_planned_again(fields: dict[str, Any]) -> None:
    broken = [False]

    def script(x: Any, level: Any, cond: Any) -> Any:
        return (cond.features[:, -1:, :1] + torch.arange(x.shape[1])[None, :, None]) * (torch.nan if broken[0] else 1)

    actor, other = (policy(scripted(script, plain(2, 1)), steps=1, **fields) for _ in range(2))
    failed = 0
    for seen in SEEN:
        broken[0] = True
        try:
            assert np.array_equal(actor.act(seen), other.act(seen))
            continue
        except UserError:
            failed += 1
        broken[0] = False
        assert np.array_equal(actor.act(seen), other.act(seen))
    assert failed > 2


@pytest.mark.parametrize("seen", [(1, 2), [True, False], np.array([1, 2], np.uint8), torch.tensor([1.0, 2.0])], ids=str)
def test_real_numbers_of_any_kind_are_an_observation(seen: Any) -> None:
    assert np.array_equal(policy(MODEL).act(seen), policy(MODEL).act(np.array([float(seen[0]), float(seen[1])])))
