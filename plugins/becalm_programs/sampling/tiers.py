"""From likelihoods of entries to solutions, by tier: each does what those before it do, and one thing more.

    unguided, guided   each entry goes to the nearer of 0 and 1; of a set with a single 1, the likeliest is it
    projection         entries of an infeasible sample first walk down the violation, clipped to [0, 1]
    1-opt              moves of one variable, with those that hang on it, that better the objective and break no row
    repair             flips until rows hold; then 1-opt again
    completion         a solver finds the least sure variables of what is still infeasible, and continuous ones by an LP

No tier makes a feasible sample infeasible, nor its objective worse; a sample is looked at for itself alone. Below
completion, continuous variables are what the entries say, so programs that tie them by equations rarely come out
feasible there.
"""

import time

import numpy as np
import torch
from torch import Tensor

from becalm_programs.problem.block import HELD, BlockDiagonal
from becalm_programs.problem.program import Array, Program, objective
from becalm_programs.problem.rounding import round_entries
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import verify
from becalm_programs.search.moves.local import local
from becalm_programs.search.moves.repair import repair
from becalm_programs.search.structure.columns import Columns
from becalm_programs.tier import Tier, includes

_STEPS = 100
_WALK = 0.1
"""Largest move of an entry in one step of the projection."""
_SURE = (0.9, 0.7, 0.4)
"""Shares of the variables that a solver is not to touch, tried in turn."""


def finish(form: StandardForm, marginals: Array, tier: Tier, *, seconds: float = 10.0, flips: int = 2000) -> Array:
    """Solutions (K, n); whether they are feasible is for ``verify`` to say.

    Args:
        form: The program.
        marginals: (K, N) likelihoods in [0, 1] that each entry is 1; of continuous ones, their values.
        seconds: Wall-clock that solvers may take for completion, shared evenly among what needs them.
        flips: Most that repair makes on a sample.

    Raises:
        ValueError: If marginals have another shape.
        UserError: If completion is asked for and no solver is installed.
    """
    if marginals.ndim != 2 or marginals.shape[1] != form.encoding.size:
        raise ValueError(f"marginals must have shape (K, {form.encoding.size}), got {marginals.shape}")
    program = form.program
    block = BlockDiagonal.of([form], len(marginals))
    p = torch.from_numpy(np.ascontiguousarray(marginals.T, np.float32)).to(block.cost.device)
    x = _decode(form, block, p)
    if includes(tier, "projection"):
        x = _better(program, x, _decode(form, block, _project(block, p)))
    if not includes(tier, "1-opt"):
        return x
    columns = Columns.of(program)
    x = local(columns, x)
    if includes(tier, "repair"):
        x = local(columns, repair(columns, x, steps=flips))
    if includes(tier, "completion"):
        x = _complete(form, x, marginals, seconds)
    return x


def _decode(form: StandardForm, block: BlockDiagonal, p: Tensor) -> Array:
    """Entries (N, K) as solutions (K, n)."""
    return form.encoding.decode(round_entries(block, p).T.double().cpu().numpy())


def _project(block: BlockDiagonal, p: Tensor) -> Tensor:
    """Entries (N, K) moved down the violation of what they are rounded to, until it holds.

    The violation of the entries themselves would end at the edge of the relaxation, where rounding breaks rows again.
    """
    p = p.clamp(0, 1)
    for _ in range(_STEPS):
        over = block.violation(block.down(round_entries(block, p)))
        live = over.abs().amax(0) > HELD if len(over) else over.new_zeros(p.shape[1], dtype=torch.bool)
        if not bool(live.any()):
            break
        slope = block.up(over)
        step = slope / slope.abs().amax(0).clamp(min=1e-12)
        p = (p - _WALK * live * step).clamp(0, 1)
    return p


def _better(program: Program, before: Array, after: Array) -> Array:
    """Samples (K, n): after, where before is infeasible and after is not, or is less so."""
    old, new = verify(program, before), verify(program, after)
    taken = ~old.feasible & (new.feasible | (new.max_violation < old.max_violation))
    return np.where(taken[:, None], after, before)


def _complete(form: StandardForm, x: Array, marginals: Array, seconds: float) -> Array:
    """Solutions (K, n) with continuous variables as they should be, and what is infeasible given to a solver."""
    program, completed = form.program, x.copy()
    deadline = time.perf_counter() + seconds
    if not program.integer.all():
        completed = np.stack([_finish_continuous(program, each, deadline) for each in completed])
    wrong = np.flatnonzero(~verify(program, completed).feasible)
    for done, sample in enumerate(wrong):
        share = (deadline - time.perf_counter()) / (len(wrong) - done)
        completed[sample] = _hand_over(form, completed[sample], marginals[sample], share)
    return completed


def _finish_continuous(program: Program, x: Array, deadline: float) -> Array:
    """x (n,) with the best continuous variables for its integers; as it was where there are none, or no better."""
    from becalm_programs.solvers.continuous import solve_continuous

    left = deadline - time.perf_counter()
    finished = solve_continuous(program, x, left) if left > 0 else None
    if finished is None:
        return x
    if not verify(program, x[None]).feasible[0]:
        return finished
    value = objective(program, np.stack([x, finished])) * (-1.0 if program.maximise else 1.0)
    return finished if value[1] < value[0] else x


def _hand_over(form: StandardForm, x: Array, marginals: Array, seconds: float) -> Array:
    """x (n,) as a solver completes it, from its surest variables on; as it was if none finds anything in time."""
    from becalm_programs.solvers.complete import complete

    deadline = time.perf_counter() + seconds
    sure = _sureness(form, marginals)
    order = np.argsort(-sure, kind="stable")
    for tried, share in enumerate(_SURE):
        left = (deadline - time.perf_counter()) / (len(_SURE) + 1 - tried)
        if left <= 0:
            return x
        fixed = np.zeros(len(x), dtype=bool)
        fixed[order[: int(share * len(x))]] = True
        result = complete(form.program, x, fixed & form.program.integer, seconds=left)
        if result.x is not None:
            return result.x
    return _suggest(form.program, x, order, deadline - time.perf_counter())


def _suggest(program: Program, x: Array, order: np.ndarray, seconds: float) -> Array:
    """The whole program to a solver, with the surer half of the integers as a start that it may leave: SCIP completes
    it where it is installed, else HiGHS.
    """
    from becalm_programs.solvers import solve
    from becalm_programs.solvers.registry import installed

    if seconds <= 0:
        return x
    start = np.full(len(x), np.nan)
    kept = order[: len(x) // 2]
    kept = kept[program.integer[kept]]
    start[kept] = x[kept]
    finished = solve(program, "scip" if installed("scip") else "highs", seconds=seconds, start=start).x
    return x if finished is None else finished


def _sureness(form: StandardForm, marginals: Array) -> Array:
    """(n,) how far the least sure entry of each variable is from one half."""
    completed = np.full(len(form.program.cost), np.inf)
    np.minimum.at(completed, form.encoding.owner, np.abs(marginals - 0.5))
    return completed
