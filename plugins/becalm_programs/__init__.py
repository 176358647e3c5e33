"""Programs as a domain of becalm: feasible solutions of integer programs, guided by their constraints.

pool = becalm_programs.pool(problem, 100, within=0.01, seconds=10)
"""

from typing import TYPE_CHECKING, Any

from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl
from becalm_programs.moved import MOVED as MOVED

if TYPE_CHECKING:
    from becalm_programs.solutions import pool as pool

_PRETRAINED = ("set-cover", "auction", "facility", "independent-set")


def __getattr__(name: str) -> Any:
    # Hooks are asked for help texts, which must not wait for torch.
    if name == "pool":
        from becalm_programs.solutions import pool

        return pool
    raise AttributeError(f"module 'becalm_programs' has no attribute {name!r}")


@hookimpl
def domains() -> list[DomainRef]:
    """The domain ``programs``, and its latent route."""
    return [
        DomainRef(
            name="programs",
            summary="Integer programs: feasible solutions, guided by constraints and objective.",
            target="becalm_programs.domain:IntegerPrograms",
            request="becalm_programs.request:ProgramRequest",
            needs="becalm_programs.needs:needs",
            pretrained={name: f"becalm_programs:pretrained/{name}.safetensors" for name in _PRETRAINED},
        ),
        DomainRef(
            name="programs-latent",
            summary="The same by diffusion over embeddings of solutions, to compare.",
            target="becalm_programs.latent.domain:LatentPrograms",
            request="becalm_programs.latent.request:LatentRequest",
        ),
    ]


@hookimpl
def commands() -> list[CommandRef]:
    """The verbs that only programs have."""
    return [
        CommandRef(
            domain="programs",
            name="generate",
            summary="Write random instances of a family of programs as MPS files.",
            options="becalm_programs.options:GenerateOptions",
            target="becalm_programs.training.generate:run",
            examples=("becalm programs generate --family set-cover --size paper --count 10 --out covers",),
            again="the same command goes on",
        ),
        CommandRef(
            domain="programs",
            name="label",
            summary="Search good and diverse solutions of the programs in a folder, to train on.",
            options="becalm_programs.options:LabelOptions",
            target="becalm_programs.training.label:run",
            examples=(
                "becalm programs label covers --seconds 8",
                "becalm programs label covers --cluster tcp://HOST:8786",
            ),
            again="the same command goes on",
        ),
        CommandRef(
            domain="programs",
            name="embed",
            summary="Train the encoders that the latent route builds on.",
            options="becalm_programs.latent.options:EmbedOptions",
            target="becalm_programs.latent.train:run",
            examples=("becalm programs embed --data covers --steps 300 --out runs/embedding.safetensors",),
        ),
        CommandRef(
            domain="programs-latent",
            name="classifier",
            summary="Train a classifier of violations that guides on the latent route.",
            options="becalm_programs.latent.options:ClassifierOptions",
            target="becalm_programs.latent.classifier:run",
            examples=(
                "becalm programs-latent classifier --checkpoint runs/latent.safetensors --data covers --holdout 16",
            ),
        ),
        CommandRef(
            domain="programs",
            name="evaluate",
            summary="Judge sampling against greedy, rounding and solvers on unseen instances.",
            options="becalm_programs.options:EvaluateOptions",
            target="becalm_programs.verbs.evaluate:run",
            examples=(
                "becalm programs evaluate --family set-cover --count 5 --seconds 20 --out runs/covers",
                "becalm programs evaluate --folder unseen --checkpoint runs/covers.safetensors --json",
            ),
            again="with --out, the same command goes on",
        ),
        CommandRef(
            domain="programs",
            name="sample",
            summary="Sample solutions of a program, judged on its original rows.",
            options="becalm_programs.options:SampleOptions",
            target="becalm_programs.verbs.sample:run",
            examples=(
                "becalm programs sample model.mps --count 30 --picture solutions.png",
                "becalm programs sample model.mps --tier 1-opt --out start.sol",
                "becalm programs sample model.mps --checkpoint none --json",
                "becalm programs sample model.mps --seconds 10 --distinct 100 --within 1% --out pool.npz",
            ),
        ),
        CommandRef(
            domain="programs",
            name="solve",
            summary="Solve a program, and see what a sample as warm start buys.",
            options="becalm_programs.options:SolveOptions",
            target="becalm_programs.verbs.solve:run",
            examples=("becalm programs solve model.mps --warm-start --solver highs --seconds 30 --picture race.png",),
        ),
        CommandRef(
            domain="programs",
            name="worth",
            summary="What a network buys over sampling without one, in the same time.",
            options="becalm_programs.options:WorthOptions",
            target="becalm_programs.verbs.worth:run",
            examples=(
                "becalm programs worth independent-set",
                "becalm programs worth runs/mine.safetensors --folder unseen --write",
            ),
        ),
    ]


@hookimpl
def panels() -> list[CommandRef]:
    """The panels that only programs have."""
    return [
        CommandRef(
            domain="programs",
            name="sample",
            summary="Sample solutions of a program, and watch violation and objective fall along the path.",
            options="becalm_programs.options:PageOptions",
            target="becalm_programs.verbs.panel:sample",
        )
    ]
