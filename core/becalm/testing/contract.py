"""What every domain promises."""

import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from becalm.batch import Batch, per_sample
from becalm.cond import join, take
from becalm.domain import Domain
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import gradient
from becalm.model import Model, Samples, load_part
from becalm.objective import Denoising
from becalm.schedule import Cosine
from becalm.testing.promise import ContractError, require
from becalm.train import Training, begin, train

_CPU = torch.device("cpu")
_SCHEDULE = Cosine()


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
    guided = domain.has_null if guided is None else guided
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
    require(type(domain).model_validate(settings) == domain, "the settings change on their way through JSON")
    require(bool(domain.name), "the domain has no name")
    require(issubclass(domain.request, BaseModel), "request is no pydantic model")
    try:
        type(domain).model_validate({**settings, "no_such_key": 1})
    except ValueError:
        return
    raise ContractError("an unknown key in the settings is not refused")


def check_batches(domain: Domain[Any], *, split: str = "train", seed: int = 1) -> None:
    """Batches are finite rows of the domain's shape, a function of seed and number, and begin anywhere."""
    first = list(islice(domain.batches(split, seed), 3))
    codec = domain.codec()
    for batch in first:
        x0 = codec.encode(batch.x0, batch.cond)
        shape = tuple(x0.shape[1:])
        require(shape == domain.shape(), f"rows are {shape} when encoded, not {domain.shape()}")
        require(x0.dtype == torch.float32, f"rows are {x0.dtype} when encoded, not float32")
        require(bool(torch.isfinite(x0).all()), "a batch holds values that are not finite")
        require(len(batch.owner) == len(batch.x0), "a row of a batch has no owner")
        require(torch.equal(batch.owner.unique(), torch.arange(batch.size)), "a sample of a batch owns no row")
        require(bool((batch.owner.diff() >= 0).all()), "the owners of a batch do not ascend")
    for kind, other in (
        ("asked for again", list(islice(domain.batches(split, seed), 3))),
        ("begun later", [*first[:1], *islice(domain.batches(split, seed, 1), 2)]),
    ):
        same = all(_equal(one, two) for one, two in zip(first, other, strict=True))
        require(same, f"batches {kind} are others: they must be a function of seed and number")


def check_network(domain: Domain[Any], *, split: str = "train") -> None:
    """The network answers each row with one of its shape, at a level for all and at one for each."""
    batch = _encoded(domain, split)
    network = domain.network().eval()
    shape = tuple(batch.x0.shape)
    for name, t in (("one level", torch.tensor(0.5)), ("a level per row", torch.linspace(0, 1, len(batch.x0)))):
        level = _SCHEDULE(t) if t.dim() == 0 else _SCHEDULE(t).spread(batch.x0)
        with torch.no_grad():
            output = network(batch.x0, level, batch.cond)
        require(tuple(output.shape) == shape, f"at {name} the network's output is {tuple(output.shape)}, not {shape}")
        require(bool(torch.isfinite(output).all()), f"at {name} the network's output is not finite")


def check_drop(domain: Domain[Any], *, split: str = "train") -> None:
    """The null condition fits the network, joins with conditions, and is its own null condition."""
    batch = _encoded(domain, split)
    null = domain.drop(batch.cond)
    mixed = take(join([batch.cond, null]), torch.arange(batch.size) + batch.size * (torch.arange(batch.size) % 2))
    network = domain.network().eval()
    for cond in (null, mixed, domain.drop(null)):
        with torch.no_grad():
            output = network(batch.x0, _SCHEDULE(torch.tensor(0.5)), cond)
        require(output.shape == batch.x0.shape, "the network's output under the null condition has another shape")


def check_training(domain: Domain[Any]) -> None:
    """Two optimiser steps move the weights and leave them finite."""
    drop = 0.1 if domain.has_null else 0.0
    training = Training(steps=2, warmup=0, precision="fp32", decay="constant")
    state = begin(domain, _SCHEDULE, Denoising(drop=drop), training, _CPU)
    before = [weight.detach().clone() for weight in state.network.parameters()]
    losses = [float(step.loss) for step in train(state)]
    after = list(state.network.parameters())
    require(all(math.isfinite(loss) for loss in losses), "the loss is not finite")
    require(all(bool(torch.isfinite(weight).all()) for weight in after), "weights are not finite after two steps")
    require(any(not torch.equal(one, two) for one, two in zip(before, after, strict=True)), "training moves no weight")


