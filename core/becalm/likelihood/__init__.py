"""How likely data are under a model: by the probability-flow ODE, and by the variational bound. All in nats per sample.

``grid`` is the path for it, ``data_nats`` counts the codec and the dequantisation in, and ``bits_per_dimension`` is
what papers state.
"""

from becalm.likelihood.bound import Bound, bound
from becalm.likelihood.data import bits_per_dimension, data_nats, log_det
from becalm.likelihood.dequantise import dequantise
from becalm.likelihood.grid import finest, grid
from becalm.likelihood.ode import nats

__all__ = ["Bound", "bits_per_dimension", "bound", "data_nats", "dequantise", "finest", "grid", "log_det", "nats"]
