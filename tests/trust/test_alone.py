"""A call gives the same bits whatever else goes on in its process, and leaves the process as it was."""

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
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Array]]:
    """What four processes at once give, each for a seed of its own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-c", _ELSEWHERE, str(folder)]
    subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, check=True)
    found = []
    for seed in range(4):
        with np.load(folder / f"{seed}.npz") as stored:
            found.append(dict(stored))
    return found


# Four imports of torch would take longer than all the rest. Threads do not survive a fork.
_ELSEWHERE = """
import os, sys
import numpy as np
import torch
torch.set_num_threads(1)
from calls import CALLS
for call in CALLS.values():
    call(9)
children = []
for seed in range(4):
    child = os.fork()
    if not child:
        np.savez(os.path.join(sys.argv[1], str(seed)), **{name: call(seed) for name, call in CALLS.items()})
        os._exit(0)
    children.append(child)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def test_six_threads_and_four_processes_give_what_one_after_the_other_gives(
    name: str, elsewhere: list[dict[str, Array]]
) -> None:
    right = [CALLS[name](seed) for seed in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for got, one in zip(pool.map(CALLS[name], range(6)), right, strict=True):
            np.testing.assert_array_equal(got, one)
    for process, one in zip(elsewhere, right[:4], strict=True):
        np.testing.assert_array_equal(process[name], one)
