"""What a search for a time draws solutions from, by name. Imports no torch.

A start is a file of ``becalm_programs.anytime.starts`` that defines ``prepare``, and its name and line below.
"""

from typing import Literal

StartName = Literal[
    "greedy",
    "marginals",
    "relaxation",
    "renoise",
    "net-renoise",
    "swap",
    "guidance",
    "network",
    "part",
    "dive",
    "jump",
]

STARTS: dict[StartName, str] = {
    "greedy": "randomised greedy",
    "marginals": "the chances of one call of the network, where one fits, rounded",
    "relaxation": "the linear relaxation, rounded with chance",
    "renoise": "solutions found so far, a part of them drawn anew by the relaxation",
    "net-renoise": "the same by the chances of the network",
    "swap": "small changes of solutions found so far",
    "guidance": "samples without a network",
    "network": "samples of the network, where one fits",
    "part": "a solver on a part of a solution found so far",
    "dive": "dives, from solutions found so far and below their objective",
    "jump": "jump moves from random points",
}
"""What each is, in the order in which they take their first turns."""
FROM_SOLUTIONS: frozenset[StartName] = frozenset({"renoise", "net-renoise", "swap"})
"""Those that need a solution to begin with."""
BY_NETWORK: frozenset[StartName] = frozenset({"network", "marginals", "net-renoise"})
"""Those that need a network."""
LISTING = "; ".join(f"{name}: {what}" for name, what in STARTS.items())
