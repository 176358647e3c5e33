"""Policies as a domain of becalm: observation-conditioned action diffusion for imitation learning."""

from typing import Any

from becalm.plugin.hooks import CommandRef, DomainRef, KindRef, hookimpl

MOVED = {
    "becalm_policies.acting": "becalm_policies.control.execution",
    "becalm_policies.architecture": "becalm_policies.networks.architecture",
    "becalm_policies.choose": "becalm_policies.control.candidates",
    "becalm_policies.compare": "becalm_policies.verbs.baselines",
    "becalm_policies.condition": "becalm_policies.networks.condition",
    "becalm_policies.data": "becalm_policies.formats.source",
    "becalm_policies.demonstrators": "becalm_policies.demonstrations.demonstrators",
    "becalm_policies.draws": "becalm_policies.control.chunk_noise",
    "becalm_policies.episodes": "becalm_policies.demonstrations.episodes",
    "becalm_policies.evaluate": "becalm_policies.verbs.evaluate",
    "becalm_policies.fan": "becalm_policies.views.chunk_plot",
    "becalm_policies.inspect": "becalm_policies.verbs.inspect",
    "becalm_policies.journal": "becalm_policies.rollouts.journal",
    "becalm_policies.judge": "becalm_policies.rollouts.estimates",
    "becalm_policies.latency": "becalm_policies.control.latency",
    "becalm_policies.mlp": "becalm_policies.networks.mlp",
    "becalm_policies.observe": "becalm_policies.demonstrations.observe",
    "becalm_policies.overlay": "becalm_policies.views.overlay",
    "becalm_policies.page": "becalm_policies.verbs.watch",
    "becalm_policies.picture": "becalm_policies.views.demonstration_plot",
    "becalm_policies.planner": "becalm_policies.control.planner",
    "becalm_policies.plot": "becalm_policies.views.score_plot",
    "becalm_policies.policy": "becalm_policies.control.policy",
    "becalm_policies.prepare": "becalm_policies.demonstrations.prepare",
    "becalm_policies.protocol": "becalm_policies.rollouts.protocol",
    "becalm_policies.record": "becalm_policies.verbs.record",
    "becalm_policies.rollout": "becalm_policies.rollouts.rollout",
    "becalm_policies.scatter": "becalm_policies.views.action_plot",
    "becalm_policies.sieve": "becalm_policies.networks.sieve",
    "becalm_policies.statistics": "becalm_policies.demonstrations.statistics",
    "becalm_policies.transformer": "becalm_policies.networks.transformer",
    "becalm_policies.unet1d": "becalm_policies.networks.unet1d",
    "becalm_policies.video": "becalm_policies.views.animation",
    "becalm_policies.windows": "becalm_policies.demonstrations.windows",
}
"""Modules that had another name in 0.1, see ``becalm.plugin.moved``."""


PRETRAINED = ("pusht", "pusht-1", "pusht-pixels", "lander", "fork")


@hookimpl
def domains() -> list[DomainRef]:
    """The domain ``policies`` and its pretrained checkpoints."""
    return [
        DomainRef(
            name="policies",
            summary="Robot policies: chunks of actions for an observation, learned from demonstrations.",
            target="becalm_policies.domain:Policies",
            request="becalm_policies.request:PolicyRequest",
            needs="becalm_policies.needs:needs",
            pretrained={name: f"becalm_policies:pretrained/{name}.safetensors" for name in PRETRAINED},
            default="pusht",
        )
    ]


