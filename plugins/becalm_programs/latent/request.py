"""What solutions are asked for by on the latent route. Imports no torch."""

from typing import Annotated

from pydantic import Field

from becalm.plugin.paths import InputFile
from becalm_programs.request import ProgramRequest

GAMMA = 30.0
"""Found on held-out set covers of 100 rows and 200 columns. The gradient is local, so it does not grow with size."""

OBJECTIVE_WEIGHT = 10.0


class LatentRequest(ProgramRequest):
    """Sampling request of the latent route: the same fields, of which two mean weights of energies."""

    guidance: float = Field(GAMMA, ge=0, description="gamma, the weight of the violation's gradient; 0 is none.")
    objective_weight: float = Field(
        OBJECTIVE_WEIGHT, ge=0, description="s, the weight of the objective's gradient; 0 is none."
    )
    classifier: Annotated[str | None, InputFile()] = Field(
        None, description="Classifier of violations (a file) whose gradient at the noisy embedding guides instead."
    )
