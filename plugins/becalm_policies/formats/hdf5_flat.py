"""HDF5 files with tables at the top: D4RL's of all episodes (Fu et al. 2020), and ALOHA's of one (Zhao et al. 2023b).

An episode of ALOHA is a file ``episode_N.hdf5`` with ``action`` and the group ``observations``, of which a policy sees
``qpos``; a data set is a folder of them.
"""

from dataclasses import replace
from pathlib import Path

from becalm.errors import UserError
from becalm.gate.hdf5 import opened
from becalm.gate.limit import Budget
from becalm.gate.regular import inside
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import flat, hdf5
from becalm_policies.formats.parts import numbered, parsing
from becalm_policies.formats.tables import USUAL, Selection, no_subset

FILES = "episode_*.hdf5"
_WHAT = "an HDF5 file of demonstrations"


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads a file.

    Raises:
        UserError: If it is damaged or holds something else, or what is selected is not there.
    """
    return _read(path, Budget(path), selection)


def read_folder(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads a folder of files, an episode each, in order of number.

    Raises:
        UserError: If one is damaged or holds something else than the first, or what is selected is not there.
    """
    if selection.subset:
        raise no_subset(path, selection.subset, ())
    names = {file.stem: file for file in path.glob(FILES)}
    budget, parts = Budget(path), list[Episodes]()
    for _, name in numbered(names, "episode_"):
        inside(path, names[name])
        part = _read(names[name], replace(budget, path=names[name]), selection, single=True)
        budget.take(part.observations.nbytes + part.actions.nbytes, name)
        if parts and part.spec["keys"] != parts[0].spec["keys"]:
            raise UserError(f"{names[name]}: every episode must hold the same observations, this one holds others")
        if parts and part.actions.shape[1] != parts[0].actions.shape[1]:
            sizes = f"{parts[0].actions.shape[1]} entries as in the first, got {part.actions.shape[1]}"
            raise UserError(f"{names[name]}: actions must have {sizes}")
        parts.append(part)
    if not parts:
        raise UserError(f"{path} must hold episode_0.hdf5 and so on, got none")
    return Episodes.join(parts)


def _read(path: Path, budget: Budget, selection: Selection, *, single: bool = False) -> Episodes:
    with parsing(path, _WHAT), opened(path) as file:
        tables = hdf5.tables(budget, "", file)
        single = single or any(name.startswith("observations/") for name in tables.leaves)
        return flat.read(tables, selection, "aloha" if single else "hdf5", single=single)
