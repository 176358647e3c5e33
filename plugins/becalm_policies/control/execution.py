"""How a policy executes what it plans, as configuration. Imports no torch."""

from typing import Literal

from pydantic import Field

from becalm.plugin.settings import Settings


class Execution(Settings):
    """How a policy executes the chunks that it plans."""

    execute: int | None = Field(
        None, ge=1, description="Ta: actions executed before the next chunk; default: as trained."
    )
    delay: int = Field(
        0,
        ge=0,
        description="Control steps from an observation to the first executed action of its chunk; until then the chunk "
        "before goes on.",
    )
    skip: int | None = Field(
        None,
        ge=0,
        description="Actions of a chunk that are not executed because their time has passed; default: as many as the "
        "delay has steps. 0 executes a chunk from its beginning, late: for policies that answer what they see.",
    )
    join: Literal["naive", "hold", "guide", "prefix"] | None = Field(
        None,
        description="How a chunk goes on, under a delay, from what is executed until it takes over: naive (not at "
        "all), hold (known actions stand in every estimate), guide (real-time chunking), prefix (known actions are "
        "told to a network that was trained for it). Default: as trained, else guide; with a forecast naive.",
    )
    blend: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Under a delay, how far a chunk stays with the one before, at first and then less and less along "
        "their overlap: lessens the jerk at seams. 0 is off.",
    )
    fade: int | None = Field(
        None,
        ge=1,
        description="Actions over which --blend lessens to nothing; default: with a forecast 4, else the overlap.",
    )
    forecast: str | None = Field(
        None,
        description="Under a delay, what foretells the observation that a chunk will begin with, so that it is planned "
        "from there: pusht, or a file that becalm policies forecast wrote.",
    )
    ensemble: float | None = Field(
        None,
        ge=0,
        description="Plan at every step and average what the chunks of the past say, weighted by exp(-this i), i = 0 "
        "the oldest (temporal ensembling); 0.01 is usual.",
    )
    warm: float | None = Field(
        None, gt=0, lt=1, description="Start a chunk from the one before, with the noise of this time: fewer steps."
    )
    choose: Literal["first", "densest", "best"] = Field(
        "first",
        description="Of several sampled chunks execute the first, the densest (Diffusion-KDE), the best scored.",
    )
    candidates: int = Field(16, ge=1, description="Chunks sampled to choose from.")
    bandwidth: float = Field(0.2, gt=0, description="Of the kernel density, in units of diffusion space.")
    near_scale: float = Field(0.0, ge=0, description="Strength of a pull towards the chunk before; 0 is off.")
    rows: int | None = Field(
        None,
        ge=1,
        description="Chunks that the network computes at a time, the last ones padded, so that an environment's "
        "actions are the same to the bit whatever is beside it: 1, 16 or 64; default: all at once.",
    )


def join_for(execution: Execution, *, trained: bool) -> Literal["naive", "hold", "guide", "prefix"]:
    """How chunks are joined: as asked for, else as trained, else the best that needs no training for it.

    Args:
        trained: Whether the network was trained with prefixes.
    """
    if not execution.delay or execution.ensemble is not None:
        return "naive"
    if execution.forecast is None and execution.skip not in (None, execution.delay):
        return "naive"
    # Planned from where it begins, a chunk has nothing behind it to go on from but what it sees.
    return execution.join or ("prefix" if trained else "guide" if execution.forecast is None else "naive")
