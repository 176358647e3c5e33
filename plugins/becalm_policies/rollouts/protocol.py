"""From which starts a policy is judged, and for how many steps: three conventions of the field.

chi     Push-T as in Chi et al. 2023: start i is sampled from RandomState(100000 + i); 50 episodes of 300 steps
lerobot Push-T as in LeRobot: ``env.reset(seed=100000 + i)``; 500 episodes of 300 steps
gym     any environment: ``env.reset(seed=seed + i)``, the environment's own time limit; 100 episodes
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from becalm.errors import UserError, unknown
from becalm_policies.environments.known import PUSHT
from becalm_policies.environments.pusht import start_state

Name = Literal["chi", "lerobot", "gym"]
_FIRST = 100_000


@dataclass(frozen=True, slots=True)
class Start:
    """How one episode begins: ``env.reset(seed=seed, options=options)``."""

    episode: int
    seed: int
    options: Mapping[str, Any] | None = None

    def reset(self, env: Any) -> tuple[Any, dict[str, Any]]:
        """Begins the episode: the first observation, and what ``env.reset`` says beside it."""
        observation, info = env.reset(seed=self.seed, options=None if self.options is None else dict(self.options))
        return observation, info


@dataclass(frozen=True, slots=True)
class Rules:
    """A protocol's numbers.

    Attributes:
        episodes: The usual number of episodes.
        limit: Steps of an episode; None for the environment's own.
        only: The environment that it is for, or None.
    """

    episodes: int
    limit: int | None = None
    only: str | None = None


PROTOCOLS: Mapping[str, Rules] = {
    "chi": Rules(50, 300, PUSHT),
    "lerobot": Rules(500, 300, PUSHT),
    "gym": Rules(100),
}


def protocol_for(environment: str) -> Name:
    """The protocol by which an environment is judged unless another is named."""
    return "chi" if environment == PUSHT else "gym"


def rules(name: str, environment: str) -> Rules:
    """The rules of a protocol.

    Raises:
        UserError: If there is none of that name, or it is for another environment.
    """
    if name not in PROTOCOLS:
        raise unknown("protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    if protocol.only not in (None, environment):
        raise UserError(f"protocol {name} is for {protocol.only}, got environment {environment}: use protocol gym")
    return protocol


def start(name: str, episode: int, seed: int = 0) -> Start:
    """Start number ``episode`` of a protocol; ``seed`` counts only for gym."""
    if name == "gym":
        return Start(episode, seed + episode)
    if name == "lerobot":
        return Start(episode, _FIRST + episode)
    return Start(episode, _FIRST + episode, {"reset_to_state": start_state(_FIRST + episode)})
