"""Samples of the network, at tier 1-opt."""

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.sampling import draw_samples
from becalm_programs.opening import NO_NETWORK


def prepare(instance: Instance) -> Draw | None:
    """Fits where there is a network for the program."""
    if instance.opening.network == NO_NETWORK:
        return None
    return draw_samples(instance, instance.opening.model)