@hookimpl
def commands() -> list[CommandRef]:
    """The verbs that only policies have."""
    return [
        CommandRef(
            domain="policies",
            name="evaluate",
            summary="Judge a policy by its rollouts in an environment.",
            options="becalm_policies.options:EvaluateOptions",
            target="becalm_policies.verbs.evaluate:run",
            examples=(
                "becalm policies evaluate pusht --episodes 6 --out runs/pusht",
                "becalm policies evaluate runs/lander.safetensors --protocol gym --json",
            ),
            again="with --out, the same command with --resume goes on",
        ),
        CommandRef(
            domain="policies",
            name="forecast",
            summary="Learn to foretell observations, to plan from where a delay will have led.",
            options="becalm_policies.options:ForecastOptions",
            target="becalm_policies.verbs.forecast:run",
            examples=(
                "becalm policies forecast pusht --out runs/pusht-forecast.safetensors",
                "becalm policies forecast runs/mine.safetensors --data mine.npz --out runs/ahead.safetensors",
            ),
        ),
        CommandRef(
            domain="policies",
            name="record",
            summary="Record demonstrations from an environment.",
            options="becalm_policies.options:RecordOptions",
            target="becalm_policies.verbs.record:run",
            examples=(
                "becalm policies record --env LunarLander-v3 --demonstrator heuristic --episodes 50 --out lander.npz",
            ),
            again="with an .npz, the same command with --resume goes on",
        ),
        CommandRef(
            domain="policies",
            name="store",
            summary="Write demonstrations of any format, pictures included, as a store to train from.",
            options="becalm_policies.options:StoreOptions",
            target="becalm_policies.verbs.store:run",
            examples=("becalm policies store pusht_cchi_v7_replay.zarr --out pixels.npz",),
        ),
        CommandRef(
            domain="policies",
            name="render",
            summary="Draw the pictures of Push-T's demonstrations, to train a policy that sees.",
            options="becalm_policies.options:RenderOptions",
            target="becalm_policies.verbs.render:run",
            examples=("becalm policies render pusht --prepare pusht_align,pusht_mirror --out pixels.npz",),
        ),
        CommandRef(
            domain="policies",
            name="inspect",
            summary="Show what a file of demonstrations holds.",
            options="becalm_policies.options:InspectOptions",
            target="becalm_policies.verbs.inspect:run",
            examples=(
                "becalm policies inspect lander.npz --out inspect.png",
                "becalm policies inspect pusht --json",
            ),
        ),
        CommandRef(
            domain="policies",
            name="compare",
            summary="Say whether one policy is better than another, on the same starts.",
            options="becalm_policies.options:CompareOptions",
            target="becalm_policies.verbs.compare:run",
            examples=(
                "becalm policies compare pusht pusht:steps=1 --episodes 100",
                "becalm policies compare fork runs/mine.safetensors --out runs/compared --json",
            ),
            again="with --out, the same command with --resume goes on",
        ),
        CommandRef(
            domain="policies",
            name="from-lerobot",
            summary="Make a checkpoint of a LeRobot DiffusionPolicy.",
            options="becalm_policies.options:FromLeRobotOptions",
            target="becalm_policies.verbs.from_lerobot:run",
            examples=("becalm policies from-lerobot outputs/pretrained_model --out runs/lerobot.safetensors",),
        ),
        CommandRef(
            domain="policies",
            name="import-config",
            summary="Make a recipe of a configuration of LeRobot or Diffusion Policy.",
            options="becalm_policies.options:ImportConfigOptions",
            target="becalm_policies.verbs.import_config:run",
            examples=("becalm policies import-config train_config.json --out recipe.toml",),
        ),
        CommandRef(
            domain="policies",
            name="baselines",
            summary="Train and judge diffusion and its baselines side by side on one task.",
            options="becalm_policies.options:BaselinesOptions",
            target="becalm_policies.verbs.baselines:run",
            examples=("becalm policies baselines --env becalm/Fork-v0 --demonstrations 200 --out compare.png",),
        ),
    ]


@hookimpl
def kinds() -> list[KindRef]:
    """The objective that only policies have."""
    return [KindRef(room="objective", name="prefix", target="becalm_policies.prefix:Prefixed")]


@hookimpl
def panels() -> list[CommandRef]:
    """The panels that only policies have."""
    return [
        CommandRef(
            domain="policies",
            name="watch",
            summary="Watch a policy act, with the chunks that it might have planned.",
            options="becalm_policies.options:WatchOptions",
            target="becalm_policies.verbs.watch:watch",
        )
    ]


def __getattr__(name: str) -> Any:
    if name in ("load", "Policy"):
        import becalm_policies.control.policy

        return getattr(becalm_policies.control.policy, name)
    raise AttributeError(f"module 'becalm_policies' has no attribute {name!r}")
