"""What the starts of a search share: the program, its model, the pool so far."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch

from becalm.model import Model
from becalm_programs.denoiser.chunks import size
from becalm_programs.opening import form_of, model_of
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.standard_form import LP_VALUE, StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample
from becalm_programs.sampling.samples import Samples
from becalm_programs.sampling.tiers import make_feasible
from becalm_programs.search.feasible import FeasibleSearch
from becalm_programs.search.moves.local import local
from becalm_programs.search.rounding import rounding_search
from becalm_programs.search.solution_pool import SolutionPool
from becalm_programs.search.structure.columns import Columns
from becalm_programs.solvers.continuous import solve_continuous


class InfeasibleError(Exception):
    """It is proved that the program has no solution; the message says by what."""


class Draw(Protocol):
    """Makes solutions of an instance."""

    def __call__(self, count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        """At most ``count`` solutions (K, n), feasible or not.

        Args:
            apart: How far from what is known, 1 at first; more where solutions repeat, less where they are poor.
            seconds: Wall-clock that is left, for what takes a limit.
            random: Randomness of this turn.

        Raises:
            InfeasibleError: If it is proved that there is none.
        """
        ...


@dataclass(frozen=True, eq=False)
class Instance:
    """A program that solutions are searched for; what takes a while to prepare is prepared where it is first needed.

    Attributes:
        program: The program.
        network: Name or file of the network for it; None for none.
        reason: How it was chosen, in a sentence.
        device: Name of the device that samples are drawn on.
        request: How they are drawn.
        pool: What was found so far.
    """

    program: Program
    network: str | None
    reason: str
    device: str
    request: ProgramRequest
    pool: SolutionPool

    @cached_property
    def form(self) -> StandardForm:
        """Its standard form."""
        return form_of(self.program, "the program")

    @cached_property
    def model(self) -> Model[ProblemBatch]:
        """The network's model; that of none where there is none."""
        return model_of(self.network, self.device)

    @cached_property
    def columns(self) -> Columns:
        """The program by columns."""
        return Columns.of(self.program)

    @cached_property
    def feasible_search(self) -> FeasibleSearch:
        """Search for feasible points."""
        return FeasibleSearch(self.program)

    @cached_property
    def lp_value(self) -> Array:
        """(N,) of each entry in the linear relaxation, about, within [0, 1]."""
        return np.asarray(np.clip(self.form.features[:, LP_VALUE].double().cpu().numpy(), 0.0, 1.0))

    @cached_property
    def marginals(self) -> Array:
        """(N,) chance of each entry to be 1 by one call of the network, at pure noise."""
        asked = {"count": size(self.form), "first": 0, "steps": 1, "times": None, "extra": 0, "tier": "unguided"}
        outcome = sample(self.model, self.form, self.request.model_copy(update=asked))
        return np.asarray(outcome.marginals.mean(axis=0))

    def base(self, random: np.random.Generator) -> Array:
        """(n,) a solution of the pool, rather one of the better ones; there must be some."""
        return self.pool.member(int(len(self.pool) * random.random() ** 2))

    def decode(self, logit: Array) -> Array:
        """Solutions (K, n) of logits (K, N): rounding search, then what it leaves infeasible made feasible.

        It does not perturb: 1-opt comes after, and does more in less time.
        """
        block = BlockDiagonal.of([self.form], len(logit))
        p = rounding_search(
            block,
            torch.from_numpy(np.ascontiguousarray(logit.T)),
            self.request.search_steps,
            descend=True,
            patience=0,
        )
        return self.mend(p.T.double().numpy(), 1 / (1 + np.exp(-np.clip(logit, -30, 30))))

    def mend(self, entries: Array, marginals: Array) -> Array:
        """Solutions (K, n) of entries (K, N) as they are decoded, infeasible ones made feasible where that is quick."""
        return make_feasible(Samples(self.form, marginals, self.form.encoding.decode(entries))).x

    def polish(self, x: Array) -> Array:
        """Solutions (P, n) of x (K, n) after 1-opt, continuous variables the best for their integers."""
        return self.finish(local(self.columns, x))

    def finish(self, x: Array) -> Array:
        """Solutions (P, n) of x (K, n), continuous variables the best for their integers; left out where none fit."""
        if self.program.integer.all():
            return x
        finished = [solve_continuous(self.program, each) for each in x]
        return np.array([each for each in finished if each is not None]).reshape(-1, len(self.program.cost))


Prepare = Callable[[Instance], Draw | None]
