"""What to sample: one pydantic model is the command line's flags, the web form and the keyword arguments of
``Model.sample``.

Imports no torch, so that help texts answer at once.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from becalm.plugin.settings import Settings
from becalm.plugin.widget import Slider
from becalm.sampler import DPMpp2M, Sampler

SpacingName = Literal["trailing", "leading", "linspace", "karras", "log_snr"]
PrecisionName = Literal["auto", "fp32", "bf16"]


class SampleRequest(Settings):
    """What every domain's samples are asked for by; a domain adds its own fields in a subclass."""

    renamed: ClassVar[Mapping[str, str]] = {
        "eta": "sampler.eta",
        "churn": "sampler.churn",
        "variance": "sampler.variance",
    }

    count: Annotated[int, Slider(1, 100)] = Field(16, ge=1, description="How many samples.")
    first: int = Field(
        0,
        ge=0,
        lt=2**31,
        description="Number of the first sample, to draw a seed's samples in parts.",
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Sample i of a seed is the same in any batch.")
    sampler: Sampler = Field(DPMpp2M(), description="How to walk from noise to data.")
    steps: Annotated[int, Slider(1, 100)] = Field(20, ge=1, le=100_000, description="Sampler steps.")
    spacing: SpacingName | None = Field(
        None,
        description="How levels are spaced; default: trailing; of heun, langevin and reverse_sde karras, "
        "which starts at finite noise.",
    )
    times: tuple[float, ...] | None = Field(
        None,
        description="Visit exactly these noise times, descending, such as 1,0.1; then steps and spacing are unused.",
    )
    extra: int = Field(
        0, ge=0, le=100_000, description="Denoise this often again at the lowest noise, without noise (Diffusion-X)."
    )
    temperature: float = Field(
        1.0, ge=0, description="Spread of the starting noise, and of that alone; 0 starts from its mean."
    )
    guidance: Annotated[float, Slider(0, 5)] = Field(
        1.0, ge=0, description="Classifier-free guidance: 0 unconditional, 1 conditional, above 1 sharper."
    )
    guidance_low: float = Field(0.0, ge=0, le=1, description="Guide only at times from here (0 is clean) ...")
    guidance_high: float = Field(1.0, ge=0, le=1, description="... to here (1 is noise).")
    rescale: float = Field(0.0, ge=0, le=1, description="Share of the spread that guidance widened to take back.")
    batch: int = Field(250, ge=1, description="Samples computed at a time; changes nothing but memory and speed.")
    precision: PrecisionName = Field(
        "fp32", description="Arithmetic of the network's matrix products; auto: bf16 on GPUs that have it, else fp32."
    )

    @model_validator(mode="before")
    @classmethod
    def _same_sampler(cls, value: Any) -> Any:
        """Naming the kind of sampler that is the default means the default, with its settings."""
        usual = cls.model_fields["sampler"].default
        if isinstance(value, Mapping) and value.get("sampler") in (usual.name, {"kind": usual.name}):
            return {**value, "sampler": usual}
        return value

    @model_validator(mode="after")
    def _check(self) -> "SampleRequest":
        if self.guidance_low > self.guidance_high:
            raise ValueError(
                f"guidance_low must not be above guidance_high, got {self.guidance_low} and {self.guidance_high}"
            )
        if self.times is not None:
            check_times(self.times)
        return self

    def idle(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        if self.guidance in (0, 1):
            found |= dict.fromkeys(("guidance_low", "guidance_high", "rescale"), f"where guidance is {self.guidance:g}")
        if self.times is not None:
            found |= dict.fromkeys(("steps", "spacing"), "where times are given")
        return found

    @property
    def spaced(self) -> SpacingName:
        """How levels are spaced: as asked for, or as the sampler wants it."""
        return self.spacing or self.sampler.spacing  # type: ignore[return-value]

    @property
    def updates(self) -> int:
        """The steps that a run yields: those of the path, and the extra ones."""
        return (self.steps if self.times is None else len(self.times)) + self.extra


def check_times(times: Sequence[float]) -> None:
    """Refuses times that no path can visit.

    Raises:
        ValueError: If there are none, or they do not descend strictly within (0, 1].
    """
    ordered = all(earlier > later for earlier, later in pairwise(times))
    if not (times and ordered and times[-1] > 0 and times[0] <= 1):
        listed = ", ".join(f"{time:g}" for time in times) or "none"
        raise ValueError(f"times must descend strictly within (0, 1], got {listed}")
