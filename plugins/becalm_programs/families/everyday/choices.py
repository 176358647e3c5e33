"""Programs of binary choices: mixed signs, assignment, bin packing, colouring, sudoku."""

import numpy as np

from becalm_programs.families import generate
from becalm_programs.families.everyday.draft import Draft
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.problem.program import Program


def mixed(seed: int, variables: int = 14, rows: int = 7) -> Program:
    """Rows of random signs, each of which three points in ten keep; not all programs have a solution."""
    random = np.random.RandomState(seed)
    matrix = random.randint(-100, 101, size=(rows, variables)) * (random.rand(rows, variables) < 0.7)
    # Mean and deviation of the activity of a random point.
    most = np.floor(0.5 * matrix.sum(axis=1) - 0.52 * 0.5 * np.sqrt((matrix**2).sum(axis=1)))
    return from_arrays(random.randint(1, 41, size=variables), matrix, row_high=most)


def assignment(seed: int) -> Program:
    """Jobs to agents of limited capacity: 5 agents, 25 jobs."""
    return generate("assignment", "small", seed)


def bin_packing(seed: int, items: int = 20, bins: int = 9, room: int = 100) -> Program:
    """Items into as few bins as can be."""
    random = np.random.RandomState(seed)
    while True:
        weight = random.randint(15, 56, size=items)
        if _first_fit(weight, room) <= bins:
            break
    draft = Draft()
    put = [[draft.variable() for _ in range(bins)] for _ in range(items)]
    used = [draft.variable(1.0) for _ in range(bins)]
    for choice in put:
        draft.row(dict.fromkeys(choice, 1.0), 1, 1)
    for number in range(bins):
        terms = {choice[number]: float(each) for choice, each in zip(put, weight, strict=True)}
        draft.row({**terms, used[number]: -float(room)}, high=0)
    return draft.program()


def _first_fit(weight: np.ndarray, room: int) -> int:
    """Bins that first fit decreasing takes."""
    load: list[int] = []
    for each in sorted(weight.tolist(), reverse=True):
        place = next((number for number, full in enumerate(load) if full + each <= room), len(load))
        load[place:] = [(load[place] if place < len(load) else 0) + each, *load[place + 1 :]]
    return len(load)


def colouring(seed: int, nodes: int = 20, colours: int = 8, density: float = 0.3) -> Program:
    """Colours for the nodes of a random graph, as few as can be, neighbours of different ones."""
    random = np.random.RandomState(seed)
    draft = Draft()
    paint = [[draft.variable() for _ in range(colours)] for _ in range(nodes)]
    used = [draft.variable(1.0) for _ in range(colours)]
    for choice in paint:
        draft.row(dict.fromkeys(choice, 1.0), 1, 1)
        for colour, chosen in zip(used, choice, strict=True):
            draft.row({chosen: 1.0, colour: -1.0}, high=0)
    for node in range(nodes):
        for other in range(node):
            if random.rand() < density:
                for one, two in zip(paint[node], paint[other], strict=True):
                    draft.row({one: 1.0, two: 1.0}, high=1)
    return draft.program()


def sudoku(seed: int, given: int = 28) -> Program:
    """Digits 1 to 9 in a grid of which some are given; nothing is to be made small."""
    random = np.random.RandomState(seed)
    shift = [3 * (row % 3) + row // 3 for row in range(9)]
    grid = np.array([[(column + shift[row]) % 9 for column in range(9)] for row in range(9)])
    grid = random.permutation(9)[grid]
    for axis in (0, 1):
        bands = np.concatenate([3 * band + random.permutation(3) for band in random.permutation(3)])
        grid = np.take(grid, bands, axis=axis)
    draft = Draft()
    known = set(random.permutation(81)[:given].tolist())
    cell = np.empty((9, 9, 9), dtype=np.int64)
    for place in range(81):
        row, column = divmod(place, 9)
        for digit in range(9):
            low = float(place in known and grid[row, column] == digit)
            cell[row, column, digit] = draft.variable(low=low)
    blocks = cell.reshape(3, 3, 3, 3, 9).swapaxes(1, 2).reshape(9, 9, 9)
    for view in (cell, blocks):
        for one in range(9):
            for digit in range(9):
                draft.row(dict.fromkeys(view[one, :, digit].tolist(), 1.0), 1, 1)
    for one in range(9):
        for other in range(9):
            draft.row(dict.fromkeys(cell[:, one, other].tolist(), 1.0), 1, 1)
            draft.row(dict.fromkeys(cell[one, other].tolist(), 1.0), 1, 1)
    return draft.program()
