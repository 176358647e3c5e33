"""The methods that a diffusion policy is compared with, all as configurations of one trainer, network and policy.

* mse: E|f(o) - a|^2, regression to the mean;
* k-means: a classifier over K clusters of chunks, one sampled by its probability (Pearce et al. 2023, section 2);
* mip: two steps of regression (Pan et al. 2025);
* diffusion: DDPM, 50 steps (Diffusion BC);
* diffusion-x: the same with 16 more updates at the lowest noise (Diffusion-X);
* diffusion-kde: the same, the densest of 32 samples (Diffusion-KDE);
* flow: becalm's default, flow matching and DPM-Solver++ 2M, 8 steps.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from becalm.batch import Batch
from becalm.device import building
from becalm.level import NoiseLevel
from becalm.model import Model, build
from becalm.objective import Denoising
from becalm.plugin.report import Progress
from becalm.schedule import Flow
from becalm.train import Training, begin, train
from becalm.train.plan import with_defaults
from becalm.train.resume import export
from becalm_policies.actions import Actions
from becalm_policies.domain import Policies
from becalm_policies.networks.condition import Observed

_CLUSTERS = 20
_ROUNDS = 50
_WIDTH = 256


@dataclass(frozen=True, slots=True)
class Method:
    """How a baseline is trained and how it acts.

    Attributes:
        training: Methods with the same name here share one trained model.
        sections: What differs from the domain's defaults in schedule and objective.
        blind: Whether the network does not see x at pure noise.
        fields: Fields of the policy.
    """

    training: str
    sections: Mapping[str, Any] = field(default_factory=dict)
    blind: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)


_DDPM: Mapping[str, Any] = {"schedule": {"kind": "cosine"}, "objective": {"prediction": "v", "drop": 0.0}}
_CHAIN: Mapping[str, Any] = {"sampler": "ddpm", "steps": 50}


def _regression(*times: float) -> Mapping[str, Any]:
    return {"objective": {"prediction": "x0", "times": {"kind": "fixed", "times": times}, "drop": 0.0}}


METHODS: Mapping[str, Method] = {
    "mse": Method("mse", _regression(1.0), True, {"sampler": "euler"}),
    "k-means": Method("k-means", fields={"sampler": "euler", "times": (1.0,)}),
    "mip": Method("mip", _regression(1.0, 0.1), True, {"sampler": "euler"}),
    "diffusion": Method("diffusion", _DDPM, fields=_CHAIN),
    "diffusion-x": Method("diffusion", _DDPM, fields={**_CHAIN, "extra": 16}),
    "diffusion-kde": Method(
        "diffusion", _DDPM, fields={**_CHAIN, "choose": "densest", "candidates": 32, "bandwidth": 0.1}
    ),
    "flow": Method("flow"),
}


def train_method(
    domain: Policies, method: Method, *, steps: int | None, seed: int, minutes: float | None = None
) -> Iterator[Progress | Model[Any]]:
    """Trains a method on a fitted domain, for some steps or some minutes; the model comes last."""
    device = torch.device("cpu")
    domain = domain.model_copy(update={"blind": method.blind})
    warmup = 200 if steps is None else min(200, steps // 4)
    asked = {"steps": steps, "minutes": minutes, "seed": seed, "rate": 1e-3, "warmup": warmup}
    schedule, objective, training = with_defaults(Policies, **method.sections, training=asked)
    if method.training == "k-means":
        network = yield from train_clusters(domain, training)
        yield Model(domain, Flow(), Denoising(prediction="x0"), network, domain.codec(), device, {})
        return
    state = begin(domain, schedule, objective, training, device)
    for step in train(state):
        if step.step % 50 == 0:
            yield _progress(training, step.step, step.seconds, method.training)
    yield build(export(state), device)


class Clusters(nn.Module):
    """A chunk of clusters, chosen by what x says: its first entry, standard normal, decides.

    So a classifier is a network like the others, and acts through the same policy.
    """

    centres: Tensor

    def __init__(self, centres: Tensor, classifier: nn.Module) -> None:
        super().__init__()
        self.register_buffer("centres", centres)
        self.classifier = classifier

    def forward(self, x: Tensor, level: NoiseLevel, cond: Observed) -> Tensor:
        share = torch.special.ndtr(x.flatten(1)[:, :1].double())
        edges = self.classifier(cond.features.flatten(1)).double().softmax(1).cumsum(1)
        return self.centres[(share > edges).sum(1).clamp(max=len(self.centres) - 1)]


def _progress(training: Training, step: int, seconds: float, name: str) -> Progress:
    part = training.used(step, seconds)
    return Progress(part.done, part.total, f"training {name}")


def train_clusters(domain: Policies, training: Training) -> Any:
    """Clusters the chunks and trains a classifier of observations to clusters, as long as the settings say."""
    codec, batches = domain.codec(), domain.batches("train", training.seed)
    sample = torch.cat([_encoded(codec, next(batches)) for _ in range(max(8192 // domain.batch, 1))])
    centres = cluster_means(sample.flatten(1), min(_CLUSTERS, len(sample)))
    with building():
        torch.manual_seed(training.seed)
        inputs = domain.history * domain.observe.size(domain.observation_size)
        hidden = [nn.Linear(inputs, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, _WIDTH), nn.SiLU()]
        classifier = nn.Sequential(*hidden, nn.Linear(_WIDTH, len(centres)))
    optimizer = torch.optim.AdamW(classifier.parameters(), 1e-3)
    begun, step, seconds = time.perf_counter(), 0, 0.0
    while not training.used(step, seconds).over:
        batch = next(batches)
        wanted = torch.cdist(_encoded(codec, batch).flatten(1), centres).argmin(1)
        loss = F.cross_entropy(classifier(batch.cond.features.flatten(1)), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step, seconds = step + 1, time.perf_counter() - begun
        if step % 50 == 0:
            yield _progress(training, step, seconds, "k-means")
    return Clusters(centres.reshape(-1, *domain.shape()), classifier).eval().requires_grad_(False)


def _encoded(codec: Actions, batch: Batch[Observed]) -> Tensor:
    return codec.encode(batch.x0, batch.cond)


def cluster_means(rows: Tensor, count: int) -> Tensor:
    """Centres of ``count`` clusters of rows (N, W): Lloyd's iteration from rows far apart (Gonzalez 1985)."""
    numbers = [0]
    distance = torch.cdist(rows[:1], rows)[0]
    while len(numbers) < count:
        numbers.append(int(distance.argmax()))
        distance = torch.minimum(distance, torch.cdist(rows[numbers[-1]][None], rows)[0])
    centres = rows[numbers]
    for _ in range(_ROUNDS):
        nearest = torch.cdist(rows, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add(0, nearest, rows)
        sizes = torch.bincount(nearest, minlength=count)[:, None]
        centres = torch.where(sizes > 0, sums / sizes.clamp(min=1), centres)
    return centres
