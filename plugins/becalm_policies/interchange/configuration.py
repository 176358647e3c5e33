"""Configurations of LeRobot and Diffusion Policy as a recipe of ours. Imports neither.

Both are brought to LeRobot's names first (``flat``), since Diffusion Policy nests the same numbers; what each becomes
stands in ``_DIRECT``, in its network, scheduler and sampler (``lerobot_policy``), or, with a reason, in ``_LEFT``.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from becalm.errors import UserError, first_line, sentence
from becalm.gate.text import parse_json, read
from becalm.plugin.distribution.missing import explain
from becalm.train.plan import with_defaults
from becalm_policies.domain import Policies
from becalm_policies.interchange.lerobot_policy import (
    architecture_of,
    check_counts,
    objective_of,
    sampling_of,
    schedule_of,
)
from becalm_policies.interchange.lerobot_vision import is_picture, vision_of

_DIRECT: Mapping[str, str] = {
    "n_obs_steps": "settings.history",
    "horizon": "settings.horizon",
    "n_action_steps": "settings.execute",
    "drop_n_last_frames": "settings.tail",
    "batch_size": "settings.batch",
    "data": "settings.data",
    "steps": "training.steps",
    "optimizer_lr": "training.rate",
    "optimizer_weight_decay": "training.weight_decay",
    "scheduler_warmup_steps": "training.warmup",
    "accumulate": "training.accumulate",
    "ema": "training.ema",
    "seed": "training.seed",
}
"""LeRobot's name, or ours where it has none, to where it stands here."""
_NETWORK = (
    "down_dims", "kernel_size", "n_groups", "diffusion_step_embed_dim", "num_train_timesteps",
    "use_film_scale_modulation",
)  # fmt: skip
_NOISE = (
    "noise_scheduler_type", "beta_schedule", "beta_start", "beta_end", "prediction_type", "clip_sample",
    "clip_sample_range", "num_inference_steps",
)  # fmt: skip
_LEFT: Mapping[str, str] = {
    "optimizer_eps": "AdamW's is 1e-8",
    "do_mask_loss_for_padding": "--tail bounds how much a window repeats instead",
    "num_epochs": "a training has steps, or minutes",
    "n_latency_steps": "a delay is given where the policy acts",
    "input_features": "observations are read off the data",
    "output_features": "actions are read off the data",
}
"""What is of a training or a policy, and has no counterpart, with what is done instead."""
_SCALES: Mapping[str, str] = {"MIN_MAX": "range", "MEAN_STD": "mean-std", "QUANTILES": "quantile"}
"""Their ways of scaling to ours."""
_PICTURES = (
    "vision_",
    "crop_",
    "resize_",
    "spatial_softmax_",
    "pretrained_backbone",
    "use_group_norm",
    "use_separate_rgb",
)
_PRETRAINED = "pretrained_backbone_weights"
_THEIRS: Mapping[str, str] = {
    "policy.model.down_dims": "down_dims",
    "policy.model.kernel_size": "kernel_size",
    "policy.model.n_groups": "n_groups",
    "policy.model.diffusion_step_embed_dim": "diffusion_step_embed_dim",
    "policy.model.cond_predict_scale": "use_film_scale_modulation",
    "policy.noise_scheduler._target_": "noise_scheduler_type",
    "policy.num_inference_steps": "num_inference_steps",
    "optimizer.lr": "optimizer_lr",
    "optimizer.learning_rate": "optimizer_lr",
    "optimizer.betas": "optimizer_betas",
    "optimizer.eps": "optimizer_eps",
    "optimizer.weight_decay": "optimizer_weight_decay",
    "dataloader.batch_size": "batch_size",
    "training.seed": "seed",
    "training.lr_scheduler": "scheduler_name",
    "training.lr_warmup_steps": "scheduler_warmup_steps",
    "training.gradient_accumulate_every": "accumulate",
    "training.num_epochs": "num_epochs",
    "ema.max_value": "ema",
    "task.dataset.zarr_path": "data",
    **{
        f"policy.noise_scheduler.{name}": name
        for name in ("num_train_timesteps", "beta_schedule", "beta_start", "beta_end", "prediction_type", "clip_sample")
    },
}
"""Diffusion Policy's name to LeRobot's, or to ours where that has none."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A configuration as a recipe.

    Attributes:
        sections: By name, as ``becalm policies train --config`` reads them.
        left: Keys without a counterpart, and what is done instead.
        rest: Other keys: of devices, logging, the hub, and what is not known here.
    """

    sections: Mapping[str, Mapping[str, Any]]
    left: Mapping[str, str]
    rest: tuple[str, ...]

    def toml(self, source: str) -> str:
        """The file, what has no counterpart in its head."""
        head = [f"# Made of {source} by becalm policies import-config.", *(f"# {line}" for line in self.notes())]
        body = ['domain = "policies"']
        for name, values in self.sections.items():
            body += _table(name, values)
        return "\n".join([*head, *body]) + "\n"

    def notes(self) -> Iterator[str]:
        """A line for each reason why keys have no counterpart, and one for the keys that are left."""
        for reason in dict.fromkeys(self.left.values()):
            keys = [name for name, why in self.left.items() if why == reason]
            yield f"no counterpart: {', '.join(keys)}; {reason}"
        if self.rest:
            yield f"not taken over: {', '.join(self.rest)}"


