"""Flags of the verbs that only programs have. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, field_validator

from becalm.plugin.paths import OutputFile
from becalm.plugin.report import Positional
from becalm.plugin.settings import Settings
from becalm.plugin.widget import Folder, Slider, Upload, Weights
from becalm.sampler import Sampler
from becalm_programs.formats.suffixes import SUFFIXES
from becalm_programs.request import ProgramRequest
from becalm_programs.solvers.registry import SolverName
from becalm_programs.start import BY_NETWORK, LISTING, StartName
from becalm_programs.tier import TIERS, Tier

FamilyName = Literal["set-cover", "auction", "facility", "independent-set", "assignment", "knapsack"]
SizeName = Literal["tiny", "small", "paper"]
MethodName = Literal[
    "network",
    "no-network",
    "greedy",
    "randomised-greedy",
    "local",
    "rounding",
    "search",
    SolverName,
]
METHODS: tuple[MethodName, ...] = get_args(MethodName)
"""What ``evaluate`` can compare, in the order of its table."""


class GenerateOptions(Settings):
    """``becalm programs generate``."""

    family: FamilyName = Field("set-cover", description="What kind of programs.")
    size: SizeName = Field("small", description="How large: for brute force, for trying out, as in the literature.")
    count: int = Field(10, ge=1, description="How many.")
    seed: int = Field(0, ge=0, lt=2**31, description="The first instance's; the next ones count up from it.")
    out: Annotated[str, OutputFile()] = Field(
        description="Folder to write .mps.gz files to; those that are there already are kept."
    )


class LabelOptions(Settings):
    """``becalm programs label``."""

    folder: Annotated[str, Positional()] = Field(
        description="Folder of .mps and .lp files, packed or not; NAME.npz is written beside each."
    )
    seconds: float = Field(8.0, gt=0, le=86400, description="How long to search per program.")
    steps: int | None = Field(
        None, ge=1, description="Search so many steps instead, however long they take: the same labels every time."
    )
    solutions: int = Field(16, ge=1, le=10_000, description="Most solutions to keep per program.")
    gap: float = Field(0.05, ge=0, le=1, description="How far off the best a solution may be that is kept.")
    workers: int = Field(2, ge=1, le=1024, description="Processes on this machine.")
    cluster: str | None = Field(None, description="Address of a Dask scheduler to work on instead: tcp://HOST:PORT.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of the search.")
    solver: SolverName | None = Field(
        None, description="Solver that gives a first solution, in half of the time; without one, greedy and search do."
    )
    again: bool = Field(False, description="Also label what has labels already.")


def _optional(name: str) -> Any:
    """A field of the sampling request that may be left out."""
    field = ProgramRequest.model_fields[name]
    return Field(None, description=f"{field.description} Default: the checkpoint's own.")


class EvaluateOptions(Settings):
    """``becalm programs evaluate``."""

    renamed: ClassVar[Mapping[str, str]] = {"objective": "objective_weight"}

    family: FamilyName = Field("set-cover", description="Family of the instances.")
    size: SizeName = Field("paper", description="Their size.")
    count: int = Field(100, ge=1, description="How many; of a folder, at most so many.")
    first: int = Field(
        1_000_000, ge=0, lt=2**31, description="Seed of the first, far from those that networks are trained on."
    )
    folder: str | None = Field(None, description="Take the model files in a folder instead: .mps, .mps.gz, .lp.")
    methods: tuple[MethodName, ...] = Field(METHODS, min_length=1, description="What to compare.")
    checkpoint: tuple[str, ...] | None = Field(
        None, min_length=1, description="Pretrained names or files of the networks; default: the one that fits."
    )
    tiers: tuple[Tier, ...] = Field(TIERS, min_length=1, description="Tiers of sampling.")
    samples: int = Field(30, ge=1, description="Solutions per instance, of each method that makes several.")
    seconds: float = Field(60.0, gt=0, le=86400, description="Wall-clock of search and of each solver.")
    threads: int = Field(1, ge=1, le=1024, description="Threads of sampling and of each solver alike (SCIP takes one).")
    workers: int = Field(1, ge=1, le=1024, description="Processes; more than the cores at hand spoil the timings.")
    out: Annotated[str | None, OutputFile()] = Field(
        None,
        description="Beginning of the files to write: .jsonl (what is finished), .csv, .png. Needed to go on later.",
    )
    references: Annotated[str | None, OutputFile()] = Field(
        None, description="File of the best objectives ever seen; default: references.json beside --out."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Of sampling, greedy and rounding.")
    device: str = Field("auto", description="auto, cpu, cuda.")
    sampler: Sampler | None = _optional("sampler")
    steps: int | None = _optional("steps")
    guidance: float | None = _optional("guidance")
    objective_weight: float | None = _optional("objective_weight")


class Sampling(ProgramRequest):
    """Flags of the verbs that sample one program."""

    checkpoint: Annotated[str | None, Weights()] = Field(
        None,
        description="Name or .safetensors file of a network; none is guidance without one. "
        "Default: the bundled one that fits the program's structure, else none.",
    )
    device: str = Field("auto", description="auto, cpu, cuda.")
    picture: Annotated[str | None, OutputFile()] = Field(None, description="Picture to write: PNG.")

    def request(self, **defaults: object) -> ProgramRequest:
        """The sampling request alone: what was asked for, and the defaults where nothing was."""
        asked = self.model_dump(include=set(ProgramRequest.model_fields), exclude_unset=True)
        return ProgramRequest.model_validate({**defaults, **asked})


def _share(value: Any) -> Any:
    """A share as it stands, or written in per cent."""
    try:
        return float(value.strip().removesuffix("%")) / 100 if isinstance(value, str) and "%" in value else value
    except ValueError:
        return value


class SampleOptions(Sampling):
    """``becalm programs sample``."""

    seconds: float | None = Field(
        None,
        gt=0,
        le=86400,
        description="Search so long for good and different solutions, by starts that take turns; 10 where --distinct, "
        "--within or --start is given.",
    )
    distinct: int | None = Field(
        None, ge=1, le=100_000, description="Such a search ends before, with so many different feasible solutions."
    )
    within: Annotated[float, BeforeValidator(_share)] | None = Field(
        None, ge=0, lt=1, description="Of these, only such as are so near to the best count, and are kept: 1% or .01."
    )
    start: tuple[StartName, ...] | None = Field(
        None, min_length=1, description=f"What solutions come from, default all that fit: {LISTING}."
    )

    out: Annotated[str | None, OutputFile()] = Field(
        None, description="File to write: .npz and .json all solutions, .sol and .mst (a CBC start) the best."
    )

    @property
    def timed(self) -> bool:
        """Whether a search for a time is asked for."""
        return any(value is not None for value in (self.seconds, self.distinct, self.within, self.start))

    def idle(self) -> Mapping[str, str]:
        found = dict(super().idle())
        if not self.timed:
            return found
        found |= dict.fromkeys(("count", "first"), "where solutions are searched for a time: --distinct says how many")
        found |= dict.fromkeys(("tier", "picture"), "where solutions are searched for a time, at tier 1-opt")
        if self.start is not None and not {"guidance", *BY_NETWORK} & set(self.start):
            sampling = set(ProgramRequest.model_fields) - {"model", "seed", "search_steps", "patience"}
            found |= {name: "where no start samples" for name in sampling if name not in found}
        return found


class PageOptions(Settings):
    """The panel ``sample``."""

    renamed: ClassVar[Mapping[str, str]] = {"objective": "objective_weight"}

    model: Annotated[str | None, Upload(SUFFIXES)] = Field(
        None, description="The program; without a file, one is generated."
    )
    family: FamilyName = Field("set-cover", description="What is generated.")
    size: SizeName = Field("small", description="How large it is.")
    instance: int = Field(0, ge=0, lt=2**31, description="Which one of them.")
    checkpoint: Annotated[str | None, Weights()] = Field(
        None, description="Network; none is guidance without one. Left empty, the one that fits the program."
    )
    count: Annotated[int, Slider(1, 64)] = Field(16, ge=1, le=4096, description="How many solutions.")
    tier: Tier = Field("1-opt", description="What is done to make solutions; each does what those before it do, too.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of sampling.")
    sampler: Sampler | None = _optional("sampler")
    steps: int | None = _optional("steps")
    guidance: float | None = _optional("guidance")
    objective_weight: float | None = _optional("objective_weight")
    folder: Annotated[str, Folder()] = Field("", description="Where files are written.")


class SolveOptions(Sampling):
    """``becalm programs solve``."""

    warm_start: bool = Field(False, description="Also solve from the best sample, in the same time, and compare.")
    solver: SolverName = Field("highs", description="Which solver.")
    seconds: float = Field(30.0, gt=0, le=86400, description="Wall-clock of each run; with a warm start, sampling too.")
    threads: int = Field(1, ge=1, le=1024, description="Threads of the solver.")
    count: int = Field(30, ge=1, description="How many samples to take the best of.")
    tier: Tier = Field("1-opt", description="What is done to make samples; each does what those before it do, too.")
    out: Annotated[str | None, OutputFile()] = Field(
        None, description="File to write the best solution to: .sol, .mst, .json or .npz."
    )


class WorthOptions(Settings):
    """``becalm programs worth``."""

    checkpoint: Annotated[str, Positional()] = Field(description="Name or .safetensors file of a network.")
    family: FamilyName | None = Field(None, description="Of the instances; default: what the network was trained on.")
    size: SizeName = Field("paper", description="Of the instances.")
    first: int = Field(9000, ge=0, lt=2**31, description="Number of the first; it must not be one of those trained on.")
    folder: Annotated[str | None, Folder()] = Field(None, description="Folder of instances instead, .mps or .lp.")
    instances: int = Field(10, ge=2, description="How many.")
    samples: int = Field(30, ge=1, description="Of the network, on each.")
    calls: tuple[int, ...] = Field(
        (),
        description="First choose sampler steps among these, for both, at equal time on the instances after those.",
    )
    tier: Tier = Field("1-opt", description="What is done to make solutions of samples, with and without the network.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of sampling.")
    write: bool = Field(False, description="Keep it in the checkpoint: it is used unasked only where it is worth it.")

    @field_validator("calls")
    @classmethod
    def _check_calls(cls, calls: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(calls)) < len(calls) or not all(0 < steps <= 1000 for steps in calls):
            listed = ", ".join(map(str, calls))
            raise ValueError(f"calls must be different numbers from 1 to 1000, such as 1,2,3,5,10, got {listed}")
        return calls

    def idle(self) -> Mapping[str, str]:
        return dict.fromkeys(("family", "size", "first"), "with --folder") if self.folder is not None else {}
