"""What was done to make a solution, by name. Imports no torch.

Each tier does what those before it do, and one thing more; figures of different tiers are never mixed.
"""

from typing import Literal, get_args

Tier = Literal["unguided", "guided", "projection", "1-opt", "repair", "completion"]
TIERS: tuple[Tier, ...] = get_args(Tier)
"""From the least that is done to the most."""


def includes(tier: Tier, step: Tier) -> bool:
    """Whether a tier does what ``step`` is named after."""
    return TIERS.index(tier) >= TIERS.index(step)
