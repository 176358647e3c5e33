"""The sharing of time: what brings more gets more, nothing is left out, and what repeats moves farther off."""

import pytest

from becalm_programs.anytime.turns import Turns
from becalm_programs.search.solution_pool import Added


def shares(rates: dict[str, tuple[int, float]], known: int = 0) -> dict[str, float]:
    """Shares of the time where a turn of a hundredth brings so many new solutions, and such a gain."""
    sharing = Turns(rates, 100, 2.0)
    for _ in range(2000):
        name = sharing.next(1.0, list(rates), known)
        assert name is not None
        new, gain = rates[name]
        sharing.note(name, 0.01, Added(5, 5, 0, new, gain))
    total = sum(tally.seconds for tally in sharing.tallies.values())
    return {name: tally.seconds / total for name, tally in sharing.tallies.items()}


def test_time_goes_by_gains_and_by_what_is_new_and_a_tenth_of_it_evenly() -> None:
    rates = {"better": (0, 3e-3), "both": (1, 1e-3), "new": (3, 0.0), "useless": (0, 0.0)}
    right = {"better": 0.45, "both": 0.15 + 0.075, "new": 0.225, "useless": 0.0}
    assert shares(rates) == pytest.approx({name: share + 0.025 for name, share in right.items()}, abs=0.01)
    enough = {"better": 0.6375, "both": 0.2125 + 0.0125, "new": 0.0375, "useless": 0.0}
    assert shares(rates, 100) == pytest.approx({name: share + 0.025 for name, share in enough.items()}, abs=0.01)


def test_where_nothing_brings_anything_all_get_the_same() -> None:
    assert shares({"a": (0, 0.0), "b": (0, 0.0)}) == {"a": 0.5, "b": 0.5}


def test_first_turns_take_half_of_the_time_once_there_is_a_solution_and_all_of_it_before() -> None:
    names = ("a", "b", "c", "d")
    for known, right in ((0, [1, 2, 3, 4]), (1, [1, 1, 2, 2])):
        sharing = Turns(names, 100, 1.0)
        order = list[str]()
        for _ in right:
            name = sharing.next(1.0, names, known)
            assert name is not None
            order.append(name)
            sharing.note(name, 0.125, Added(1, 1, 0, known, 0.0))
        assert [len({*order[:turn]}) for turn in (1, 2, 3, 4)] == right


def test_what_takes_longer_than_is_left_gets_no_turn() -> None:
    sharing = Turns(("slow", "fast"), 100, 1.0)
    for name, seconds in (("slow", 2.0), ("fast", 0.1)):
        sharing.note(name, seconds, Added(1, 1, 0, 1, 0.0))
    assert sharing.next(1.0, ("slow", "fast"), 0) == "fast"
    assert sharing.next(0.05, ("slow", "fast"), 0) is None


def test_copies_move_a_start_apart_and_poor_solutions_draw_it_near() -> None:
    sharing = Turns(("a",), 100, 1.0)
    sharing.note("a", 0.1, Added(4, 4, 4, 0, 0.0))
    assert sharing.tallies["a"].apart > 1
    for _ in range(10):
        sharing.note("a", 0.1, Added(4, 4, 0, 0, 0.0))
    assert sharing.tallies["a"].apart < 1
