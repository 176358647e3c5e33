"""Flags of the verbs that only policies have. Imports no torch."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from becalm.plugin.paths import InputFile, OutputFile
from becalm.plugin.report import Positional
from becalm.plugin.settings import Settings
from becalm.plugin.widget import Sketch, Slider, Weights
from becalm.request import PrecisionName, SampleRequest, SpacingName
from becalm.sampler import Sampler
from becalm_policies.control.execution import Execution
from becalm_policies.demonstrations.keys import ActionKey, Keys, Subset
from becalm_policies.request import PolicyRequest


class RecordOptions(Settings):
    """``becalm policies record``."""

    env: str = Field(description="Environment, as gymnasium knows it; module:Id imports a module first.")
    demonstrator: str = Field(
        description="Who plays: heuristic (LunarLander-v3, BipedalWalker-v3), expert (becalm/Fork-v0, becalm/Claw-v0), "
        "random, or module:function of your own, called with an observation and perhaps env or rng."
    )
    episodes: int = Field(50, ge=1, description="How many episodes to keep.")
    out: Annotated[str, OutputFile()] = Field(description="File to write: .npz, or a folder or .hdf5 for Minari.")
    min_return: float | None = Field(
        None, allow_inf_nan=False, description="Keep only episodes with at least this return."
    )
    tries: int | None = Field(None, ge=1, description="Episodes to play at most; default: 40 for each to keep.")
    limit: int | None = Field(None, ge=1, description="Steps of an episode at most; default: the environment's limit.")
    pixels: int | None = Field(
        None,
        ge=8,
        le=2048,
        description="Record pictures too, so many pixels high and wide, as camera image; .npz only.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="The first episode's; the next ones count up from it.")
    resume: bool = Field(False, description="Go on with the recording in --out.")


class BaselinesOptions(Settings):
    """``becalm policies baselines``."""

    instead: ClassVar[Mapping[str, str]] = {"minutes": "steps"}

    env: str = Field(
        "becalm/Claw-v0", description="Environment, as gymnasium knows it; module:Id imports a module first."
    )
    data: Annotated[str | None, InputFile()] = Field(
        None, description="Demonstrations of it; default: recorded now, from its own demonstrator."
    )
    demonstrations: int = Field(2000, ge=1, description="How many to record, without --data.")
    methods: tuple[str, ...] = Field(
        ("mse", "k-means", "mip", "diffusion", "diffusion-x", "diffusion-kde", "flow"),
        min_length=1,
        description="Which of mse, k-means, mip, diffusion, diffusion-x, diffusion-kde, flow.",
    )
    architecture: str = Field("mlp-small", description="Preset of the network that all are trained with.")
    steps: int | None = Field(4000, ge=1, description="Training steps of each; no limit where only minutes are given.")
    minutes: float | None = Field(
        None, gt=0, description="Wall-clock to train each for; with steps too, what ends first."
    )
    episodes: int = Field(1000, ge=1, description="Episodes that each is judged by.")
    parallel: int = Field(250, ge=1, description="Environments at a time.")
    seed: int = Field(0, ge=0, lt=2**31, description="Weights, order, noise, demonstrations.")
    out: Annotated[str | None, OutputFile()] = Field(
        None, description="Picture to write: PNG, where each method's actions went."
    )


def _asked(name: str) -> Any:
    """A field of the sampling request that may be left out."""
    field = PolicyRequest.model_fields[name]
    default = getattr(field.default, "name", field.default)
    default = "" if default in (None, 0) else f" Default: {default}."
    return Field(None, description=f"{field.description}{default}")


class StoreOptions(Settings):
    """``becalm policies store``."""

    data: Annotated[str, Positional(), InputFile()] = Field(
        description="Demonstrations of any format: zarr, .hdf5, the folder of a Minari or LeRobot dataset."
    )
    cameras: tuple[str, ...] = Field(
        (), description="Whose pictures to keep, by the last word of a name; default: all."
    )
    pixels: int | None = Field(None, ge=8, le=2048, description="Bring pictures to so many pixels high and wide.")
    out: Annotated[str, OutputFile()] = Field(description="Store to write: .npz; its pictures lie beside it.")


class RenderOptions(Settings):
    """``becalm policies render``."""

    data: Annotated[str, Positional(), InputFile()] = Field(
        "pusht", description="Demonstrations of Push-T with its state: pusht, or a file of them."
    )
    prepare: tuple[str, ...] = Field(
        (), description="What is done to the demonstrations first, in order: pusht_align, pusht_mirror."
    )
    size: int = Field(96, ge=8, le=512, description="Height and width of the pictures, pixels.")
    out: Annotated[str, OutputFile()] = Field(description="Store to write: .npz; its pictures lie beside it.")


class RolloutOptions(Execution):
    """Where and how policies are rolled out to be judged."""

    renamed: ClassVar[Mapping[str, str]] = SampleRequest.renamed

    env: str | None = Field(
        None, description="Environment, as gymnasium knows it; module:Id imports a module first. Default: the policy's."
    )
    protocol: Literal["chi", "lerobot", "gym"] | None = Field(
        None,
        description="Starts and length: chi (Push-T, 50 starts), lerobot (Push-T, 500), gym (any environment, 100). "
        "Default: chi for Push-T, else gym.",
    )
    episodes: int | None = Field(None, ge=1, description="Episodes; default: as many as the protocol has.")
    first: int = Field(0, ge=0, lt=2**31, description="Number of the first episode, to play a protocol in parts.")
    limit: int | None = Field(None, ge=1, description="Steps of an episode at most; default: the protocol's.")
    perturb: tuple[str, ...] = Field(
        (),
        description="What is changed about the environment, untold to the policy: noise=0.02 (of observations, a share "
        "of their range), delay=2 (steps that they come late); Push-T: friction=0.5, goal=20 (pixels).",
    )
    parallel: int = Field(50, ge=1, description="Environments at a time; on a CPU it changes nothing but speed.")
    rows: int | None = Field(
        16,
        ge=1,
        description="Chunks that the network computes at a time, the last ones padded, so that no bit depends on how "
        "many environments there are. 1, 16 or 64.",
    )
    workers: int = Field(0, ge=0, description="If above 0: so many environments at a time, a process for each.")
    device: str = Field("auto", description="auto, cpu, cuda.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of the policy's noise; with gym also of the first start.")
    sampler: Sampler | None = _asked("sampler")
    steps: int | None = _asked("steps")
    spacing: SpacingName | None = _asked("spacing")
    times: tuple[float, ...] | None = _asked("times")
    extra: int | None = _asked("extra")
    temperature: float | None = _asked("temperature")
    guidance: float | None = _asked("guidance")
    avoid: tuple[float, ...] | None = _asked("avoid")
    avoid_scale: float | None = _asked("avoid_scale")
    bounds_scale: float | None = _asked("bounds_scale")
    precision: PrecisionName | None = _asked("precision")


class EvaluateOptions(RolloutOptions):
    """``becalm policies evaluate``."""

    checkpoint: Annotated[str, Positional(), Weights()] = Field(
        "pusht", description="Pretrained name or .safetensors file."
    )
    data: Annotated[str | None, InputFile()] = Field(
        None,
        description="Demonstrations: judge the policy's actions by these, beside regression, instead of playing.",
    )
    out: Annotated[str | None, OutputFile()] = Field(
        None, description="Folder for the episodes (CSV), a plot, and animations of best, median, worst."
    )
    video: Literal["gif", "mp4", "none"] = Field("gif", description="Kind of the animations in --out.")
    resume: bool = Field(False, description="Go on with the evaluation in --out.")


class ForecastOptions(Settings):
    """``becalm policies forecast``."""

    checkpoint: Annotated[str, Positional(), Weights()] = Field(
        "pusht", description="The policy that it is for: pretrained name or .safetensors file."
    )
    data: Annotated[str | None, InputFile()] = Field(
        None, description="Demonstrations, or what a policy did; default: what the policy was trained on."
    )
    steps: int = Field(6000, ge=1, description="Training steps.")
    width: int = Field(256, ge=1, le=8192, description="Of the hidden layers.")
    layers: int = Field(3, ge=1, le=64, description="Hidden layers.")
    holdout: float = Field(
        0.1, ge=0, lt=1, description="Share of the demonstrations kept out, to judge by; 0 learns from all."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Of weights and order.")
    out: Annotated[str, OutputFile()] = Field("forecast.safetensors", description="File to write.")


class CompareOptions(RolloutOptions):
    """``becalm policies compare``; what was called so in 0.1 is ``becalm policies baselines``."""

    moved: ClassVar[Mapping[str, str]] = dict.fromkeys(BaselinesOptions.model_fields, "becalm policies baselines")

    policies: Annotated[tuple[str, ...], Positional()] = Field(
        (),
        description="Two or more, each compared with the first: a pretrained name or a .safetensors file, perhaps with "
        "settings of its own, as in pusht:steps=1,sampler=ddim.",
    )
    repeats: int = Field(
        2,
        ge=1,
        le=100,
        description="Episodes from each start, each with the noise of the next seed: two from "
        "each of 500 starts see smaller differences than one.",
    )
    control: bool = Field(
        True, description="Compare the first policy with itself under other noise: what chance alone makes of it."
    )
    out: Annotated[str | None, OutputFile()] = Field(
        None, description="Folder for the episodes of each policy (CSV), the tables and a plot."
    )
    resume: bool = Field(False, description="Go on with the comparison in --out.")


class WatchOptions(Settings):
    """The panel ``watch``."""

    renamed: ClassVar[Mapping[str, str]] = {"fan": "chunks"}

    checkpoint: Annotated[str, Weights()] = Field("pusht", description="Policy, and with it the environment.")
    obstacle: Annotated[str | None, Sketch("disc", "becalm_policies.verbs.watch:ground", ("checkpoint", "episode"))] = (
        Field(None, description="Put down an obstacle that guidance avoids: press in its middle and draw outwards.")
    )
    avoid_scale: Annotated[float, Slider(0, 4)] = Field(1.5, ge=0, description="Strength of that guidance.")
    chunks: Annotated[int, Slider(1, 32)] = Field(
        16, ge=1, le=256, description="Chunks that are shown where one is planned; one of them is executed."
    )
    episode: int = Field(0, ge=0, lt=2**31, description="Which start.")
    seed: int = Field(0, ge=0, lt=2**31, description="Of the policy's noise.")
    sampler: Sampler | None = _asked("sampler")
    steps: int | None = _asked("steps")
    execute: int | None = Field(
        None, ge=1, description="Actions executed before the next chunk is planned; default: as trained."
    )
    limit: int | None = Field(None, ge=1, description="Steps at most; default: the environment's.")


class InspectOptions(Settings):
    """``becalm policies inspect``."""

    file: Annotated[str, Positional(), InputFile()] = Field(
        description="Demonstrations: a .npz, .hdf5 or zarr, the folder of a Minari or LeRobot dataset, or pusht."
    )
    observe: Keys = Field(Keys(), description="What is observed.")
    action_key: ActionKey = ()
    subset: Subset = ""
    out: Annotated[str, OutputFile()] = Field("inspect.png", description="PNG to write: paths and histograms.")


class FromLeRobotOptions(Settings):
    """``becalm policies from-lerobot``."""

    folder: Annotated[str, Positional()] = Field(
        description="Folder of a LeRobot DiffusionPolicy: config.json, model.safetensors, policy_preprocessor files."
    )
    out: str = Field(description="Checkpoint to write, .safetensors.")


class ImportConfigOptions(Settings):
    """``becalm policies import-config``."""

    file: Annotated[str, Positional(), InputFile()] = Field(
        description="LeRobot's config.json or train_config.json, or a .yaml of Diffusion Policy."
    )
    out: Annotated[str, OutputFile()] = Field("recipe.toml", description="Recipe to write, for train --config.")
