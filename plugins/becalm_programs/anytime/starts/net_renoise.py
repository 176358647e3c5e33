"""Solutions of the pool, a part of them drawn anew by the network's marginals: a learned large-neighbourhood move."""

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.starts.renoise import draw_anew


def prepare(instance: Instance) -> Draw | None:
    """Fits where there is a network for the program, as soon as there is a solution."""
    return None if instance.network is None else draw_anew(instance, instance.marginals)
