"""Each family's instances have the sizes and structure of their source: a function of family, size and seed."""

import hashlib
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from drawn import brute, same

from becalm import UserError
from becalm_programs.families import FAMILIES, SIZES, generate, presets
from becalm_programs.families.assignment import Assignment
from becalm_programs.families.auction import Auction
from becalm_programs.families.facility import Facility
from becalm_programs.families.independent_set import IndependentSet, graph
from becalm_programs.families.knapsack import Knapsack
from becalm_programs.families.set_cover import SetCover
from becalm_programs.problem.program import Program
from becalm_programs.problem.verify import verify

SEEDS = range(4)


def dense(family: str, size: str, seed: int) -> tuple[Any, np.ndarray]:
    program = generate(family, size, seed)
    return program, program.rows.toarray()


# All of them


@pytest.mark.parametrize("family", FAMILIES)
def test_an_instance_is_a_function_of_family_size_and_seed(family: str) -> None:
    for size in ("tiny", "small"):
        first, again, other = generate(family, size, 5), generate(family, size, 5), generate(family, size, 6)
        assert same(first, again) and first.name == again.name == f"{family}-{size}-00005"
        assert not same(first, other)
        assert same(generate(family, presets(family)[size], 5), first)


def test_families_of_one_seed_have_nothing_in_common() -> None:
    costs = [generate(family, "tiny", 1).cost[:3].tolist() for family in FAMILIES]
    assert len({tuple(cost) for cost in costs if set(cost) != {-1.0}}) >= len(FAMILIES) - 1


def test_instances_stay_what_they_were() -> None:
    """A checkpoint was trained, and a table made, on these very instances."""
    assert {family: digest(generate(family, "tiny", 0)) for family in FAMILIES} == {
        "set-cover": "a861edf7342b",
        "auction": "ab02436c9eee",
        "facility": "94df487a9115",
        "independent-set": "e5e83463a7dc",
        "assignment": "c9b0ce973b02",
        "knapsack": "75038e73dac2",
    }


def digest(program: Program) -> str:
    """Of all numbers to 10 digits: the last ones are the processor's."""
    numbers = [program.cost, program.rows.data, program.rows.indices, program.rows.indptr, program.row_low]
    numbers += [program.row_high, program.low, program.high]
    text = " ".join(f"{value:.10g}" for array in numbers for value in array.tolist())
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_tiny_instances_are_small_enough_for_brute_force_and_feasible(family: str, seed: int) -> None:
    program = generate(family, "tiny", seed)
    assert program.binary.all() and len(program.cost) <= 15
    x, best = brute(program)
    assert best is not None and verify(program, x).feasible.all()
    # Choosing nothing, or all, must not be best, or there is nothing to learn.
    verdict = verify(program, [np.zeros_like(program.cost), np.ones_like(program.cost)])
    sign = -1 if program.maximise else 1
    trivial = sign * verdict.objective[verdict.feasible]
    assert not len(trivial) or trivial.min() > sign * best


@pytest.mark.parametrize("family", FAMILIES)
def test_small_and_paper_instances_are_feasible(family: str) -> None:
    for size in ("small", "paper"):
        program = generate(family, size, 0)
        assert program.binary.all()
        assert verify(program, feasible_by_hand(family, program)[None]).feasible[0]


