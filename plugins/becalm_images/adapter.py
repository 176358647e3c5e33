"""A becalm image network as a model of diffusers: what a pipeline calls, whatever the network.

    import becalm_images.adapter
    from diffusers import DDIMPipeline

    pipeline = DDIMPipeline.from_pretrained("folder")

diffusers loads a class that is not its own only if its module has been imported before, which the first line does.
"""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import TypeAdapter
from torch import Tensor

from becalm.errors import UserError
from becalm.plugin.distribution.missing import explain
from becalm.schedule import Schedule
from becalm_images.domain import Images

try:
    from diffusers import ConfigMixin, ModelMixin
    from diffusers.configuration_utils import register_to_config
    from diffusers.models.unets.unet_2d import UNet2DOutput
except ModuleNotFoundError as error:
    raise UserError(explain(str(error.name), who=__name__)) from error

_SCHEDULE: TypeAdapter[Schedule] = TypeAdapter(Schedule)


class Adapter(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A network told of a level, called as those that are told of an index: level i is our time (i + 1) / steps.

    Args:
        sample_size: Height and width; with the channels what a pipeline asks for.
        model: The checkpoint's configuration: domain, settings, schedule, objective.
        label: The class that it draws where the caller names none.
        steps: Indices of the scheduler.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        sample_size: tuple[int, int],
        in_channels: int,
        out_channels: int,
        model: Mapping[str, Any],
        label: int | None = None,
        steps: int = 1000,
    ) -> None:
        super().__init__()
        domain = Images.model_validate(model["settings"])
        self.schedule = _SCHEDULE.validate_python(model["schedule"])
        self.network = domain.network()

    def forward(
        self, sample: Tensor, timestep: Tensor | float, class_labels: Tensor | None = None, return_dict: bool = True
    ) -> UNet2DOutput | tuple[Tensor]:
        """The network's output.

        Args:
            sample: Noisy images, (B, channels, height, width).
            timestep: Index, one or (B,).
            class_labels: (B,) integers; the null class is the number of classes.

        Raises:
            ValueError: If no label is given, here or to the class.
        """
        if class_labels is None:
            if self.config.label is None:
                raise ValueError("this network has classes: pass class_labels")
            class_labels = torch.full((len(sample),), self.config.label, device=sample.device)
        index = torch.as_tensor(timestep, dtype=torch.float64).cpu()
        level = self.schedule((index + 1) / self.config.steps)
        output = self.network(sample, level if level.t.dim() == 0 else level.spread(sample), class_labels)
        return UNet2DOutput(sample=output) if return_dict else (output,)
