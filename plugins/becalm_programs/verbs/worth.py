"""``becalm programs worth``: whether a network is worth its time, kept in its checkpoint with ``--write``."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from becalm.errors import UserError
from becalm.files import atomic
from becalm.files.checkpoint import Checkpoint
from becalm.model import Model
from becalm.model.load import find
from becalm.plugin.report import Progress, Saved, Table
from becalm_programs.evaluation.calls import Tried, nearest, tried
from becalm_programs.evaluation.worth import Compared, comparisons, worth
from becalm_programs.families import generate
from becalm_programs.formats.read import read
from becalm_programs.formats.suffixes import SUFFIXES
from becalm_programs.opening import bare, form_of, load
from becalm_programs.options import WorthOptions
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.standard_form import StandardForm

Instance = tuple[str, Path | tuple[str, int]]
"""What it is called, and its file, or family and number."""


def run(options: WorthOptions) -> Iterator[str | Progress | Table | Saved]:
    """Compares on each instance, and says what the network buys.

    Raises:
        UserError: If there is no such model or instance, or the file cannot be written.
    """
    file = find(options.checkpoint)
    if options.write:
        atomic.check(file, (".safetensors",))
    model = load(options.checkpoint, "cpu")
    names = _instances(options, model.domain.family)  # type: ignore[attr-defined]
    without = bare(model.device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        chosen = yield from _chosen(options, (model, without), names[options.instances :])
        rows = yield from _compared(options, (model, without), names[: options.instances], chosen)
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
            for (name, _), row in zip(names[: options.instances], rows, strict=True)
        ),
        title="Best solutions with the network and, in the same time on one thread, without it",
    )
    found = worth(rows, options.tier)
    used = "there it is used unasked" if found.positive else "there it is used only if it is asked for"
    yield f"{options.checkpoint} buys {found}: {used}"
    if options.write:
        old = Checkpoint.read(file)
        config = found.within(old.config)
        if chosen is not None:
            config["sampling"] = {**config.get("sampling", {}), "steps": chosen[0]}
        replace(old, config=config).write(file)
        yield Saved(file, "says so now")


def _chosen(
    options: WorthOptions, models: tuple[Model[ProblemBatch], Model[ProblemBatch]], names: list[Instance]
) -> Generator[str | Progress | Table, None, tuple[int, int] | None]:
    """The number of calls with and without the network; None if none are to be chosen."""
    if not options.calls:
        return None
    chosen: list[int] = []
    for what, model in zip(("with the network", "without it"), models, strict=True):
        rows: list[Tried] = []
        forms = (_form(options, name) for name in names)
        for row in tried(model, forms, options.calls, tier=options.tier, count=options.samples, seed=options.seed):
            rows.append(row)
            yield Progress(len(rows), len(names), f"calls {what}")
        steps = nearest(rows, options.calls)
        behind, samples = (
            [sum(values) / len(rows) for values in zip(*found, strict=True)]
            for found in ([row.behind for row in rows], [row.samples for row in rows])
        )
        yield Table(
            ("calls", "behind the best %", "samples"),
            tuple(
                (number, round(100 * far, 2), round(drawn))
                for number, far, drawn in zip(options.calls, behind, samples, strict=True)
            ),
            title=f"Sampler steps {what}, each for {sum(row.seconds for row in rows) / len(rows):.2f} s an instance",
        )
        chosen.append(steps)
    with_network, without = chosen
    return with_network, without


def _compared(
    options: WorthOptions,
    models: tuple[Model[ProblemBatch], Model[ProblemBatch]],
    names: list[Instance],
    calls: tuple[int, int] | None,
) -> Generator[Progress, None, list[Compared]]:
    """With the network and without it, instance by instance."""
    rows: list[Compared] = []
    forms = (_form(options, name) for name in names)
    for row in comparisons(*models, forms, tier=options.tier, count=options.samples, seed=options.seed, calls=calls):
        rows.append(row)
        yield Progress(len(rows), len(names), str(names[len(rows) - 1][0]))
    return rows


def _instances(options: WorthOptions, family: str | None) -> list[Instance]:
    """Those to compare on, and after them as many to choose calls on if that is asked for."""
    count = options.instances * (2 if options.calls else 1)
    if options.folder is not None:
        folder = Path(options.folder)
        files = sorted(file for file in folder.glob("*") if file.name.lower().endswith(SUFFIXES))[:count]
        if not files:
            raise UserError(f"{folder} holds no program: name a folder of .mps or .lp files that are not trained on")
        if options.calls and len(files) < count:
            raise UserError(
                f"{folder} holds {len(files)} programs, and {count} are needed to choose --calls on others than those "
                f"compared on: give --instances {max(2, len(files) // 2)}, or more programs"
            )
        return [(file.name, file) for file in files]
    if (family := options.family or family) is None:
        raise UserError(f"{options.checkpoint} is of no family that can be generated: name a --folder of instances")
    return [(f"{family} {options.size} {seed}", (family, seed)) for seed in range(options.first, options.first + count)]


def _form(options: WorthOptions, name: Instance) -> StandardForm:
    called, place = name
    program = read(place) if isinstance(place, Path) else generate(place[0], options.size, place[1])
    return form_of(program, called)
