"""What a search for a time draws solutions from, by name. Imports no torch.

A start is a file of ``becalm_programs.anytime.starts`` that defines ``prepare``, and its name and line below.
"""

from typing import Literal

StartName = Literal["greedy", "relaxation", "renoise", "swap", "guidance", "network", "part", "dive", "jump"]

STARTS: dict[StartName, str] = {
    "greedy": "randomised greedy",
    "relaxation": "the linear relaxation, rounded with chance",
    "renoise": "solutions found so far, a part of them drawn anew",
    "swap": "small changes of solutions found so far",
    "guidance": "samples without a network",
    "network": "samples of the network, where one fits",
    "part": "a solver on a part of a solution found so far",
    "dive": "dives, from solutions found so far and below their objective",
    "jump": "jump moves from random points",
}
"""What each is, in the order in which they take their first turns."""
FROM_SOLUTIONS: frozenset[StartName] = frozenset({"renoise", "swap"})
"""Those that need a solution to begin with."""
LISTING = "; ".join(f"{name}: {what}" for name, what in STARTS.items())
