"""``becalm policies import-config``: a configuration of LeRobot or Diffusion Policy becomes a recipe."""

from collections.abc import Iterator
from pathlib import Path

from becalm.errors import UserError
from becalm.files import atomic
from becalm_policies.interchange.configuration import recipe
from becalm_policies.options import ImportConfigOptions


def run(options: ImportConfigOptions) -> Iterator[str]:
    """Writes the recipe, and names each key that has no counterpart.

    Raises:
        UserError: If the file is no such configuration, or the recipe is there already.
    """
    source, out = Path(options.file), Path(options.out)
    atomic.check(out, (".toml",))
    if out.exists():
        raise UserError(f"{out} exists: name another --out")
    found = recipe(source)
    atomic.write_atomic(out, found.toml(source.name).encode())
    yield from found.notes()
    data = "" if "data" in found.sections["settings"] else " --data YOURS"
    yield f"{out}: becalm policies train --config {out}{data}"
