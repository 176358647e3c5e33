"""What becomes of samples that rounding search left infeasible: they are made feasible, where search near them can,
and better as long as that is quickly done.
"""

import numpy as np

from becalm_programs.problem.program import Array
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import verify


def make_feasible(form: StandardForm, x: Array, marginals: Array) -> Array:
    """Solutions (K, n), those that were infeasible made feasible where a search near them finds how.

    Args:
        x: (K, n) samples. marginals: (K, N) likelihoods that they were made from.
    """
    wrong = np.flatnonzero(~verify(form.program, x).feasible)
    if not len(wrong):
        return x
    from becalm_programs.search.feasible import FeasibleSearch

    search, mended = FeasibleSearch(form.program), x.copy()
    for sample in wrong:
        found = search.solution(x[sample], sureness(form, marginals[sample]))
        if found is not None:
            mended[sample] = search.better(found)
    return mended


def sureness(form: StandardForm, marginals: Array) -> Array:
    """(n,) in [0, 1], how far the least sure entry of each variable is from one half."""
    sure = np.ones(len(form.program.cost))
    np.minimum.at(sure, form.encoding.owner, 2 * np.abs(marginals - 0.5))
    return sure
