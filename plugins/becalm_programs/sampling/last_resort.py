"""What becomes of samples that rounding search left infeasible: they are made feasible, where search near them can,
and better as long as that is quickly done.
"""

from becalm_programs.sampling.samples import Samples


def make_feasible(samples: Samples) -> Samples:
    """The samples, those that are infeasible made feasible where a search near them finds how."""
    if not len(samples.wrong):
        return samples
    from becalm_programs.search.feasible import FeasibleSearch

    search, x = FeasibleSearch(samples.form.program), samples.x.copy()
    for sample in samples.wrong:
        found = search.solution(x[sample], samples.sureness(sample))
        if found is not None:
            x[sample] = search.better(found)
    return samples.become(x)
