"""The configuration of a UNet2DModel of diffusers, to and from the sizes of ours (``architecture.UNet2DShape``)."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from becalm.errors import UserError, sentence
from becalm_images.domain import Images
from becalm_images.networks.architecture import UNet2DShape

_DEFAULTS: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "block_out_channels": [224, 448, 672, 896],
    "layers_per_block": 2,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
    "attention_head_dim": 8,
    "num_class_embeds": None,
}
# What a UNet2DModel can be and ours is not; what it is unless it says otherwise comes first.
_FIXED: dict[str, tuple[Any, ...]] = {
    "center_input_sample": (False,),
    "time_embedding_type": ("positional",),
    "mid_block_type": ("UNetMidBlock2D",),
    "mid_block_scale_factor": (1,),
    "downsample_type": ("conv",),
    "upsample_type": ("conv",),
    "act_fn": ("silu", "swish"),
    "class_embed_type": (None,),
    "resnet_time_scale_shift": ("default", "scale_shift"),
}
_SAME = {
    "layers_per_block": "blocks",
    "block_out_channels": "widths",
    "add_attention": "middle_attention",
    "attention_head_dim": "head_width",
    "norm_num_groups": "groups",
    "attn_norm_num_groups": "middle_groups",
    "norm_eps": "epsilon",
    "downsample_padding": "padding",
    "dropout": "dropout",
    "flip_sin_to_cos": "cosine_first",
    "freq_shift": "shift",
}
# Where UNet2DModel's own defaults are not ours.
_THEIRS = {"groups": 32, "scaled": False}


def sizes(domain: Images) -> dict[str, Any]:
    """The sizes of the images, as their networks have them."""
    size = [domain.height, domain.width]
    return {"sample_size": size, "in_channels": domain.channels, "out_channels": domain.channels * domain.outputs}


def config_of(domain: Images, shape: UNet2DShape, *, keep: bool) -> dict[str, Any]:
    """The configuration of a UNet2DModel.

    Args:
        keep: Whether it keeps its classes.
    """
    attends = ["Attn" if rank in shape.attention else "" for rank in range(len(shape.widths))]
    known = domain.classes + (shape.conditioning == "guided")
    settings = shape.model_dump(mode="json")
    return {
        **sizes(domain),
        **{theirs: settings[ours] for theirs, ours in _SAME.items()},
        "down_block_types": [f"{attend}DownBlock2D" for attend in attends],
        "up_block_types": [f"{attend}UpBlock2D" for attend in reversed(attends)],
        "resnet_time_scale_shift": "scale_shift" if shape.scaled else "default",
        "num_class_embeds": known if keep and shape.conditioning != "none" else None,
    }


def domain_of(config: Mapping[str, Any], *, steps: int, null_class: bool) -> Images:
    """The domain whose network is the UNet2DModel of a configuration.

    Args:
        steps: Indices of its scheduler.
        null_class: Whether the last class embedding is the null class.

    Raises:
        UserError: If it has parts that ours has not.
    """
    settings = {**_DEFAULTS, **config}
    for name, allowed in _FIXED.items():
        if settings.get(name, allowed[0]) not in allowed:
            known = " or ".join(map(repr, allowed))
            raise UserError(f"this UNet2DModel has {name} {settings[name]!r}, unet2d has {known}")
    width, wanted = settings.get("time_embedding_dim"), 4 * settings["block_out_channels"][0]
    if width not in (None, wanted):
        raise UserError(f"this UNet2DModel has time_embedding_dim {width}, unet2d four times its first width, {wanted}")
    known = settings["num_class_embeds"]
    if null_class and (known is None or known < 2):
        raise UserError(f"a null class beside others needs at least 2 class embeddings, this UNet2DModel has {known}")
    conditioning = "none" if known is None else "guided" if null_class else "classes"
    try:
        shape = {
            **_THEIRS,
            **{ours: settings[theirs] for theirs, ours in _SAME.items() if theirs in settings},
            "attention": _attention(settings),
            "scaled": settings.get("resnet_time_scale_shift") == "scale_shift",
            "timesteps": steps,
            "conditioning": conditioning,
        }
        return Images.model_validate(
            {
                **_image(settings),
                "classes": 1 if known is None else known - null_class,
                "architecture": {"kind": "unet2d", **shape},
            }
        )
    except ValidationError as error:
        raise UserError(f"this UNet2DModel has no counterpart: {sentence(error)}") from error


def _image(settings: Mapping[str, Any]) -> dict[str, Any]:
    size, channels, outputs = settings.get("sample_size"), settings["in_channels"], settings["out_channels"]
    if size is None:
        raise UserError("this UNet2DModel names no sample_size: write that of its images into its config.json")
    height, width = (size, size) if isinstance(size, int) else size
    if outputs not in (channels, 2 * channels):
        raise UserError(f"this UNet2DModel makes {outputs} channels of {channels}: one or two per channel would do")
    return {"channels": channels, "height": height, "width": width, "outputs": outputs // channels}


def _attention(settings: Mapping[str, Any]) -> list[int]:
    down, up = settings["down_block_types"], settings["up_block_types"]
    for name in (*down, *up):
        if name not in ("DownBlock2D", "AttnDownBlock2D", "UpBlock2D", "AttnUpBlock2D"):
            raise UserError(f"this UNet2DModel has blocks of type {name!r}, unet2d has DownBlock2D and AttnDownBlock2D")
    attends = [name.startswith("Attn") for name in down]
    if attends != [name.startswith("Attn") for name in reversed(up)]:
        raise UserError("this UNet2DModel attends on the way down elsewhere than on the way up, unet2d on both alike")
    return [rank for rank, attend in enumerate(attends) if attend]
