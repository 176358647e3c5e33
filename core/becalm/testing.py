"""What every domain promises, as functions that a plugin's own tests call.

    from becalm.testing import check_domain, check_plugin

    def test_my_domain_keeps_the_contract() -> None:
        check_domain(MyDomain(), request={"count": 3})

    def test_becalm_finds_my_plugin() -> None:
        check_plugin("mine")

Each check raises ``ContractError`` with a sentence that names the promise. None needs a trained network; only
``check_plugin`` needs the plugin to be installed.
"""

import inspect
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.cond import join, take
from becalm.domain import Domain
from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import gradient
from becalm.model import Model, load_part
from becalm.objective.draw import Objective
from becalm.plugin.find import installed, resolve, resource
from becalm.plugin.hooks import CommandRef, DomainRef
from becalm.schedule import Cosine
from becalm.train.loop import Training, begin, train
from becalm.train.plan import sections

_CPU = torch.device("cpu")
_SCHEDULE = Cosine()


class ContractError(AssertionError):
    """A domain does not keep a promise."""


def check_domain(
    domain: Domain[Any], *, request: Mapping[str, Any] | None = None, split: str = "train", guided: bool | None = None
) -> None:
    """Every check of a domain: settings, batches, network, null condition, training, sampling, energies, checkpoint.

    Args:
        request: Fields of a small sampling request, a few samples of it.
        split: The split whose batches are looked at.
        guided: Whether the domain has a null condition, for classifier-free guidance; by default, whether it has a
            ``drop`` of its own.

    Raises:
        ContractError: If the domain breaks a promise.
    """
    guided = _has_null(domain) if guided is None else guided
    fields = {"count": 3, "steps": 3, **(request or {})}
    check_settings(domain)
    check_batches(domain, split=split)
    check_network(domain, split=split)
    if guided:
        check_drop(domain, split=split)
    check_training(domain)
    check_sampling(domain, request=fields, guided=guided)
    check_checkpoint(domain, request=fields)


def check_settings(domain: Domain[Any]) -> None:
    """The configuration survives its own JSON, is frozen, and refuses unknown keys."""
    settings = domain.model_dump(mode="json")
    _require(type(domain).model_validate(settings) == domain, "the settings change on their way through JSON")
    _require(bool(domain.name), "the domain has no name")
    _require(issubclass(domain.request, BaseModel), "request is no pydantic model")
    try:
        type(domain).model_validate({**settings, "no_such_key": 1})
    except ValueError:
        return
    raise ContractError("an unknown key in the settings is not refused")


def check_batches(domain: Domain[Any], *, split: str = "train", seed: int = 1) -> None:
    """Batches are finite rows of the domain's shape, a function of seed and number, and begin anywhere."""
    first = list(islice(domain.batches(split, seed), 3))
    for batch in first:
        shape = tuple(batch.x0.shape[1:])
        _require(shape == domain.shape(), f"rows are {shape}, not {domain.shape()}")
        _require(batch.x0.dtype == torch.float32, f"rows are {batch.x0.dtype}, not float32")
        _require(bool(torch.isfinite(batch.x0).all()), "a batch holds values that are not finite")
        _require(len(batch.owner) == len(batch.x0), "a row of a batch has no owner")
        _require(torch.equal(batch.owner.unique(), torch.arange(batch.size)), "a sample of a batch owns no row")
        _require(bool((batch.owner.diff() >= 0).all()), "the owners of a batch do not ascend")
    for kind, other in (
        ("asked for again", list(islice(domain.batches(split, seed), 3))),
        ("begun later", [*first[:1], *islice(domain.batches(split, seed, 1), 2)]),
    ):
        same = all(_equal(one, two) for one, two in zip(first, other, strict=True))
        _require(same, f"batches {kind} are others: they must be a function of seed and number")


def check_network(domain: Domain[Any], *, split: str = "train") -> None:
    """The network answers each row with one of its shape, at a level for all and at one for each."""
    batch = next(iter(domain.batches(split, 0)))
    network = domain.network().eval()
    shape = tuple(batch.x0.shape)
    for name, t in (("one level", torch.tensor(0.5)), ("a level per row", torch.linspace(0, 1, len(batch.x0)))):
        level = _SCHEDULE(t if t.dim() == 0 else t.reshape(-1, *[1] * (len(shape) - 1)))
        with torch.no_grad():
            output = network(batch.x0, level, batch.cond)
        _require(tuple(output.shape) == shape, f"at {name} the network's output is {tuple(output.shape)}, not {shape}")
        _require(bool(torch.isfinite(output).all()), f"at {name} the network's output is not finite")


