"""Programs as a domain of becalm: feasible solutions of integer programs, guided by their constraints."""

from becalm.hooks import CommandRef, DomainRef, hookimpl

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
            target="becalm_programs.generate:run",
        ),
        CommandRef(
            domain="programs",
            name="label",
            summary="Search good and diverse solutions of the programs in a folder, to train on.",
            options="becalm_programs.options:LabelOptions",
            target="becalm_programs.labels:run",
        ),
        CommandRef(
            domain="programs",
            name="embed",
            summary="Train the encoders that the latent route builds on.",
            options="becalm_programs.latent.options:EmbedOptions",
            target="becalm_programs.latent.train:run",
        ),
        CommandRef(
            domain="programs",
            name="evaluate",
            summary="Judge sampling against greedy, rounding and solvers on unseen instances.",
            options="becalm_programs.options:EvaluateOptions",
            target="becalm_programs.evaluate:run",
        ),
        CommandRef(
            domain="programs",
            name="sample",
            summary="Sample solutions of a program, judged on its original rows.",
            options="becalm_programs.options:SampleOptions",
            target="becalm_programs.sample:run",
        ),
        CommandRef(
            domain="programs",
            name="solve",
            summary="Solve a program, and see what a sample as warm start buys.",
            options="becalm_programs.options:SolveOptions",
            target="becalm_programs.solve:run",
        ),
    ]