def recipe(path: Path) -> Recipe:
    """The recipe of a file: LeRobot's config.json or train_config.json, or a YAML of Diffusion Policy.

    Raises:
        UserError: If it is none of these, of another policy, or a value does not do here.
    """
    config, unknown = flat(path)
    if "down_dims" not in config or "n_obs_steps" not in config:
        raise UserError(
            f"{path} holds no down_dims and n_obs_steps: it must be a configuration of a diffusion policy with a U-Net"
        )
    check_counts(path, config)
    config = {"use_film_scale_modulation": False, **config}
    betas = config.pop("optimizer_betas", None)
    training: dict[str, Any] = {"decay": _decay(config.pop("scheduler_name", None), unknown)}
    if isinstance(betas, list) and len(betas) == 2:
        training["beta1"], training["beta2"] = betas
    settings: dict[str, Any] = {"reference": "none", **_scales(config.get("normalization_mapping"))}
    schedule = schedule_of(config).model_dump(mode="json")
    settings |= {"architecture": architecture_of(config), "sampling": sampling_of(config)}
    features = config.get("input_features")
    sees = isinstance(features, Mapping) and any(is_picture(each) for each in features.values())
    if sees:
        settings["vision"] = vision_of(path, config).model_dump(mode="json")
    predicts = {"prediction": objective_of(config).prediction, "drop": 0.0}
    sections = {"settings": settings, "schedule": schedule, "objective": predicts, "training": training}
    for name in [name for name in config if name in _DIRECT]:
        section, _, key = _DIRECT[name].partition(".")
        if config[name] is not None:
            sections[section][key] = config[name]
    left = {name: reason for name, reason in _LEFT.items() if name in config}
    if other := _other_scales(config.get("normalization_mapping")):
        left["normalization_mapping"] = f"{', '.join(other)}: scaled are vectors, by {', '.join(_SCALES.values())}"
    pictures = [name for name in config if name.startswith(_PICTURES)]
    if not sees:
        left |= dict.fromkeys(pictures, "how pictures are seen is told by --vision")
    elif config.get(_PRETRAINED) is not None:
        left[_PRETRAINED] = "encoders begin from random weights"
    known = {*pictures, *_DIRECT, *_NETWORK, *_NOISE, *left, "normalization_mapping"}
    _check(path, sections)
    return Recipe(sections, left, tuple(sorted({*unknown, *(name for name in config if name not in known)})))


def _scales(mapping: Any) -> dict[str, list[str]]:
    """How observations and actions are scaled, where ``normalization_mapping`` says what there is here."""
    known = {kind: _SCALES[mode] for kind, mode in _modes(mapping).items() if mode in _SCALES}
    found = {}
    if "STATE" in known:
        apart = known.get("ENV", known["STATE"]) != known["STATE"]
        found["normalise"] = [known["STATE"], *([f"observation.environment_state={known['ENV']}"] if apart else [])]
    elif "ENV" in known:
        found["normalise"] = [known["ENV"]]
    return found | ({"normalise_actions": [known["ACTION"]]} if "ACTION" in known else {})