def check_drop(domain: Domain[Any], *, split: str = "train") -> None:
    """The null condition fits the network, joins with conditions, and is its own null condition."""
    batch = next(iter(domain.batches(split, 0)))
    null = domain.drop(batch.cond)
    mixed = take(join([batch.cond, null]), torch.arange(batch.size) + batch.size * (torch.arange(batch.size) % 2))
    network = domain.network().eval()
    for cond in (null, mixed, domain.drop(null)):
        with torch.no_grad():
            output = network(batch.x0, _SCHEDULE(torch.tensor(0.5)), cond)
        _require(output.shape == batch.x0.shape, "the network's output under the null condition has another shape")


def check_training(domain: Domain[Any]) -> None:
    """Two optimiser steps move the weights and leave them finite."""
    drop = 0.1 if _has_null(domain) else 0.0
    training = Training(steps=2, warmup=0, precision="fp32", decay="constant")
    state = begin(domain, _SCHEDULE, Objective(drop=drop), training, _CPU)
    before = [weight.detach().clone() for weight in state.network.parameters()]
    losses = [float(step.loss) for step in train(state)]
    after = list(state.network.parameters())
    _require(all(math.isfinite(loss) for loss in losses), "the loss is not finite")
    _require(all(bool(torch.isfinite(weight).all()) for weight in after), "weights are not finite after two steps")
    _require(any(not torch.equal(one, two) for one, two in zip(before, after, strict=True)), "training moves no weight")


def check_sampling(domain: Domain[Any], *, request: Mapping[str, Any], guided: bool = True) -> None:
    """Samples are finite, one condition each, the same in any batch, and can be judged, stored and shown."""
    model = _model(domain)
    for fields in ({}, {"guidance": 2.0}) if guided else ({},):
        asked = model.request(**{**request, **fields})
        samples = model.sample(asked)
        _require(bool(torch.isfinite(samples.x0).all()), "samples are not finite")
        rows = len(domain.owner(samples.cond, asked.count))
        _require(len(samples.x0) == rows, f"{asked.count} samples have {len(samples.x0)} rows, not {rows}")
        if domain.chunk is not None:
            alone = model.sample(asked.model_copy(update={"batch": 1}))
            _require(torch.equal(alone.x0, samples.x0), "a sample depends on the batch that it is made in")
    _check_views(domain, samples.x0, samples.cond, asked.count)


def _check_views(domain: Domain[Any], x0: Tensor, cond: Any, count: int) -> None:
    metrics: Mapping[str, object] = domain.metrics(x0, cond)
    for name, figure in metrics.items():
        _require(isinstance(figure, int | float), f"metric {name} is a {type(figure).__name__}, not a number")
    _check_energies(domain, x0, cond, count)
    arrays: Mapping[str, object] = domain.arrays(x0, cond)
    _require(all(isinstance(value, Tensor) for value in arrays.values()), "arrays holds something that is no tensor")
    picture = domain.render(x0, cond)
    _require("/" in picture.mime and bool(picture.content), "render makes no picture")


def _check_energies(domain: Domain[Any], x0: Tensor, cond: Any, count: int) -> None:
    level, last = _SCHEDULE(torch.tensor(0.5)), domain.owner(cond, count) == count - 1
    other = torch.where(last.reshape(-1, *[1] * (x0.dim() - 1)), x0 + 0.5, x0)
    for name, energy in domain.energies().items():
        value = energy(x0, level, cond)
        _require(tuple(value.shape) == (count,), f"energy {name} is {tuple(value.shape)}, not one number per sample")
        same = torch.allclose(value[:-1], energy(other, level, cond)[:-1])
        _require(same, f"energy {name} of a sample depends on another sample")
        try:
            slope = gradient(energy, x0, level, cond)
        except RuntimeError as error:
            raise ContractError(f"energy {name} has no gradient: {error}") from error
        _require(bool(torch.isfinite(slope).all()), f"the gradient of energy {name} is not finite")


