"""Modules under the names of becalm_programs 0.1, see ``becalm.plugin.moved``. Imports no torch."""

_ROOMS = {
    "denoiser": "chunks network",
    "evaluation": "baselines chart journal judge methods tables task",
    "guidance": "energies",
    "problem": "bounds program verify",
    "sampling": "choose tiers",
    "search.large": "search.lns search.neighbourhood search.pool",
    "search.moves": "search.exchange search.flips search.insertion search.local search.oneopt search.removal "
    "search.repair",
    "search.structure": "search.columns search.covering search.facility search.onesided search.packing",
    "training": "examples generate workforce",
    "verbs": "evaluate sample solve",
    "views": "curves picture race",
}
"""Modules of becalm_programs 0.1 by the room where they are now."""
_RENAMED = {
    "bits": "problem.encoding",
    "condition": "problem.batch",
    "labels": "training.label",
    "page": "verbs.panel",
    "prepared": "training.prepare",
    "prices": "problem.dual_values",
    "relation": "problem.standard_form",
    "search.round": "search.lp_rounding",
    "settle": "search.rounding",
    "solvers.run": "solvers.driver",
    "steer": "guidance.constraint",
    "uniform": "opening",
}
"""Those that have another name now."""
_NOW = {old: f"{room}.{old.rpartition('.')[2]}" for room, names in _ROOMS.items() for old in names.split()} | _RENAMED
MOVED = {f"becalm_programs.{old}": f"becalm_programs.{new}" for old, new in _NOW.items()}
"""Old names to new ones."""
