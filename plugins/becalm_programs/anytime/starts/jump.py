"""Jump moves (feasibility jump, Luteberget and Sartor 2023) from random points, then 1-opt."""

import numpy as np

from becalm_programs.anytime.instance import Draw, Instance
from becalm_programs.problem.program import Array
from becalm_programs.solvers.continuous import solve_continuous

_STEPS = 20_000


def prepare(instance: Instance) -> Draw:
    """Fits every program."""
    jumper = instance.feasible_search.jumper

    def draw(count: int, apart: float, seconds: float, random: np.random.Generator) -> Array:
        found = []
        for _ in range(count):
            entries = (random.random(len(instance.lp_value)) < instance.lp_value).astype(np.float64)
            x = instance.form.encoding.decode(entries[None])[0]
            walked = jumper.walk(x, random.random(len(x)), int(random.integers(2**31)), _STEPS)
            whole = None if walked is None else solve_continuous(instance.program, walked)
            if whole is not None:
                found.append(whole)
        return instance.polish(np.array(found).reshape(-1, len(instance.program.cost)))

    return draw
