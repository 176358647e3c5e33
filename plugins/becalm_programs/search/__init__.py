"""Search without a solver's tree: greedy, rounding, 1-opt, repair, and large-neighbourhood search."""
