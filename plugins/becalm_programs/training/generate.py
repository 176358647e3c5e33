"""``becalm programs generate``: random instances of a family as MPS files, one for each seed."""

from collections.abc import Iterator
from pathlib import Path

from becalm.errors import UserError
from becalm.plugin.report import Progress, Table
from becalm.provenance import record
from becalm_programs.families import generate
from becalm_programs.formats.mps import write_mps
from becalm_programs.options import GenerateOptions
from becalm_programs.problem.program import Counts


def run(options: GenerateOptions) -> Iterator[str | Progress | Table]:
    """Writes what is not there yet: an instance is a function of family, size and seed, so a stopped run goes on.

    Raises:
        UserError: If the place cannot be written, or the seeds go too far.
    """
    folder = Path(options.out)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out must be a folder, got the file {folder}")
    sizes: list[Counts] = []
    there = 0
    for done in range(options.count):
        seed = options.seed + done
        path = place(folder, options.family, options.size, seed)
        yield Progress(done, options.count, path.name)
        if path.exists():
            there += 1
            continue
        program = generate(options.family, options.size, seed)
        one = options.model_copy(update={"seed": seed, "count": 1})
        write_mps(path, program, record("programs generate", one, output=f"out/{path.name}"))
        sizes.append(program.counts)
    yield Progress(options.count, options.count)
    if sizes:
        yield _table(sizes, f"{options.family}, {options.size}")
    kept = f", {there} were there already" if there else ""
    yield f"{folder}: {len(sizes)} written{kept}"


def place(folder: Path, family: str, size: str, seed: int) -> Path:
    """Where an instance stands."""
    return folder / f"{family}-{size}-{seed:05d}.mps.gz"


def _table(sizes: list[Counts], title: str) -> Table:
    rows = []
    for name in ("variables", "rows", "nonzeros", "binary", "equal"):
        values = [int(getattr(counts, name)) for counts in sizes]
        rows.append((name, min(values), round(sum(values) / len(values), 1), max(values)))
    return Table(("figure", "least", "mean", "most"), tuple(rows), title=title)
