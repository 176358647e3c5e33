"""Programs as a domain of becalm: feasible solutions of integer programs, guided by their constraints."""

from becalm.hooks import CommandRef, hookimpl


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
    ]
