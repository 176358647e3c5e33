"""From likelihoods of entries to solutions, by tier: each does what those before it do, and one thing more.

    unguided     each entry goes to the nearer of 0 and 1; of a set with a single 1, the likeliest is it
    guided       an infeasible sample is made feasible by search near it, continuous variables by a linear program
    projection   entries of one that is still infeasible walk down the violation, clipped to [0, 1], and are rounded
    1-opt        moves of one variable, with those that hang on it, that better the objective and break no row
    repair       flips until rows hold; then 1-opt again
    completion   a solver finds the least sure variables of what is still infeasible, and continuous ones by an LP

No tier makes a feasible sample infeasible, nor its objective worse; a sample is looked at for itself alone.
"""

import numpy as np
import torch
from torch import Tensor

from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.program import Array
from becalm_programs.problem.rounding import round_entries
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.sampling.completion import complete_samples
from becalm_programs.sampling.projection import project_entries
from becalm_programs.sampling.samples import Samples
from becalm_programs.search.moves.local import local
from becalm_programs.search.moves.repair import repair
from becalm_programs.search.structure.columns import Columns
from becalm_programs.tier import Tier, includes


def finish(form: StandardForm, marginals: Array, tier: Tier, *, seconds: float = 10.0, flips: int = 2000) -> Array:
    """Solutions (K, n) at a tier, as ``carry_out`` makes them."""
    return carry_out(form, marginals, tier, seconds=seconds, flips=flips).x


def carry_out(form: StandardForm, marginals: Array, tier: Tier, *, seconds: float = 10.0, flips: int = 2000) -> Samples:
    """Does to samples what a tier does.

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
    block = BlockDiagonal.of([form], len(marginals))
    p = torch.from_numpy(np.ascontiguousarray(marginals.T, np.float32)).to(block.cost.device)
    samples = Samples(form, marginals, _decode(form, block, p))
    if includes(tier, "guided"):
        samples = make_feasible(samples)
    if includes(tier, "projection") and len(samples.wrong):
        samples = _nearer(samples, samples.become(_decode(form, block, project_entries(block, p))))
    if not includes(tier, "1-opt"):
        return samples
    columns = Columns.of(form.program)
    samples = samples.become(local(columns, samples.x))
    if includes(tier, "repair"):
        x, wrong = samples.x.copy(), samples.wrong
        x[wrong] = repair(columns, x[wrong], steps=flips)
        samples = samples.become(local(columns, x))
    if includes(tier, "completion"):
        samples = complete_samples(samples, seconds)
    return samples


def make_feasible(samples: Samples) -> Samples:
    """The samples, those that are infeasible made feasible where a search near them finds how, and better as long as
    that is quickly done.
    """
    if not len(samples.wrong):
        return samples
    from becalm_programs.search.feasible import FeasibleSearch

    search, x = FeasibleSearch(samples.form.program), samples.x.copy()
    for sample in samples.wrong:
        found = search.solution(x[sample], samples.sureness(sample))
        if found is not None:
            x[sample] = search.better(found)
    return samples.become(x)


def _decode(form: StandardForm, block: BlockDiagonal, p: Tensor) -> Array:
    """Entries (N, K) as solutions (K, n)."""
    return form.encoding.decode(round_entries(block, p).T.double().cpu().numpy())


def _nearer(before: Samples, after: Samples) -> Samples:
    """After, where before is infeasible and after is not, or is less so."""
    old, new = before.verdict, after.verdict
    taken = ~old.feasible & (new.feasible | (new.max_violation < old.max_violation))
    return before.become(np.where(taken[:, None], after.x, before.x))
