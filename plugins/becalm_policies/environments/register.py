"""Our own environments in gymnasium's registry."""

import gymnasium

FORK = "becalm/Fork-v0"
CLAW = "becalm/Claw-v0"


def register() -> None:
    """Makes our ids known to gymnasium; more than once does no harm."""
    if FORK not in gymnasium.registry:
        gymnasium.register(FORK, entry_point="becalm_policies.environments.fork:Fork", max_episode_steps=100)
    if CLAW not in gymnasium.registry:
        gymnasium.register(CLAW, entry_point="becalm_policies.environments.claw:Claw", max_episode_steps=1)
