"""A program as a graph of torch-geometric, for networks of one's own that are built from its layers.

    data["entry"].x        (N, FEATURES) of each entry, see ``becalm_programs.problem.standard_form``
    data["row"].x          (M, ROW_FEATURES) of each row
    data["entry", "in", "row"].edge_index, .edge_attr      (2, E) and (E, 1) coefficients of rows of unit length
    data["row", "holds", "entry"].edge_index, .edge_attr   the same, turned around

Batches of torch-geometric put graphs side by side as becalm's blocks do. The networks here use sparse products, which
do the same sums in less time (``benchmarks/graph.py``).
"""

from typing import Any

import torch

from becalm_programs.formats.read import need
from becalm_programs.problem.standard_form import StandardForm

HOLDS = ("row", "holds", "entry")
IN = ("entry", "in", "row")


def to_hetero(form: StandardForm) -> Any:
    """The graph of a program, a ``torch_geometric.data.HeteroData``.

    It also has ``cost`` and ``group`` of entries and ``low`` and ``high`` of rows, as ``StandardForm`` has them.

    Raises:
        UserError: If torch-geometric is not installed.
    """
    need("torch_geometric", "making a graph of torch-geometric")
    from torch_geometric.data import HeteroData

    matrix = form.matrix
    row = torch.repeat_interleave(torch.arange(len(form.low)), matrix.crow_indices().diff().cpu()).to(matrix.device)
    entry, value = matrix.col_indices(), matrix.values()[:, None]
    data = HeteroData()
    data["entry"].x, data["entry"].cost, data["entry"].group = form.features, form.cost, form.group
    data["row"].x, data["row"].low, data["row"].high = form.row_features, form.low, form.high
    data[IN].edge_index, data[IN].edge_attr = torch.stack([entry, row]), value
    data[HOLDS].edge_index, data[HOLDS].edge_attr = torch.stack([row, entry]), value
    return data
