"""A checkpoint as a pipeline folder of diffusers, and such a folder as a checkpoint. Imports no diffusers.

    model_index.json   which pipeline, of which parts
    unet/              config.json and diffusion_pytorch_model.safetensors
    scheduler/         scheduler_config.json

A network of kind ``unet2d`` becomes their ``UNet2DModel``, weight for weight. The other networks have no counterpart
there: they go as they are, and ``becalm_images.adapter``, which has to be imported over there, runs them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor

from becalm.errors import UserError, sentence
from becalm.files.checkpoint import Checkpoint, read_tensors
from becalm.gate.text import read_table
from becalm.model import Model
from becalm.objective import Denoising, Hybrid
from becalm_images.domain import Images
from becalm_images.interchange.scheduler import prediction_of, schedule_of, to_config
from becalm_images.interchange.unet_config import config_of, domain_of, sizes
from becalm_images.label import Label
from becalm_images.networks.architecture import UNet2DShape
from becalm_images.networks.margins import margins

WEIGHTS = "diffusion_pytorch_model.safetensors"
FILES = ("model_index.json", "unet/config.json", f"unet/{WEIGHTS}", "scheduler/scheduler_config.json")
ADAPTER = ["becalm_images.adapter", "Adapter"]
STEPS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The files of a pipeline: JSON by path, and the weights.

    Attributes:
        exact: Whether the network is a UNet2DModel, so that no adapter is needed.
    """

    configs: Mapping[str, Mapping[str, Any]]
    tensors: Mapping[str, Tensor]
    exact: bool

    def files(self) -> dict[str, bytes]:
        """The content by relative path."""
        texts = {name: (json.dumps(config, indent=2) + "\n").encode() for name, config in self.configs.items()}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()}
        return {**texts, f"unet/{WEIGHTS}": save(tensors, metadata={"format": "pt"})}


def pipeline(model: Model[Any], label: Label) -> Pipeline:
    """The pipeline of a model.

    Args:
        label: The class that it draws. The pipelines of diffusers know no classes: ``null`` draws without one, ``all``
            keeps them, for loops of one's own that pass ``class_labels``.

    Raises:
        UserError: If the model does not go over, or the label is none of its.
    """
    domain = model.domain
    if not isinstance(domain, Images):
        raise UserError(f"only image models go over to diffusers, got one of domain {domain.name!r}")
    shape = domain.architecture
    steps = shape.timesteps if isinstance(shape, UNet2DShape) else STEPS
    scheduler = to_config(model.schedule, model.objective, steps)
    number = _number(domain, label)
    state = dict(model.network.state_dict())
    # Theirs has no margins for sides that do not halve so often.
    exact = isinstance(shape, UNet2DShape) and not any(
        margins(domain.height, domain.width, 2 ** (len(shape.widths) - 1))
    )
    if isinstance(shape, UNet2DShape) and exact:
        part, config = ["diffusers", "UNet2DModel"], config_of(domain, shape, keep=label == "all")
        if "class_embedding.weight" in state and number is not None:
            # What is added to every embedding can as well stand in the last bias.
            embedding = state.pop("class_embedding.weight")[number]
            state["time_embedding.linear_2.bias"] = state["time_embedding.linear_2.bias"] + embedding
    else:
        model_config = {name: value for name, value in model.config.items() if name != "training"}
        part, config = ADAPTER, {**sizes(domain), "model": model_config, "label": number}
        state = {f"network.{name}": tensor for name, tensor in state.items()}
    index = {"_class_name": "DDPMPipeline", "unet": part, "scheduler": ["diffusers", "DDPMScheduler"]}
    configs = {
        "model_index.json": index,
        "unet/config.json": {"_class_name": part[1], **config},
        "scheduler/scheduler_config.json": scheduler,
    }
    return Pipeline(configs, state, exact=exact)


def read(folder: Path, *, null_class: bool = False) -> tuple[Checkpoint, dict[str, Any]]:
    """The checkpoint of a pipeline folder, and the configuration of its scheduler.

    Args:
        null_class: Whether the last of its class embeddings is the null class.

    Raises:
        UserError: If it holds no pipeline of a UNet2DModel, or one that has no counterpart here.
    """
    index = _json(folder / "model_index.json")
    part = index.get("unet")
    scheduler = _json(folder / "scheduler" / "scheduler_config.json")
    config = _json(folder / "unet" / "config.json")
    tensors = _tensors(folder / "unet")
    if part == ADAPTER:
        model = dict(config.get("model", {}))
        return _checkpoint(_domain(model.get("settings", {})), tensors, model), scheduler
    if part != ["diffusers", "UNet2DModel"]:
        raise UserError(f"{folder} holds a pipeline of {part}, not of a UNet2DModel: only that has a counterpart here")
    steps = int(scheduler.get("num_train_timesteps", STEPS))
    settings = domain_of(config, steps=steps, null_class=null_class)
    kind = Hybrid if settings.outputs == 2 else Denoising
    objective = kind(prediction=prediction_of(scheduler))
    parts = {"settings": settings, "schedule": schedule_of(scheduler), "objective": objective}
    described = {name: part.model_dump(mode="json") for name, part in parts.items()}
    weights = {f"network.{_name_today(name)}": tensor.float() for name, tensor in tensors.items()}
    return _checkpoint(settings, weights, {"domain": settings.name, **described, "step": 0}), scheduler


def _checkpoint(domain: Images, tensors: Mapping[str, Tensor], config: dict[str, Any]) -> Checkpoint:
    """Weights and codec; the pixels of a pipeline lie in [-1, 1] as ours do."""
    codec = {f"codec.{name}": tensor for name, tensor in domain.codec().state_dict().items()}
    return Checkpoint({**tensors, **codec}, config)


def _domain(settings: object) -> Images:
    try:
        return Images.model_validate(settings)
    except ValidationError as error:
        raise UserError(f"unet/config.json does not fit this version of becalm: {sentence(error)}") from error


def _number(domain: Images, label: Label) -> int | None:
    """The label as a number; None where classes stay, or where there are none."""
    known = getattr(domain.architecture, "conditioning", "guided")
    if label == "all" or known == "none":
        return None
    if label == "null":
        if known == "classes":
            raise UserError("this network has no null class: name a class by --label, or all")
        return domain.classes
    return domain.number(label)


def _name_today(name: str) -> str:
    """A weight's name as it is today; attention had other ones before 2023."""
    for old, new in (("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")):
        name = name.replace(f".{old}.", f".{new}.")
    return name


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UserError(f"{path} is missing: name the folder of a diffusers pipeline")
    return read_table(path, "file")


def _tensors(folder: Path) -> dict[str, Tensor]:
    path = folder / WEIGHTS
    if not path.exists():
        others = ", ".join(sorted(file.name for file in folder.glob("*") if file.suffix != ".json")) or "no weights"
        raise UserError(f"{folder} holds {others}, not {WEIGHTS}: save the pipeline with safe_serialization=True")
    return read_tensors(path)