def check_checkpoint(domain: Domain[Any], *, request: Mapping[str, Any]) -> None:
    """Network and codec written to a file and read into fresh ones make the same samples; the codec undoes itself."""
    model = _model(domain)
    tensors = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    if isinstance(model.codec, nn.Module):
        tensors |= {f"codec.{name}": value for name, value in model.codec.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        Checkpoint(tensors, {"settings": domain.model_dump(mode="json")}).write(path)
        stored = Checkpoint.read(path)
    again = _model(type(domain).model_validate(stored.config["settings"]), seed=1)
    load_part(again.network, stored, "network.")
    if isinstance(again.codec, nn.Module):
        load_part(again.codec, stored, "codec.")
    one, two = (each.sample(**request) for each in (model, again))
    _require(torch.equal(one.x0, two.x0), "a checkpoint read again makes other samples")
    _require(torch.equal(one.data, two.data), "a checkpoint read again decodes otherwise")


def check_plugin(name: str) -> None:
    """An installed plugin loads without torch, and its references lead to what they say.

    Args:
        name: That of the entry point.

    Raises:
        ContractError: If it breaks a promise.
    """
    plugins = {plugin.name: plugin for plugin in installed()}
    _require(name in plugins, f"no plugin {name!r} is installed; installed are {', '.join(plugins)}")
    plugin = plugins[name]
    _require(plugin.error is None, f"plugin {name!r} could not be loaded: {plugin.error}")
    requests = [ref.request for ref in plugin.domains if ref.request]
    _check_light([target.partition(":")[0] for target in (plugin.module, *requests)])
    try:
        for ref in plugin.domains:
            _check_domain_ref(ref)
        for command in (*plugin.commands, *plugin.panels):
            _check_command_ref(command)
    except UserError as error:
        raise ContractError(str(error)) from error


def _check_light(modules: list[str]) -> None:
    program = f"import sys, {', '.join(modules)}; sys.exit(3 if 'torch' in sys.modules else 0)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    _require(done.returncode != 3, f"{' or '.join(modules)} imports torch, so that help texts wait for it")
    _require(done.returncode == 0, f"{' or '.join(modules)} cannot be imported: {done.stderr.strip()}")


def _check_domain_ref(ref: DomainRef) -> None:
    kind: Any = resolve(ref.target)
    _require(isinstance(kind, type) and issubclass(kind, Domain), f"{ref.target} is no subclass of Domain")
    lacking = ", ".join(sorted(kind.__abstractmethods__))
    _require(not inspect.isabstract(kind), f"{ref.target} does not define {lacking}")
    _require(kind.name == ref.name, f"{ref.target} has the name {kind.name!r}, the hook says {ref.name!r}")
    if ref.request:
        _require(resolve(ref.request) is kind.request, f"{ref.request} is not the request of {ref.target}")
    sections(kind)
    try:
        kind.model_validate({})
    except ValueError as error:
        raise ContractError(f"{ref.target} has a field without a default: {error}") from error
    for name, place in ref.pretrained.items():
        stored = Checkpoint.read(resource(place)).config.get("domain")
        _require(stored == ref.name, f"checkpoint {name!r} is of domain {stored!r}, not {ref.name!r}")


def _check_command_ref(ref: CommandRef) -> None:
    options: Any = resolve(ref.options)
    _require(isinstance(options, type) and issubclass(options, BaseModel), f"{ref.options} is no pydantic model")
    _require(callable(resolve(ref.target)), f"{ref.target} cannot be called")


def _model(domain: Domain[Any], seed: int = 0) -> Model[Any]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = domain.network().eval().requires_grad_(False)
    return Model(domain, _SCHEDULE, Objective(), network, domain.codec(), _CPU, {})


def _has_null(domain: Domain[Any]) -> bool:
    return type(domain).drop is not Domain.drop


def _equal(one: Batch[Any], two: Batch[Any]) -> bool:
    return torch.equal(one.x0, two.x0) and torch.equal(one.owner, two.owner) and one.size == two.size


def _require(kept: bool, sentence: str) -> None:
    if not kept:
        raise ContractError(sentence)
