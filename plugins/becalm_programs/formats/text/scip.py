"""Reads a model file by SCIP, in a process of its own: ``python -P -m becalm_programs.formats.text.scip MODEL OUT``.

Writes what SCIP reads as JSON to OUT, or nothing if SCIP does not read the file: its LP files know fewer spellings.
"""

import json
import sys
from pathlib import Path
from typing import Any


def reading(model: Path) -> dict[str, Any] | None:
    """What SCIP reads, in this process; None if it does not read the file."""
    import pyscipopt

    scip = pyscipopt.Model()
    scip.hideOutput()
    try:
        scip.readProblem(str(model))
    except OSError:
        return None
    variables = {
        one.name: [one.getObj(), one.getLbOriginal(), one.getUbOriginal(), one.vtype() != "CONTINUOUS"]
        for one in scip.getVars()
    }
    rows: list[Any] = [
        # A variable that stands in a row twice stands twice here, too.
        [scip.getLhs(one), scip.getRhs(one), [part.name for part in scip.getConsVars(one)], list(scip.getConsVals(one))]
        for one in scip.getConss()
    ]
    maximise = scip.getObjectiveSense() == "maximize"
    return {"maximise": maximise, "offset": scip.getObjoffset(), "variables": variables, "rows": rows}


def main(model: str, out: str) -> None:
    """Reads and writes."""
    read = reading(Path(model))
    if read is not None:
        Path(out).write_text(json.dumps(read), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
