"""Samples by guidance without a network, at tier 1-opt."""

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.anytime.sampling import draw_samples
from becalm_programs.opening import model_of


def prepare(instance: Instance) -> Draw:
    """Fits every program."""
    return draw_samples(instance, model_of(None, instance.device))
