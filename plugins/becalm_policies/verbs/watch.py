"""The panel ``watch``: a policy at work, the chunks that it might have planned, an obstacle in its way."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from becalm.errors import UserError
from becalm.model import shared
from becalm.plugin.report import Picture, Progress, Report, Table
from becalm_policies.control.policy import Policy, policy
from becalm_policies.environments.known import PLANES
from becalm_policies.environments.make import make
from becalm_policies.options import WatchOptions
from becalm_policies.rollouts.estimates import percentiles
from becalm_policies.rollouts.protocol import protocol_for, rules, start
from becalm_policies.views.overlay import Disc, Frame, beside, disc_of, jpeg, render, with_chunks, with_disc

_EVERY = 5
"""The figures are told anew after so many steps."""
_HINT = "there is nothing to watch"


def ground(options: WatchOptions) -> Picture:
    """The first frame of an episode, to put an obstacle on.

    Raises:
        UserError: If the policy or its environment cannot be had.
    """
    id = _environment(options.checkpoint)
    env = make(id, render=True)
    try:
        _reset(env, id, options.episode)
        text = id if id in PLANES else f"{id}: no obstacles here, its actions are no positions"
        return jpeg(render(env, _HINT), text)
    finally:
        env.close()


def watch(options: WatchOptions) -> Iterator[Report]:
    """Plays one episode, a picture a step, as fast as the environment's own clock at most.

    Raises:
        UserError: If the policy, its environment and the options do not fit together.
    """
    yield Progress(0, 1, "loading")
    id = _environment(options.checkpoint)
    domain: Any = shared(options.checkpoint).domain
    env = make(id, render=True, keys=domain.observe.keys, cameras=domain.sizes)
    try:
        disc = _obstacle(options, id, env.action_space)
        given = {name: getattr(options, name) for name in ("seed", "sampler", "steps", "execute")}
        avoid = {} if disc is None else {"avoid": disc, "avoid_scale": options.avoid_scale}
        fields = {**avoid, **{name: value for name, value in given.items() if value is not None}}
        actor = policy(shared(options.checkpoint), **fields)
        # A policy that starts without noise has but one plan; what it might have planned is what noise would give.
        noisy = policy(shared(options.checkpoint), **fields, temperature=1.0)
        yield from _play(env, id, (actor, noisy), options, disc)
    finally:
        env.close()


@dataclass
class _Score:
    """What an episode came to so far."""

    disc: Disc | None
    steps: int = 0
    total: float = 0.0
    best: float = -math.inf
    nearest: float = math.inf
    success: bool | None = None
    seconds: list[float] = field(default_factory=list)

    def add(self, action: Any, reward: float, info: Any) -> None:
        """Takes a step in."""
        self.steps += 1
        self.total += reward
        self.best = max(self.best, reward)
        if self.disc is not None:
            self.nearest = min(self.nearest, math.dist(action[:2], self.disc[:2]) / self.disc[2])
        said = info.get("is_success", info.get("success"))
        if said is not None:
            self.success = bool(self.success) or bool(said)

    def table(self) -> Table:
        """The figures."""
        last = 1000 * self.seconds[-1] if self.seconds else math.nan
        middle, late = percentiles(self.seconds) if self.seconds else (math.nan, math.nan)
        rows: list[tuple[str, Any]] = [
            ("steps", self.steps),
            ("largest reward", self.best),
            ("return", self.total),
            ("latency per chunk, ms: last", last),
            ("latency per chunk, ms: p50", middle),
            ("latency per chunk, ms: p95", late),
        ]
        if self.success is not None:
            rows.insert(1, ("success", self.success))
        if self.disc is not None:
            rows.append(("nearest action to the obstacle's middle, radii", self.nearest))
        return Table(("figure", "value"), tuple(rows))


def _play(
    env: Any, id: str, policies: tuple[Policy, Policy], options: WatchOptions, disc: Disc | None
) -> Iterator[Report]:
    actor, noisy = policies
    protocol = rules(protocol_for(id), id)
    limit = options.limit or protocol.limit or (env.spec.max_episode_steps if env.spec is not None else None) or 1000
    score = _Score(disc)
    numbers = options.episode + np.arange(options.chunks)
    pace = 1 / float(env.metadata.get("render_fps") or 30)
    seen = _reset(env, id, options.episode)
    actor.reset(numbers=numbers[:1])
    window = [seen] * actor.domain.history
    chunks = np.zeros((0, 1, actor.domain.action_size))
    for number in range(limit):
        window = [*window[1:], seen]
        if number % actor.execute == 0:
            chunk = number // actor.execute
            executed = actor.plans(window, numbers=numbers[:1], chunk=chunk)
            others = noisy.plans(window, numbers=numbers[1:], chunk=chunk) if options.chunks > 1 else executed[:0]
            chunks = np.concatenate([executed, others])[:, actor.domain.history - 1 :]
        begun = time.perf_counter()
        action = actor.act(seen)
        if number % actor.execute == 0:
            score.seconds.append(time.perf_counter() - begun)
        frame = _annotate(render(env, _HINT), id, chunks, env.action_space, disc)
        seen, reward, ended, cut, info = env.step(np.asarray(action, dtype=env.action_space.dtype))
        score.add(action, float(reward), info)
        yield Progress(number + 1, limit, f"chunk {len(score.seconds)}")
        yield jpeg(frame, f"{id}, step {number + 1}; the executed chunk strong", pace)
        if number % _EVERY == 0:
            yield score.table()
        if ended or cut:
            break
    yield jpeg(_annotate(render(env, _HINT), id, chunks[:0], env.action_space, disc), f"{id}, the end")
    yield score.table()


def _environment(checkpoint: str) -> str:
    """The environment that a policy was trained for, by its id; a file cannot have a module imported."""
    domain: Any = shared(checkpoint).domain
    if domain.name != "policies":
        raise UserError(f"{checkpoint} is a model of {domain.name}, not of policies")
    if not domain.environment:
        raise UserError(f"{checkpoint} does not say which environment it is for")
    return str(domain.environment)


def _reset(env: Any, id: str, episode: int) -> Any:
    return start(protocol_for(id), episode).reset(env)[0]


def _obstacle(options: WatchOptions, id: str, box: Any) -> Disc | None:
    if options.obstacle is None:
        return None
    if id not in PLANES:
        raise UserError(f"{id} has actions that are no positions, so nothing stands in their way: clear the obstacle")
    return disc_of(options.obstacle, box, PLANES[id])


def _annotate(frame: Frame, id: str, chunks: Any, box: Any, disc: Disc | None) -> Frame:
    if id not in PLANES:
        return beside(frame, chunks, box)
    if disc is not None:
        frame = with_disc(frame, disc, box, PLANES[id])
    return with_chunks(frame, chunks, box, PLANES[id]) if len(chunks) else frame
