"""A call gives the same bits whatever else goes on in its process, and leaves the process as it was."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from calls import CALLS, Array

pytestmark = pytest.mark.parametrize("name", CALLS)


@contextmanager
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def state() -> tuple[object, ...]:
    """What of the process a call might change."""
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),
        np.geterr(),
    )


@pytest.mark.parametrize("mode", [double, threads, deterministic, torch.no_grad, torch.inference_mode])
def test_a_users_modes_are_as_before_and_change_nothing(name: str, mode: Callable[[], Iterator[None]]) -> None:
    right = CALLS[name](3)
    with mode():  # type: ignore[attr-defined] # a context manager
        before = state()
        got = CALLS[name](3)
        assert state() == before
    assert got.dtype == right.dtype
    np.testing.assert_array_equal(got, right)


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, Array]:
    """What a process of its own gives."""
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE], cwd=Path(__file__).parent, capture_output=True, check=True
    )
    with np.load(io.BytesIO(done.stdout)) as stored:
        return dict(stored)


_ELSEWHERE = """
import io, sys
import numpy as np
from calls import CALLS
buffer = io.BytesIO()
np.savez(buffer, **{name: call(5) for name, call in CALLS.items()})
sys.stdout.buffer.write(buffer.getvalue())
"""


def test_six_threads_and_another_process_give_what_one_after_the_other_gives(
    name: str, elsewhere: dict[str, Array]
) -> None:
    right = [CALLS[name](seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for got, one in zip(pool.map(CALLS[name], range(6)), right, strict=True):
            np.testing.assert_array_equal(got, one)
    np.testing.assert_array_equal(elsewhere[name], right[5])
