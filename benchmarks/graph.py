"""Sums over a program's graph: sparse products, as becalm's network has them, and torch-geometric's message passing.

    python benchmarks/graph.py [--width 64] [--rounds 10] [--threads 1]

Both go from entries to rows and back, forward and backward, on set covers of paper size (100,000 edges), in turns;
their results are compared first. Prints milliseconds of each and the ratio.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch_geometric.nn import SimpleConv

from becalm_programs.families import generate
from becalm_programs.formats.graph import HOLDS, IN, to_hetero
from becalm_programs.problem.block import BlockDiagonal
from becalm_programs.problem.standard_form import StandardForm


def clocked(there_and_back: Callable[[Tensor], Tensor], h: Tensor) -> float:
    """Seconds of one forward and backward pass."""
    given = h.clone().requires_grad_()
    begun = time.perf_counter()
    there_and_back(given).sum().backward()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    form = StandardForm.of(generate("set-cover", "paper", 0))
    block, data, sums = BlockDiagonal.of([form], 1), to_hetero(form), SimpleConv(aggr="sum")
    entries, rows = len(form.cost), len(form.low)
    low = form.low[:, None]

    def products(h: Tensor) -> Tensor:
        return block.up(block.down(h))

    def messages(h: Tensor) -> Tensor:
        heard = sums((h, low), data[IN].edge_index, data[IN].edge_attr[:, 0], size=(entries, rows))
        back: Tensor = sums((heard, h), data[HOLDS].edge_index, data[HOLDS].edge_attr[:, 0], size=(rows, entries))
        return back

    h = torch.randn(entries, chosen.width, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(products(h), messages(h), rtol=1e-4, atol=1e-4)
    taken: dict[str, list[float]] = {"sparse products": [], "message passing": []}
    for _ in range(chosen.rounds):
        taken["sparse products"].append(clocked(products, h))
        taken["message passing"].append(clocked(messages, h))
    middle = {name: statistics.median(seconds) for name, seconds in taken.items()}
    edges = form.matrix.values().numel()
    print(f"{edges} edges, width {chosen.width}, threads: {chosen.threads}, median of {chosen.rounds}")
    for name, seconds in middle.items():
        print(f"  {name:16s} {1000 * seconds:8.1f} ms")
    print(f"  ratio            {middle['message passing'] / middle['sparse products']:8.1f}")


if __name__ == "__main__":
    main()
