"""CBC as PuLP brings it: a program of its own that reads an MPS file and is watched through its log.

CBC 2.10 ignores OBJSENSE MAX, so it is handed the minimisation; its solution file has eight digits, so integers are
rounded and continuous variables are solved for once more.
"""

import math
import re
import subprocess
import tempfile
import threading
from pathlib import Path

import numpy as np

from becalm.errors import UserError
from becalm_programs.problem.program import Array, Program
from becalm_programs.solvers import highs
from becalm_programs.solvers.incumbents import IncumbentLog
from becalm_programs.solvers.solver import FEASIBLE, INFEASIBLE, NOTHING, OPTIMAL, UNBOUNDED, Claim, Solver

_NUMBER = r"(-?[0-9.]+(?:e[-+]?[0-9]+)?)"
_FOUND = re.compile(rf"(?:Integer solution of|solution of) {_NUMBER} found.*\(([0-9.]+) seconds\)", re.IGNORECASE)
_BOUND = re.compile(rf"(?:best possible|Lower bound:|Continuous objective value is)\s*{_NUMBER}", re.IGNORECASE)


def binary() -> str:
    """Path of the CBC that PuLP brings.

    Raises:
        UserError: If PuLP is not installed or brings none for this system.
    """
    # Of the class: an object warns that PuLP 4 will be without it.
    path = str(SOLVER.module().PULP_CBC_CMD.pulp_cbc_path)
    if not Path(path).is_file():
        raise UserError("solver cbc needs the CBC of PuLP 3: pip install 'pulp>=3.3,<4'")
    return path


def solve(program: Program, seconds: float, start: Array | None, threads: int, log: IncumbentLog) -> Claim:
    """As ``becalm_programs.solvers.solve`` says."""
    command = binary()
    with tempfile.TemporaryDirectory(prefix="becalm-cbc-") as folder:
        model, solution = Path(folder, "model.mps"), Path(folder, "solution.txt")
        highs.write(program, model)
        words = [command, str(model)]
        if start is not None:
            words += ["-mips", str(_write_start(program, start, Path(folder, "start.txt")))]
        # CBC's own options speak of the limit, the clock and gaps; a start is taken up only if -mips comes first.
        words += ["-sec", f"{max(seconds - log.seconds, 0.01):.3f}", "-timeMode", "elapsed"]
        words += ["-ratio", "0", "-threads", str(threads if threads > 1 else 0)]
        words += ["-solve", "-printingOptions", "all", "-solution", str(solution)]
        bound = _watch(words, log, 2 * seconds + 5)
        x, status = _read(solution, len(program.cost))
    if status == OPTIMAL and x is not None:
        bound = float(program.cost @ x)
    return Claim(x, bound, status)


def _write_start(program: Program, start: Array, path: Path) -> Path:
    """PuLP's form of a start: a line of header, then number, name and value of each known variable."""
    known = np.flatnonzero(~np.isnan(start) & (program.integer | (start != 0)))
    lines = ["MIP start", *(f"{index} c{index} {start[index]:.17g} 0" for index in known)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _watch(words: list[str], log: IncumbentLog, limit: float) -> float:
    """Runs CBC, records incumbents, and gives the last bound it spoke of; ends it for good at the limit."""
    bound, offset = -math.inf, log.seconds
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")  # noqa: S603
    timer = threading.Timer(max(limit - offset, 0.1), process.kill)
    timer.start()
    try:
        for line in process.stdout or ():
            if found := _FOUND.search(line):
                log.add(float(found[1]), offset + float(found[2]))
            if better := _BOUND.search(line):
                bound = max(bound, float(better[1]))
        process.wait()
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    return bound if abs(bound) < 1e30 else -math.inf


def _read(path: Path, size: int) -> tuple[Array | None, str]:
    """Solution and status of a solution file; a variable that it leaves out is zero."""
    if not path.is_file():
        return None, NOTHING
    head, *lines = path.read_text(errors="replace").splitlines() or [""]
    head = head.lower()
    if "unbounded" in head:
        return None, UNBOUNDED
    if "infeasible" in head:
        return None, INFEASIBLE
    if "no feasible" in head or "no integer" in head:
        return None, NOTHING
    x = np.zeros(size)
    for line in lines:
        words = line.split()
        if "**" in words[:1]:
            # The mark of a row or variable that CBC itself finds violated.
            words = words[1:]
        # Rows, r0 and on, are listed too.
        if words[1].startswith("c"):
            x[int(words[1][1:])] = float(words[2])
    return x, OPTIMAL if head.startswith("optimal") else FEASIBLE


SOLVER = Solver("cbc", "CBC", "pulp", "'becalm[programs]'", solve, binary)
