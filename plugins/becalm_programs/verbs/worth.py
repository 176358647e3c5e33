"""``becalm programs worth``: whether a network is worth its time, kept in its checkpoint with ``--write``."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from becalm.errors import UserError
from becalm.files import atomic
from becalm.files.checkpoint import Checkpoint
from becalm.model.load import find
from becalm.plugin.report import Progress, Saved, Table
from becalm_programs.evaluation.worth import Compared, comparisons, worth
from becalm_programs.families import generate
from becalm_programs.formats.read import read
from becalm_programs.formats.suffixes import SUFFIXES
from becalm_programs.opening import bare, form_of, load
from becalm_programs.options import WorthOptions
from becalm_programs.problem.standard_form import StandardForm


def run(options: WorthOptions) -> Iterator[str | Progress | Table | Saved]:
    """Compares on each instance, and says what the network buys.

    Raises:
        UserError: If there is no such model or instance, or the file cannot be written.
    """
    file = find(options.checkpoint)
    if options.write:
        atomic.check(file, (".safetensors",))
    model = load(options.checkpoint, "cpu")
    names = list(_instances(options, model.domain.family))  # type: ignore[attr-defined]
    forms = (_form(options, name) for name in names)
    rows: list[Compared] = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for row in comparisons(
            model, bare(model.device), forms, tier=options.tier, count=options.samples, seed=options.seed
        ):
            rows.append(row)
            yield Progress(len(rows), len(names), str(names[len(rows) - 1][0]))
    finally:
        torch.set_num_threads(threads)
    yield Table(
        ("instance", "network", "relaxation", "gain %", "seconds of each", "samples"),
        tuple(
            (
                name,
                row.network,
                row.relaxation,
                round(100 * row.gain, 2),
                round(row.seconds, 2),
                "{} / {}".format(*row.samples),
            )
            for (name, _), row in zip(names, rows, strict=True)
        ),
        title="Best solutions with the network and, in the same time on one thread, without it",
    )
    found = worth(rows, options.tier)
    used = "there it is used unasked" if found.positive else "there it is used only if it is asked for"
    yield f"{options.checkpoint} buys {found}: {used}"
    if options.write:
        old = Checkpoint.read(file)
        replace(old, config=found.within(old.config)).write(file)
        yield Saved(file, "says so now")


def _instances(options: WorthOptions, family: str | None) -> Iterator[tuple[str, Path | tuple[str, int]]]:
    """A name for each instance, and its file, or family and number."""
    if options.folder is not None:
        folder = Path(options.folder)
        files = sorted(file for file in folder.glob("*") if file.name.lower().endswith(SUFFIXES))[: options.instances]
        if not files:
            raise UserError(f"{folder} holds no program: name a folder of .mps or .lp files that are not trained on")
        yield from ((file.name, file) for file in files)
        return
    if (family := options.family or family) is None:
        raise UserError(f"{options.checkpoint} is of no family that can be generated: name a --folder of instances")
    for seed in range(options.first, options.first + options.instances):
        yield f"{family} {options.size} {seed}", (family, seed)


def _form(options: WorthOptions, name: tuple[str, Path | tuple[str, int]]) -> StandardForm:
    called, place = name
    program = read(place) if isinstance(place, Path) else generate(place[0], options.size, place[1])
    return form_of(program, called)
