"""A plain .npz: tables of observations, of actions and of where episodes end, such as Push-T's or OGBench's."""

from pathlib import Path
from typing import Any

import numpy.typing as npt

from becalm.gate import zip as gate
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import flat
from becalm_policies.formats.parts import parsing
from becalm_policies.formats.tables import USUAL, Leaf, Selection, Tables

_WHAT = "an archive of demonstrations"


def read(path: Path, selection: Selection = USUAL) -> Episodes:
    """Reads an archive, by the usual names or by those that are selected.

    Raises:
        UserError: If it is damaged, holds something else, or what is selected is not there.
    """
    with parsing(path, _WHAT):
        leaves = {name: Leaf(shape, dtype) for name, (shape, dtype) in gate.headers(path, _WHAT).items()}

        def get(name: str, needed: bool) -> npt.NDArray[Any]:
            return gate.arrays(path, _WHAT, {name: "fiub"}, (name,))[name]

        return flat.read(Tables(path, "", leaves, get), selection, "npz")
