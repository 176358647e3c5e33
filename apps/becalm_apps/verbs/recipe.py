"""A record as what makes the result: a command line, and a few lines of Python."""

import shlex

from becalm.errors import unknown
from becalm.plugin import paths
from becalm.plugin.find import domain_ref, installed
from becalm.plugin.hooks import CommandRef
from becalm.provenance import Record
from becalm_apps.verbs import sample
from becalm_apps.verbs.domain import plugin_verb
from becalm_apps.verbs.spell import differing, spell


def command_line(made: Record, file: str) -> str | None:
    """The command that makes a result; None for a panel of the studio, which is no command.

    Args:
        file: What the result is called.
    """
    if made.panel:
        return None
    entry = verb_of(made)
    name = None if made.checkpoint is None else made.checkpoint.name
    inputs = {option: source.name for option, source in made.inputs.items()}
    if entry is None:
        form = sample.verb(domain_ref(made.domain)).form
        own = [*(("--checkpoint", name) if name else ()), "--out", file]
        words = [*spell(form, form.model.model_validate({**made.settings, **inputs})), *own]
    else:
        form = plugin_verb(entry).form
        option, _, inside = made.output.partition("/")
        table = {**made.settings, **inputs, option: option if inside else file}
        table |= dict.fromkeys(paths.weights(form.model), name) if name else {}
        words = spell(form, form.model.model_validate(table))
    return shlex.join(["becalm", made.domain, made.verb, *words])


def python(made: Record) -> str | None:
    """The same in Python; None where it is no sampling request."""
    if made.panel or made.verb != "sample" or verb_of(made) is not None or made.checkpoint is None:
        return None
    form = sample.verb(domain_ref(made.domain)).form
    request = form.model.model_validate({**made.settings, **{name: one.name for name, one in made.inputs.items()}})
    fields = ", ".join(f"{name}={value!r}" for name, value in differing(request).items())
    lines = ("import becalm", "", f"model = becalm.load({made.checkpoint.name!r})", f"samples = model.sample({fields})")
    return "\n".join([*lines, 'samples.save("samples.png")'])


def verb_of(made: Record) -> CommandRef | None:
    """The plugin's verb or panel that a record names; None for the verb that all domains share.

    Raises:
        UserError: If it is not installed.
    """
    domain_ref(made.domain)  # Refuses one that is not.
    plugins = installed()
    home = next(plugin for plugin in plugins if any(ref.name == made.domain for ref in plugin.domains))
    known: dict[str, CommandRef] = {}
    for plugin in sorted(plugins, key=lambda plugin: plugin.distribution != home.distribution):
        for entry in plugin.panels if made.panel else plugin.commands:
            if entry.domain == made.domain:
                known.setdefault(entry.name, entry)
    if made.verb not in known and (made.panel or made.verb != "sample"):
        raise unknown(f"{'panel' if made.panel else 'verb'} of {made.domain}", made.verb, {*known, "sample"})
    return known.get(made.verb)
