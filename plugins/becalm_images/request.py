"""What an image is asked for by."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from becalm.plugin.paths import InputFile
from becalm.plugin.widget import Slider
from becalm.request import SampleRequest, SpacingName
from becalm_images.label import parse

_OF_LIKELIHOOD = {"likelihood", "data", "probes", "count", "first", "seed", "steps", "batch"}
_WITHOUT = "without --likelihood"
_BY_SNR = ("dpmpp2m", "dpmpp3m", "unipc")


class ImageRequest(SampleRequest):
    """Sampling request of the images domain."""

    label: tuple[int | str, ...] | Literal["any"] = Field(
        "any",
        description="Classes in turn, by name or number, such as 7 or disc,square; any: every class in turn. "
        "Guidance 0 ignores it.",
    )
    spacing: SpacingName | None = Field(
        None,
        description="How levels are spaced; default: log_snr for dpmpp2m, dpmpp3m and unipc, karras for heun, trailing "
        "for others.",
    )
    guidance: Annotated[float, Slider(0, 5)] = Field(
        1.75, ge=0, description="Classifier-free guidance: 0 unconditional, 1 conditional, above 1 sharper."
    )
    # Guiding at the noisiest times costs variety and buys nothing (docs/results.md has the table).
    guidance_high: float = Field(0.7, ge=0, le=1, description="... to here (1 is noise).")
    classifier_guidance: Annotated[float, Slider(0, 40)] = Field(
        0.0,
        ge=0,
        description="Scale of a noise-aware classifier's gradient, with dpmppsde; 0 is off; 2 to 5 is usual where "
        "it is matched to the model, 10 to 30 where not.",
    )
    # Much of it at the noisiest times costs variety, as with classifier-free guidance.
    classifier_start: float = Field(
        1.5,
        ge=0,
        description="... and its scale in pure noise, from which it grows with the share of signal; the same number as "
        "classifier_guidance is one scale throughout (Dhariwal and Nichol 2021).",
    )
    classifier: Annotated[str | None, InputFile()] = Field(
        None, description="Another classifier for it: a bundled name or a file; default: the one the model names."
    )
    threshold: Literal["static", "dynamic", "none"] = Field(
        "static", description="Keep each estimate within black and white: clip, rescale by quantile, or leave."
    )

    @property
    def spaced(self) -> SpacingName:
        """Solvers in the log of the SNR take even steps in it (Lu et al. 2022): sharp images need its small steps near
        clean. With noise in each step, and a classifier that guides, steps even in time are the better ones.
        """
        return "log_snr" if self.spacing is None and self.sampler.name in _BY_SNR else super().spaced

    def idle(self) -> Mapping[str, str]:
        found = dict(super().idle())
        if not self.classifier_guidance:
            found |= dict.fromkeys(("classifier", "classifier_start"), "where classifier guidance is 0")
            if not self.guidance:
                found["label"] = "where guidance is 0 and no classifier guides"
        return found

    @field_validator("label", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        """Accepts 7, "square", "1,2,3" and "any" beside a sequence of them."""
        return value if isinstance(value, str) and value == "any" else parse(value)


class JudgedRequest(ImageRequest):
    """Request of ``evaluate``."""

    judge: Annotated[str | None, InputFile()] = Field(
        None, description="Another judge: a bundled name or a file; default: the one the model names."
    )
    likelihood: bool = Field(
        False,
        description="Judge no samples, but say how likely --count test images are: bits per dimension by the "
        "probability-flow ODE, in --steps steps, and by the variational bound.",
    )
    data: Annotated[str | None, InputFile()] = Field(
        None, description="Folder of these test images; default: the model's own data."
    )
    probes: int = Field(1, ge=1, description="Random directions that the ODE's change of volume is estimated along.")

    def idle(self) -> Mapping[str, str]:
        if not self.likelihood:
            return {**super().idle(), "data": _WITHOUT, "probes": _WITHOUT}
        return dict.fromkeys(JudgedRequest.model_fields.keys() - _OF_LIKELIHOOD, "with --likelihood")