def check_sampling(domain: Domain[Any], *, request: Mapping[str, Any], guided: bool = True) -> None:
    """Samples are finite, one condition each, the same in any batch and part, and can be judged, stored and shown."""
    model = _model(domain)
    for fields in ({}, {"guidance": 2.0}) if guided else ({},):
        asked = model.request(**{**request, **fields})
        samples = model.sample(asked)
        require(bool(torch.isfinite(samples.x0).all()), "samples are not finite")
        rows = len(domain.owner(samples.cond, asked.count))
        require(len(samples.x0) == rows, f"{asked.count} samples have {len(samples.x0)} rows, not {rows}")
        if domain.chunk is not None:
            alone = model.sample(asked.model_copy(update={"batch": 1}))
            require(torch.equal(alone.x0, samples.x0), "a sample depends on the batch that it is made in")
            later = model.sample(asked.model_copy(update={"first": asked.first + asked.count - 1, "count": 1}))
            last = samples.x0[domain.owner(samples.cond, asked.count) == asked.count - 1]
            require(torch.equal(later.x0, last), "a sample is another where those before it are not asked for")
    _check_views(domain, samples, asked.count)


def _check_views(domain: Domain[Any], samples: Samples[Any], count: int) -> None:
    data, cond = samples.data, samples.cond
    metrics: Mapping[str, object] = domain.metrics(data, cond)
    for name, figure in metrics.items():
        require(isinstance(figure, int | float), f"metric {name} is a {type(figure).__name__}, not a number")
    _check_energies(domain, samples.x0, cond, count)
    arrays: Mapping[str, object] = domain.arrays(data, cond)
    require(all(isinstance(value, Tensor) for value in arrays.values()), "arrays holds something that is no tensor")
    picture = domain.render(data, cond)
    require("/" in picture.mime and bool(picture.content), "render makes no picture")


def _check_energies(domain: Domain[Any], x0: Tensor, cond: Any, count: int) -> None:
    level, last = _SCHEDULE(torch.tensor(0.5)), domain.owner(cond, count) == count - 1
    other = torch.where(per_sample(last, x0, None), x0 + 0.5, x0)
    for name, energy in domain.energies().items():
        value = energy(x0, level, cond)
        require(tuple(value.shape) == (count,), f"energy {name} is {tuple(value.shape)}, not one number per sample")
        same = torch.allclose(value[:-1], energy(other, level, cond)[:-1])
        require(same, f"energy {name} of a sample depends on another sample")
        try:
            slope = gradient(energy, x0, level, cond)
        except (RuntimeError, ValueError) as error:
            raise ContractError(f"energy {name} has no gradient: {error}") from error
        require(bool(torch.isfinite(slope).all()), f"the gradient of energy {name} is not finite")


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
    if isinstance(again.codec, nn.Module) and again.codec.state_dict():
        load_part(again.codec, stored, "codec.")
    one, two = (each.sample(**request) for each in (model, again))
    require(torch.equal(one.x0, two.x0), "a checkpoint read again makes other samples")
    require(torch.equal(one.data, two.data), "a checkpoint read again decodes otherwise")


def _encoded(domain: Domain[Any], split: str) -> Batch[Any]:
    """The first batch of a split, in diffusion space."""
    batch = next(iter(domain.batches(split, 0)))
    return replace(batch, x0=domain.codec().encode(batch.x0, batch.cond))


def _model(domain: Domain[Any], seed: int = 0) -> Model[Any]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = domain.network().eval().requires_grad_(False)
    return Model(domain, _SCHEDULE, Denoising(), network, domain.codec(), _CPU, {})


def _equal(one: Batch[Any], two: Batch[Any]) -> bool:
    return torch.equal(one.x0, two.x0) and torch.equal(one.owner, two.owner) and one.size == two.size
