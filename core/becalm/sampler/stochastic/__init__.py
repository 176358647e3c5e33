"""Samplers of stochastic equations: Langevin dynamics, the reverse SDE, and a sampler that another one corrects."""
