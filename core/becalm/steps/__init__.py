"""Steps that fit themselves: which few levels a sampler should visit, from a teacher's paths alone.

Needs no data and no training: a walk in many steps, stored, and minutes of one core.
"""

from becalm.steps.choose import choose
from becalm.steps.fit import Fit, fit
from becalm.steps.local import Walked, local_errors
from becalm.steps.model import fit_steps

__all__ = ["Fit", "Walked", "choose", "fit", "fit_steps", "local_errors"]