def feasible_by_hand(family: str, program: Any) -> np.ndarray:
    """A feasible point that needs no solver."""
    count = len(program.cost)
    if family == "set-cover":
        return np.ones(count)
    if family in ("auction", "independent-set", "knapsack"):
        return np.zeros(count)
    matrix = program.rows.toarray()
    if family == "assignment":
        jobs = int((program.row_low == 1).sum())
        agents = len(matrix) - jobs
        load = matrix[jobs:].sum(axis=0).reshape(jobs, agents)
        x, left = np.zeros((jobs, agents)), program.row_high[jobs:].copy()
        for job in range(jobs):
            agent = int(np.argmax(left - load[job]))
            x[job, agent] = 1
            left[agent] -= load[job, agent]
        return x.ravel()
    customers = int((program.row_low == 1).sum())
    facilities = (count // (customers + 1)) if count % (customers + 1) == 0 else 0
    capacity = -matrix[customers : customers + facilities, customers * facilities :].diagonal()
    demand = matrix[customers, : customers * facilities : facilities]
    x, left = np.zeros((customers, facilities)), capacity.copy()
    for customer in np.argsort(-demand):
        facility = int(np.argmax(left))
        x[customer, facility] = 1
        left[facility] -= demand[customer]
    return np.concatenate([x.ravel(), np.ones(facilities)])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: generate("set-covers", "tiny", 0), "unknown family 'set-covers'.*did you mean 'set-cover'"),
        (lambda: generate("auction", "huge", 0), "unknown size of auction 'huge': known are paper, small, tiny"),
        (lambda: generate("auction", "tiny", -1), "seed must be at least 0"),
        (lambda: SetCover(10, 100, 0.01), "at least two|must have two rows a column"),
        (lambda: SetCover(10, 10, 1.5), "at most 1"),
        (lambda: Auction(1, 5), "at least 2 items"),
        (lambda: Facility(5, 5, 0.5), "ratio from 1 on"),
        (lambda: IndependentSet(4, 4), "affinity from 1 to below its nodes"),
        (lambda: Assignment(0, 4), "agents and jobs"),
        (lambda: Knapsack(2, 4, 1.0), "tightness within 0 and 1"),
    ],
)
def test_what_is_no_family_is_one_sentence(make: Callable[[], Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        make()


def test_every_family_has_every_size() -> None:
    assert all(tuple(presets(family)) == SIZES for family in FAMILIES)
    assert same(generate("independent_set", "tiny", 0), generate("independent-set", "tiny", 0))


# Each of them


@pytest.mark.parametrize(("size", "rows", "columns"), [("small", 100, 200), ("paper", 1000, 2000)])
def test_set_cover_is_as_balas_and_ho_draw_it(size: str, rows: int, columns: int) -> None:
    program, matrix = dense("set-cover", size, 0)
    assert matrix.shape == (rows, columns) and not program.maximise
    assert matrix.sum() == program.nonzeros == 0.05 * rows * columns
    assert set(np.unique(matrix)) == {0, 1}
    assert matrix.sum(axis=1).min() >= 1 and matrix.sum(axis=0).min() >= 2
    assert (program.row_low == 1).all() and np.isinf(program.row_high).all()
    assert (program.cost == np.rint(program.cost)).all()
    assert program.cost.min() >= 1 and program.cost.max() <= 100
    assert 40 < program.cost.mean() < 61


@pytest.mark.parametrize(("size", "items", "bids"), [("small", 50, 150), ("paper", 500, 1500)])
def test_auctions_are_as_cats_draws_them(size: str, items: int, bids: int) -> None:
    program, matrix = dense("auction", size, 0)
    assert matrix.shape[1] == bids and program.maximise
    assert set(np.unique(matrix)) == {0, 1}
    assert (program.row_high == 1).all() and matrix.sum(axis=1).min() >= 1
    own = np.array([name.startswith("bidder") for name in program.row_names])
    assert 0.9 * items <= (~own).sum() <= items and own.sum() > 0
    # Whoever bids more than twice may win once only; each bid is at most on one such row.
    assert (matrix[own].sum(axis=1) >= 3).all() and (matrix[own].sum(axis=1) <= 6).all()
    assert matrix[own].sum(axis=0).max() == 1
    sizes = matrix[~own].sum(axis=0)
    assert sizes.min() >= 1 and 3 < sizes.mean() < 25
    assert (program.cost < 0).all()  # DualValues, of a minimisation.
    assert np.corrcoef(sizes, -program.cost)[0, 1] > 0.8
    if size == "paper":
        assert 740 <= len(matrix) <= 800


@pytest.mark.parametrize(("size", "customers", "facilities"), [("tiny", 4, 3), ("small", 20, 10), ("paper", 100, 50)])
def test_facility_location_is_as_cornuejols_draws_it(size: str, customers: int, facilities: int) -> None:
    program = generate("facility", size, 1)
    pairs = customers * facilities
    assert program.rows.shape == (customers + facilities + 1 + pairs, pairs + facilities)
    matrix = program.rows
    served, used = matrix[:customers].toarray(), matrix[customers : customers + facilities].toarray()
    total, opened = matrix[[customers + facilities]].toarray()[0], matrix[customers + facilities + 1 :].tocsr()
    assert (program.row_low[:customers] == 1).all() and (program.row_high[:customers] == 1).all()
    assert (served.sum(axis=0)[:pairs] == 1).all() and (served.sum(axis=1) == facilities).all()
    demand, capacity = used[0][:pairs:facilities], -used[:, pairs:].diagonal()
    assert demand.min() >= 5 and demand.max() <= 35
    assert 4.7 * demand.sum() - facilities <= capacity.sum() <= 5 * demand.sum()
    assert total[pairs:].tolist() == capacity.tolist() and total[:pairs].sum() == 0
    assert program.row_low[customers + facilities] == demand.sum()
    # x of a pair is at most y of its facility.
    for row, column in [(0, 0), (pairs - 1, facilities - 1)]:
        assert opened[[row]].toarray()[0].nonzero()[0].tolist() == [row, pairs + column]
    assert opened.sum() == 0 and (program.row_high[customers + facilities + 1 :] == 0).all()
    assert (program.cost[:pairs] <= np.repeat(demand, facilities) * 10 * np.sqrt(2)).all()


@pytest.mark.parametrize("size", ["tiny", "small", "paper"])
def test_the_cliques_of_an_independent_set_cover_exactly_the_edges_of_the_graph(size: str) -> None:
    chosen: Any = presets("independent-set")[size]
    program = chosen.program(np.random.RandomState(3))
    edges = graph(chosen.nodes, chosen.affinity, np.random.RandomState(3))
    assert len(set(edges)) == len(edges) == (chosen.nodes - chosen.affinity) * chosen.affinity
    rows = np.split(program.rows.indices, program.rows.indptr[1:-1])
    covered = [pair for row in rows for pair in combinations(sorted(row.tolist()), 2)]
    assert sorted(covered) == sorted(edges)  # Each once.
    assert program.maximise and (program.cost == -1).all() and (program.row_high == 1).all()
    degrees = np.bincount(np.array(edges).ravel(), minlength=chosen.nodes)
    assert degrees[chosen.affinity :].min() >= chosen.affinity
    assert degrees.max() > 3 * chosen.affinity or size == "tiny"  # A few hubs.
    if size == "paper":
        assert program.rows.shape[1] == 1500 and 5800 <= program.rows.shape[0] <= 5984
        assert max(len(row) for row in rows) >= 3


@pytest.mark.parametrize(("size", "agents", "jobs"), [("small", 5, 25), ("paper", 20, 100)])
def test_generalised_assignment_is_of_type_c(size: str, agents: int, jobs: int) -> None:
    program, matrix = dense("assignment", size, 2)
    assert matrix.shape == (jobs + agents, jobs * agents)
    assert (matrix[:jobs].sum(axis=1) == agents).all() and (matrix[:jobs].sum(axis=0) == 1).all()
    loads = matrix[jobs:]
    assert ((loads > 0).sum(axis=0) == 1).all()
    assert loads[loads > 0].min() >= 5 and loads.max() <= 25
    assert program.row_high[jobs:].tolist() == np.floor(0.8 * loads.sum(axis=1) / agents).tolist()
    assert program.cost.min() >= 10 and program.cost.max() <= 50 and not program.maximise


@pytest.mark.parametrize(("size", "resources", "items"), [("small", 5, 100), ("paper", 30, 500)])
def test_knapsacks_are_as_chu_and_beasley_draw_them(size: str, resources: int, items: int) -> None:
    program, matrix = dense("knapsack", size, 2)
    assert matrix.shape == (resources, items) and program.maximise
    assert matrix.min() >= 1 and matrix.max() <= 1000
    assert program.row_high.tolist() == np.floor(0.5 * matrix.sum(axis=1)).tolist()
    assert ((-program.cost - matrix.mean(axis=0)) <= 500).all() and ((-program.cost - matrix.mean(axis=0)) > -1).all()
