"""Several walkers per sample, weighted and resampled: what each goes by, and how they are drawn anew."""

from becalm.sampler.particles.walkers import Particles, Population

__all__ = ["Particles", "Population"]
