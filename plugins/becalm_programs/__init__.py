"""Programs as a domain of becalm: feasible solutions of integer programs, guided by their constraints."""

from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl

MOVED = {
    "becalm_programs.baselines": "becalm_programs.evaluation.baselines",
    "becalm_programs.bits": "becalm_programs.problem.encoding",
    "becalm_programs.bounds": "becalm_programs.problem.bounds",
    "becalm_programs.chart": "becalm_programs.evaluation.chart",
    "becalm_programs.choose": "becalm_programs.sampling.choose",
    "becalm_programs.chunks": "becalm_programs.denoiser.chunks",
    "becalm_programs.condition": "becalm_programs.problem.batch",
    "becalm_programs.curves": "becalm_programs.views.curves",
    "becalm_programs.energies": "becalm_programs.guidance.energies",
    "becalm_programs.evaluate": "becalm_programs.verbs.evaluate",
    "becalm_programs.examples": "becalm_programs.training.examples",
    "becalm_programs.generate": "becalm_programs.training.generate",
    "becalm_programs.journal": "becalm_programs.evaluation.journal",
    "becalm_programs.judge": "becalm_programs.evaluation.judge",
    "becalm_programs.labels": "becalm_programs.training.label",
    "becalm_programs.methods": "becalm_programs.evaluation.methods",
    "becalm_programs.network": "becalm_programs.denoiser.network",
    "becalm_programs.page": "becalm_programs.verbs.panel",
    "becalm_programs.picture": "becalm_programs.views.picture",
    "becalm_programs.prepared": "becalm_programs.training.prepare",
    "becalm_programs.prices": "becalm_programs.problem.dual_values",
    "becalm_programs.program": "becalm_programs.problem.program",
    "becalm_programs.race": "becalm_programs.views.race",
    "becalm_programs.relation": "becalm_programs.problem.standard_form",
    "becalm_programs.sample": "becalm_programs.verbs.sample",
    "becalm_programs.search.columns": "becalm_programs.search.structure.columns",
    "becalm_programs.search.covering": "becalm_programs.search.structure.covering",
    "becalm_programs.search.exchange": "becalm_programs.search.moves.exchange",
    "becalm_programs.search.facility": "becalm_programs.search.structure.facility",
    "becalm_programs.search.flips": "becalm_programs.search.moves.flips",
    "becalm_programs.search.insertion": "becalm_programs.search.moves.insertion",
    "becalm_programs.search.lns": "becalm_programs.search.large.lns",
    "becalm_programs.search.local": "becalm_programs.search.moves.local",
    "becalm_programs.search.neighbourhood": "becalm_programs.search.large.neighbourhood",
    "becalm_programs.search.oneopt": "becalm_programs.search.moves.oneopt",
    "becalm_programs.search.onesided": "becalm_programs.search.structure.onesided",
    "becalm_programs.search.packing": "becalm_programs.search.structure.packing",
    "becalm_programs.search.pool": "becalm_programs.search.large.pool",
    "becalm_programs.search.removal": "becalm_programs.search.moves.removal",
    "becalm_programs.search.repair": "becalm_programs.search.moves.repair",
    "becalm_programs.search.round": "becalm_programs.search.lp_rounding",
    "becalm_programs.settle": "becalm_programs.search.rounding",
    "becalm_programs.solve": "becalm_programs.verbs.solve",
    "becalm_programs.solvers.run": "becalm_programs.solvers.result",
    "becalm_programs.steer": "becalm_programs.guidance.constraint",
    "becalm_programs.tables": "becalm_programs.evaluation.tables",
    "becalm_programs.task": "becalm_programs.evaluation.task",
    "becalm_programs.tiers": "becalm_programs.sampling.tiers",
    "becalm_programs.uniform": "becalm_programs.opening",
    "becalm_programs.verify": "becalm_programs.problem.verify",
    "becalm_programs.workforce": "becalm_programs.training.workforce",
}
"""Modules under the names of becalm_programs 0.1, see ``becalm.plugin.moved``."""
_PRETRAINED = ("set-cover", "auction", "facility", "independent-set")


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
