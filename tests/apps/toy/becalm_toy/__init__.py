"""Points in the plane as a domain: trained in a second, with every kind of setting that a flag can stand for."""

from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl


@hookimpl
def domains() -> list[DomainRef]:
    return [
        DomainRef(
            name="toy",
            summary="Points in the plane.",
            target="becalm_toy.domain:Toy",
            request="becalm_toy.request:ToyRequest",
        )
    ]


@hookimpl
def commands() -> list[CommandRef]:
    return [
        CommandRef("toy", "count", "Count to a number.", "becalm_toy.request:CountOptions", "becalm_toy.verbs:count"),
        CommandRef("toy", "weigh", "Weigh a thing.", "becalm_toy.request:WeighOptions", "becalm_toy.verbs:weigh"),
        CommandRef("toy", "fail", "Fail in some way.", "becalm_toy.request:FailOptions", "becalm_toy.verbs:fail"),
    ]


@hookimpl
def panels() -> list[CommandRef]:
    return [
        CommandRef("toy", "blink", "Blink for a while.", "becalm_toy.request:BlinkOptions", "becalm_toy.verbs:blink"),
        CommandRef("toy", "lost", "Need what is missing.", "becalm_toy.absent:Options", "becalm_toy.verbs:blink"),
    ]
