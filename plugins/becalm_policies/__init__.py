"""Policies as a domain of becalm: observation-conditioned action diffusion for imitation learning."""

from typing import Any

from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl


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
            pretrained={name: f"becalm_policies:pretrained/{name}.safetensors" for name in ("pusht", "lander", "fork")},
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
            target="becalm_policies.evaluate:run",
            examples=(
                "becalm policies evaluate pusht --episodes 6 --out runs/pusht",
                "becalm policies evaluate runs/lander.safetensors --protocol gym --json",
            ),
            again="with --out, the same command with --resume goes on",
        ),
        CommandRef(
            domain="policies",
            name="record",
            summary="Record demonstrations from an environment.",
            options="becalm_policies.options:RecordOptions",
            target="becalm_policies.record:run",
            examples=(
                "becalm policies record --env LunarLander-v3 --demonstrator heuristic --episodes 50 --out lander.npz",
            ),
            again="with an .npz, the same command with --resume goes on",
        ),
        CommandRef(
            domain="policies",
            name="inspect",
            summary="Show what a file of demonstrations holds.",
            options="becalm_policies.options:InspectOptions",
            target="becalm_policies.inspect:run",
            examples=(
                "becalm policies inspect lander.npz --out inspect.png",
                "becalm policies inspect pusht --json",
            ),
        ),
        CommandRef(
            domain="policies",
            name="compare",
            summary="Train and judge diffusion and its baselines side by side on one task.",
            options="becalm_policies.options:CompareOptions",
            target="becalm_policies.compare:run",
            examples=("becalm policies compare --env becalm/Fork-v0 --demonstrations 200 --out compare.png",),
        ),
    ]


@hookimpl
def panels() -> list[CommandRef]:
    """The panels that only policies have."""
    return [
        CommandRef(
            domain="policies",
            name="watch",
            summary="Watch a policy act, with the chunks that it might have planned.",
            options="becalm_policies.options:WatchOptions",
            target="becalm_policies.page:watch",
        )
    ]


def __getattr__(name: str) -> Any:
    if name in ("load", "Policy"):
        import becalm_policies.policy

        return getattr(becalm_policies.policy, name)
    raise AttributeError(f"module 'becalm_policies' has no attribute {name!r}")
