"""Samples of the network, at tier 1-opt."""

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.sampling import draw_samples


def prepare(instance: Instance) -> Draw | None:
    """Fits where there is a network for the program."""
    return None if instance.network is None else draw_samples(instance, instance.model)
