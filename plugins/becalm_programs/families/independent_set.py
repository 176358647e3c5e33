"""Independent set: the most nodes of a graph, no two of them neighbours.

Barabasi-Albert graphs, with the rows of Gasse et al. 2019: nodes are parted greedily into cliques, from the highest
degree down; each clique of two or more is one row, and each edge outside of the cliques is another.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

from becalm.errors import UserError
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class IndependentSet:
    """Sizes.

    Attributes:
        affinity: Edges that each new node brings.

    Raises:
        UserError: If the affinity is below 1 or not below the number of nodes.
    """

    nodes: int
    affinity: int

    def __post_init__(self) -> None:
        if not 1 <= self.affinity < self.nodes:
            raise UserError(f"an independent set must have an affinity from 1 to below its nodes, got {self}")

    def program(self, random: np.random.RandomState) -> Program:
        """One instance."""
        edges = graph(self.nodes, self.affinity, random)
        rows = _rows(self.nodes, edges)
        row = np.repeat(np.arange(len(rows)), [len(nodes) for nodes in rows])
        matrix = sparse.csr_array((np.ones(len(row)), (row, np.concatenate(rows))), shape=(len(rows), self.nodes))
        return from_arrays(np.ones(self.nodes), matrix, row_high=1.0, maximise=True)


def graph(nodes: int, affinity: int, random: np.random.RandomState) -> list[Edge]:
    """Edges (lower node first) of a graph that grows by preference for high degrees (Barabasi and Albert 1999).

    The first node after ``affinity`` lone ones joins them all.
    """
    degrees = np.zeros(nodes)
    edges: list[Edge] = []
    for new in range(affinity, nodes):
        chances = degrees[:new] / (2 * len(edges)) if edges else None
        chosen = random.choice(new, affinity, replace=False, p=chances)
        edges += [(old, new) for old in sorted(chosen.tolist())]
        degrees[chosen] += 1
        degrees[new] += affinity
    return edges


def _rows(nodes: int, edges: list[Edge]) -> list[tuple[int, ...]]:
    """Cliques that cover each edge once, sorted."""
    neighbours: list[set[int]] = [set() for _ in range(nodes)]
    for low, high in edges:
        neighbours[low].add(high)
        neighbours[high].add(low)
    degrees = [len(near) for near in neighbours]
    order = sorted(range(nodes), key=lambda node: -degrees[node])
    left = set(range(nodes))
    rows = set(edges)
    for centre in order:
        if centre not in left:
            continue
        clique = {centre}
        for node in sorted(neighbours[centre] & left, key=lambda node: (-degrees[node], node)):
            if clique <= neighbours[node]:
                clique.add(node)
        left -= clique
        if len(clique) > 1:
            rows -= set(combinations(sorted(clique), 2))
            rows.add(tuple(sorted(clique)))  # type: ignore[arg-type]
    return sorted(rows)


PRESETS = {"tiny": IndependentSet(10, 2), "small": IndependentSet(200, 4), "paper": IndependentSet(1500, 4)}
