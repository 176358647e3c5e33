"""Programs of plans in time and money, with big-M rows, general integers and continuous variables: job shop, tour, unit
commitment, portfolio, lot sizing.
"""

import numpy as np

from becalm_programs.families.everyday.draft import Draft
from becalm_programs.problem.program import Program


def job_shop(seed: int, jobs: int = 4, machines: int = 4) -> Program:
    """Each job visits all machines on a route of its own, and the last is to end early; orders by big-M rows."""
    random = np.random.RandomState(seed)
    takes = random.randint(1, 10, size=(jobs, machines))
    route = [random.permutation(machines).tolist() for _ in range(jobs)]
    horizon = float(takes.sum())
    draft = Draft()
    end = draft.variable(1.0, high=horizon)
    start = [[draft.variable(high=horizon) for _ in range(machines)] for _ in range(jobs)]
    for job in range(jobs):
        draft.row({end: 1.0, start[job][-1]: -1.0}, low=takes[job, -1])
        for step in range(machines - 1):
            draft.row({start[job][step + 1]: 1.0, start[job][step]: -1.0}, low=takes[job, step])
    for machine in range(machines):
        turn = [route[job].index(machine) for job in range(jobs)]
        for one in range(jobs):
            for two in range(one):
                first, second = start[one][turn[one]], start[two][turn[two]]
                before = draft.variable()
                draft.row({second: 1.0, first: -1.0, before: -horizon}, low=takes[one, turn[one]] - horizon)
                draft.row({first: 1.0, second: -1.0, before: horizon}, low=takes[two, turn[two]])
    return draft.program()


def tour(seed: int, cities: int = 8) -> Program:
    """The shortest tour of cities in a square, its parts tied together by positions (Miller et al. 1960)."""
    random = np.random.RandomState(seed)
    place = random.rand(cities, 2) * 100
    draft = Draft()
    go = {
        (one, two): draft.variable(float(np.rint(np.hypot(*(place[one] - place[two])))))
        for one in range(cities)
        for two in range(cities)
        if one != two
    }
    position = [draft.variable(low=1, high=cities - 1, integer=False) for _ in range(cities - 1)]
    for city in range(cities):
        draft.row({go[city, other]: 1.0 for other in range(cities) if other != city}, 1, 1)
        draft.row({go[other, city]: 1.0 for other in range(cities) if other != city}, 1, 1)
    for one in range(1, cities):
        for two in range(1, cities):
            if one != two:
                terms = {position[one - 1]: 1.0, position[two - 1]: -1.0, go[one, two]: float(cities - 1)}
                draft.row(terms, high=cities - 2)
    return draft.program()


def unit_commitment(seed: int, units: int = 6, hours: int = 12) -> Program:
    """Which power stations run when, so that demand is met; starts cost, and who runs gives at least a third."""
    random = np.random.RandomState(seed)
    most = random.randint(30, 81, size=units)
    demand = np.floor(most.sum() * (0.4 + 0.3 * np.sin(np.arange(hours) / 2) ** 2))
    fixed, each, begin = (random.randint(low, high, size=units) for low, high in ((50, 151), (5, 21), (100, 301)))
    draft = Draft()
    power = np.empty((units, hours), dtype=np.int64)
    for unit in range(units):
        before = None
        for hour in range(hours):
            on = draft.variable(fixed[unit])
            start = draft.variable(begin[unit])
            power[unit, hour] = made = draft.variable(each[unit], high=100, integer=False)
            draft.row({made: 1.0, on: -float(most[unit])}, high=0)
            draft.row({made: 1.0, on: -float(most[unit] // 3)}, low=0)
            draft.row({start: 1.0, on: -1.0} | ({} if before is None else {before: 1.0}), low=0)
            before = on
    for hour in range(hours):
        draft.row(dict.fromkeys(power[:, hour].tolist(), 1.0), demand[hour], demand[hour])
    return draft.program()


def portfolio(seed: int, assets: int = 20, held: int = 6, scenarios: int = 15) -> Program:
    """The best expected return with few assets, each of some weight, and no scenario too bad."""
    random = np.random.RandomState(seed)
    mean = 0.02 + 0.1 * random.rand(assets)
    returns = (
        mean + 0.6 * mean * random.standard_normal((scenarios, assets)) + 0.02 * random.standard_normal((scenarios, 1))
    )
    # An even portfolio of some assets keeps the floor, so that there is a solution.
    floor = float(returns[:, random.permutation(assets)[:held]].mean(axis=1).min())
    draft = Draft()
    weight = [draft.variable(float(mean[asset]), high=0.4, integer=False) for asset in range(assets)]
    chosen = [draft.variable() for _ in range(assets)]
    draft.row(dict.fromkeys(weight, 1.0), 1, 1)
    draft.row(dict.fromkeys(chosen, 1.0), high=held)
    for one, other in zip(weight, chosen, strict=True):
        draft.row({one: 1.0, other: -0.4}, high=0)
        draft.row({one: 1.0, other: -0.05}, low=0)
    for scenario in returns:
        draft.row(dict(zip(weight, scenario.tolist(), strict=True)), low=floor)
    return draft.program(maximise=True)


def lot_sizing(seed: int, items: int = 4, weeks: int = 8) -> Program:
    """How much of each item is made in which week, in whole numbers; set-ups and stock cost, capacity is shared."""
    random = np.random.RandomState(seed)
    demand = random.randint(0, 21, size=(items, weeks))
    hold, fixed = random.randint(1, 5, size=items), random.randint(30, 91, size=items)
    draft = Draft()
    made = np.empty((items, weeks), dtype=np.int64)
    for item in range(items):
        before = None
        for week in range(weeks):
            made[item, week] = lot = draft.variable(high=60)
            stock, set_up = draft.variable(hold[item], high=100), draft.variable(fixed[item])
            flow = {lot: 1.0, stock: -1.0} | ({} if before is None else {before: 1.0})
            draft.row(flow, demand[item, week], demand[item, week])
            draft.row({lot: 1.0, set_up: -60.0}, high=0)
            before = stock
    for week in range(weeks):
        draft.row(dict.fromkeys(made[:, week].tolist(), 1.0), high=90)
    return draft.program()
