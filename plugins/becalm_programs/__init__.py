"""Programs as a domain of becalm: feasible solutions of integer programs, guided by their constraints."""

from becalm.hooks import CommandRef, DomainRef, hookimpl


@hookimpl
def domains() -> list[DomainRef]:
    """The domain ``programs``."""
    return [
        DomainRef(
            name="programs",
            summary="Integer programs: feasible solutions, guided by constraints and objective.",
            target="becalm_programs.domain:IntegerPrograms",
            request="becalm_programs.request:ProgramRequest",
        )
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
    ]
