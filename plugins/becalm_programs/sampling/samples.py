"""Samples on their way to solutions: they carry their verdict, so whoever works on them next need not judge anew."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from becalm_programs.problem.arrays import Indices
from becalm_programs.problem.program import Array
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import Verdict, verify


@dataclass(frozen=True, eq=False)
class Samples:
    """What is known of K samples of a program.

    Attributes:
        form: The program.
        marginals: (K, N) likelihoods that they were made from.
        x: (K, n) what they have become.
        infeasible: By what it is proved that the program has no solution; empty where it is not.
    """

    form: StandardForm
    marginals: Array
    x: Array
    infeasible: str = ""

    @cached_property
    def verdict(self) -> Verdict:
        """Of each, on the original rows."""
        return verify(self.form.program, self.x)

    @property
    def wrong(self) -> Indices:
        """Those that are infeasible."""
        return np.flatnonzero(~self.verdict.feasible)

    def become(self, x: Array, infeasible: str = "") -> "Samples":
        """The samples as something made them."""
        return replace(self, x=x, infeasible=infeasible)

    def sureness(self, sample: int) -> Array:
        """(n,) in [0, 1], how far the least sure entry of each variable of a sample is from one half."""
        sure = np.ones(len(self.form.program.cost))
        np.minimum.at(sure, self.form.encoding.owner, 2 * np.abs(self.marginals[sample] - 0.5))
        return sure