def _other_scales(mapping: Any) -> list[str]:
    """What ``normalization_mapping`` says that there is not here, but of pictures."""
    return [f"{kind} {mode}" for kind, mode in _modes(mapping).items() if mode not in _SCALES and kind != "VISUAL"]


def _modes(mapping: Any) -> dict[str, str]:
    return {str(kind): str(mode) for kind, mode in mapping.items()} if isinstance(mapping, Mapping) else {}


def flat(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The configuration under LeRobot's names, and the keys that were none of them.

    Raises:
        UserError: If the file is neither JSON nor YAML, or damaged.
    """
    if path.suffix in (".yaml", ".yml"):
        found = _resolved(dict(_leaves(_yaml(path))))
        config = {_THEIRS.get(name, name): value for name, value in found.items() if name in _THEIRS or "." not in name}
        if "noise_scheduler_type" in config:
            config["noise_scheduler_type"] = str(config["noise_scheduler_type"]).rpartition(".")[2][:4]
        if isinstance(config.get("n_action_steps"), int):
            # Its windows are padded by so much after an episode's end.
            config.setdefault("drop_n_last_frames", config["n_action_steps"] - 1)
        return config, [name for name in found if name not in _THEIRS and "." in name]
    if path.suffix != ".json":
        raise UserError(f"a configuration ends in .json (LeRobot) or .yaml (Diffusion Policy), got {path}")
    table = parse_json(read(path, "file"), f"file {path}")
    if not isinstance(table, dict):
        raise UserError(f"file {path} must hold an object, got {type(table).__name__}")
    policy = table.get("policy")
    if not isinstance(policy, dict):
        return table, []
    named = table.get("dataset")
    dataset = named if isinstance(named, dict) else {}
    asked = {name: table[name] for name in ("steps", "batch_size", "seed") if name in table}
    data = dataset.get("root") or dataset.get("repo_id")
    others = [name for name in table if name not in {*asked, "policy", "dataset"}]
    return {**policy, **asked, **({"data": data} if data else {})}, others


def _yaml(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise UserError(explain("yaml", who=f"{path}")) from error
    text = read(path, "file")
    try:
        # An alias may stand for a part that holds two aliases, and so on: a few lines for billions of values.
        aliases = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        table = {} if aliases else yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"file {path} is not valid YAML: {first_line(error)}") from error
    if aliases:
        raise UserError(f"file {path} has aliases: write out what they stand for")
    if not isinstance(table, dict):
        raise UserError(f"file {path} must hold a table, got {type(table).__name__}")
    return table


def _leaves(table: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _resolved(found: Mapping[str, Any]) -> dict[str, Any]:
    """Values with ``${name}`` as what it names; what is more than a name stays as it is."""
    table = {}
    for name, value in found.items():
        reference = re.fullmatch(r"\$\{([\w.]+)\}", value) if isinstance(value, str) else None
        table[name] = found.get(reference[1], value) if reference else value
    return table


def _decay(name: Any, unknown: list[str]) -> str:
    if name in ("cosine", None):
        return "cosine"
    if name not in ("constant", "constant_with_warmup"):
        unknown.append("scheduler_name")
    return "constant"


def _check(path: Path, sections: Mapping[str, Mapping[str, Any]]) -> None:
    parts = {name: dict(values) for name, values in sections.items() if name != "settings"}
    try:
        Policies.model_validate(sections["settings"])
    except ValidationError as error:
        raise UserError(f"{path} does not do here: {sentence(error)}") from error
    with_defaults(Policies, **parts)


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """The lines of a table, and those of the tables within it after them."""
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping) and value is not None}
    # Numbers, text and lists of JSON are TOML's; its objects are not.
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    inner = [_table(f"{name}.{key}", value) for key, value in values.items() if isinstance(value, Mapping)]
    return [*(["", f"[{name}]", *lines] if lines else []), *(line for table in inner for line in table)]
