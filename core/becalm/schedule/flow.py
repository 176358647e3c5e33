"""The straight line of flow matching (Lipman et al. 2023; Liu et al. 2023)."""

from typing import Literal

from torch import Tensor

from becalm.level import NoiseLevel
from becalm.schedule.kind import Schedule, double


class Flow(Schedule):
    """The straight line of flow matching: alpha = 1 - t, sigma = t (Lipman et al. 2023; Liu et al. 2023)."""

    kind: Literal["flow"] = "flow"

    def __call__(self, t: Tensor) -> NoiseLevel:
        t = double(t)
        return NoiseLevel(t, 1 - t, t)
