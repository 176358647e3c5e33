"""Models by name: of installed plugins, of files, of the hub."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from becalm.device import building, pick
from becalm.domain import Domain, domain_class
from becalm.errors import UserError, first_line, sentence
from becalm.files import hub
from becalm.files.checkpoint import Checkpoint
from becalm.gate import network as gate
from becalm.model.model import Model
from becalm.objective import Objective
from becalm.plugin.distribution.entry import distribution
from becalm.plugin.distribution.missing import install
from becalm.plugin.find import installed, pretrained
from becalm.schedule import Schedule
from becalm.tensors import Tensors

_LOADING = threading.Lock()
_SECTIONS = {"domain": str} | dict.fromkeys(
    ("settings", "schedule", "objective", "brought", "versions", "sampling"), dict
)
_OPTIONAL = ("brought", "versions", "sampling")
_SAMPLING = frozenset({"sampler", "steps", "spacing", "times", "temperature", "guidance"})
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def load(name: str | Path, device: str = "auto", *, network: nn.Module | None = None) -> Model[Any]:
    """A pretrained model of any installed plugin by name, one from a file, or ``hf:owner/name`` from the hub.

    Args:
        network: Where the weights go; by default the domain's own. A model that ``becalm.fit`` made needs it.

    Raises:
        UserError: If there is no such name or file, it is damaged, or its domain is not installed.
    """
    file = find(name)
    with named(file):
        return replace(build(Checkpoint.read(file), pick(device), network=network), name=_called(name))


def find(name: str | Path) -> Path:
    """The checkpoint of a name, which may be a file's and may not exist then; one on the hub is downloaded.

    Raises:
        UserError: If no installed plugin and no hub has it.
    """
    if hub.named(name):
        return hub.download(str(name))
    path = Path(name)
    if path.suffix == ".safetensors" or path.is_file():
        return path
    try:
        return pretrained(str(name))[1]
    except UserError as error:
        if isinstance(name, str) and hub.may_be(name):
            raise UserError(f"{error}; on the hub it is {hub.PREFIX}{name}") from error
        raise


def shared(name: str | Path, device: str = "auto") -> Model[Any]:
    """The same as ``load``, but loaded once as long as the file is the same: for who asks again and again.

    It is safe to share: a model holds no state but its weights. Do not put hooks on its network.
    """
    file = find(name)
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    # One at a time: of two who ask for the same file at once, the second waits and finds it.
    with _LOADING:
        return _kept(file.absolute(), str(pick(device)), changed, _called(name))


@lru_cache(maxsize=8)
def _kept(file: Path, device: str, changed: int, name: str) -> Model[Any]:
    return replace(load(file, device), name=name)


def _called(name: str | Path) -> str:
    """What a model is called in the records of its results: never by a folder."""
    return str(name) if hub.named(name) else Path(name).name


def build(checkpoint: Checkpoint, device: torch.device, *, network: nn.Module | None = None) -> Model[Any]:
    """The model in a checkpoint.

    Raises:
        UserError: If its domain or a kind that it names is not installed, or its configuration does not fit this
            version.
    """
    config = dict(checkpoint.config)
    if "domain" not in config or "objective" not in config:
        raise UserError("this checkpoint is not a model that can be sampled (a classifier or a judge?)")
    if any(name.startswith("average.") for name in checkpoint.tensors):
        raise UserError("this is the state that resumes a training: name the checkpoint beside it, without .resume")
    domain, schedule, objective = parts(config)
    weights = checkpoint.below("network.")
    with building():
        if network is None:
            network = gate.fitted(domain.network, weights)
        else:
            gate.load(network, weights)
        codec = gate.fitted(domain.codec, checkpoint.below("codec."))
        if isinstance(codec, nn.Module):
            codec = codec.to(device).eval().requires_grad_(False)
        network = network.to(device).eval().requires_grad_(False)
    return Model(domain, schedule, objective, network, codec, device, config, checkpoint.digest)


def parts(config: dict[str, Any]) -> tuple[Domain[Any], Schedule, Objective]:
    """Domain, schedule and objective of a checkpoint's configuration.

    Raises:
        UserError: If one is missing, not installed, or does not fit this version.
    """
    for name, kind in _SECTIONS.items():
        if not isinstance(config.get(name, {} if name in _OPTIONAL else None), kind):
            what = "a name" if kind is str else "a table"
            raise UserError(f"the checkpoint's configuration must hold {what} {name}, got {str(config.get(name))[:60]}")
    _check_brought(config.get("brought", {}), config.get("versions", {}))
    domain = Tensors if config["domain"] == Tensors.name else domain_class(config["domain"])
    sampling = config.get("sampling", {})
    if unfit := sampling.keys() - _SAMPLING:
        raise UserError(f"a checkpoint's sampling may set {', '.join(sorted(_SAMPLING))}, got {min(unfit)[:60]!r}")
    try:
        domain.request.model_validate(sampling)
        return (
            domain.model_validate(config["settings"]),
            Schedule.model_validate(config["schedule"]),
            Objective.model_validate(config["objective"]),
        )
    except ValidationError as error:
        raise UserError(f"the checkpoint does not fit this version of becalm: {sentence(error)}") from error
    except (TypeError, KeyError, AttributeError, OverflowError) as error:  # Validators that meet what no file had.
        said = f"{type(error).__name__}: {first_line(error)}"
        raise UserError(f"the checkpoint's configuration is damaged: {said}") from error


def _check_brought(brought: Mapping[str, str], versions: Mapping[str, str]) -> None:
    """Refuses a checkpoint of what other distributions bring, where these are not installed or cannot be loaded."""
    if not brought:
        return
    plugins = installed(lambda entry: distribution(entry)[0] in brought.values())
    for what, name in brought.items():
        if not _DISTRIBUTION.fullmatch(name):  # A stranger's file must not say what to install by a line of its own.
            raise UserError(f"this checkpoint names {name!r} for what brings {what}, which is no distribution")
        mine = [plugin for plugin in plugins if plugin.distribution == name]
        broken = next((plugin.error for plugin in mine if plugin.error is not None), None)
        if mine and broken is None:
            continue
        state = "is not installed" if broken is None else f"cannot be loaded, {broken}"
        made = f" (it was made with {versions[name]})" if broken is not None and name in versions else ""
        raise UserError(f"this checkpoint needs {what}, which {name} brings and which {state}{made}: {install(name)}")


@contextmanager
def named(file: Path) -> Iterator[None]:
    """Has complaints about the content of a checkpoint name its file.

    Raises:
        UserError: In place of one that does not.
    """
    try:
        yield
    except UserError as error:
        raise UserError(str(error) if str(file) in str(error) else f"{file}: {error}") from error


def load_part(module: nn.Module, checkpoint: Checkpoint, prefix: str) -> None:
    """Loads the tensors below a prefix into a module, in the module's dtypes.

    Raises:
        UserError: If they are not the module's tensors, or not finite.
    """
    gate.load(module, checkpoint.below(prefix))
