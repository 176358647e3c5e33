"""A trained model in hand: three lines from a name to samples.

    model = becalm.load("mnist")
    digits = model.sample(label=[7], count=16)
    for step in model.steps(count=4): ...

It holds no state but its weights: two runs never disturb each other.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from becalm.choose import sampler, walk
from becalm.codec import Codec
from becalm.cond import take, to
from becalm.denoiser import Denoiser, NetworkDenoiser
from becalm.device import pick
from becalm.domain import Domain, Picture
from becalm.errors import UserError, sentence
from becalm.files import hub
from becalm.files.checkpoint import Checkpoint
from becalm.guidance import Guidance, compose, hold
from becalm.noise import Purpose, stream
from becalm.objective.draw import Objective
from becalm.plugin.find import domain_ref, pretrained, resolve
from becalm.plugin.request import SampleRequest
from becalm.sampler.step import Step, last
from becalm.schedule import NoiseSchedule, Schedule

C = TypeVar("C")
_SCHEDULE: TypeAdapter[Schedule] = TypeAdapter(Schedule)
_LOADING = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Samples(Generic[C]):
    """What a model made.

    Attributes:
        data: Decoded samples, rows as the domain has them.
        x0: The same in diffusion space.
        cond: Their conditions.
    """

    data: Tensor
    x0: Tensor
    cond: C
    domain: Domain[C]

    def picture(self) -> Picture:
        """The domain's picture of the samples."""
        return self.domain.render(self.x0, self.cond)


@dataclass(frozen=True, eq=False)
class Model(Generic[C]):
    """A domain, a schedule and a trained network.

    Attributes:
        config: The checkpoint's configuration.
        digest: SHA-256 of its content.
    """

    domain: Domain[C]
    schedule: NoiseSchedule
    objective: Objective
    network: nn.Module
    codec: Codec
    device: torch.device
    config: dict[str, Any]
    digest: str = ""

    def request(self, **fields: Any) -> SampleRequest:
        """A request of this domain.

        Raises:
            UserError: If a field is unknown or out of range.
        """
        try:
            return self.settled(self.domain.request(**fields))
        except ValidationError as error:
            raise UserError(sentence(error)) from error

    def settled(self, request: SampleRequest) -> SampleRequest:
        """The request with this model's own defaults (``Domain.usual``) where it says nothing."""
        left = {name: value for name, value in self.domain.usual().items() if name not in request.model_fields_set}
        return request.model_copy(update=left)

    def denoiser(
        self, request: SampleRequest | None = None, *, chunk: int | Literal["domain"] | None = "domain"
    ) -> NetworkDenoiser[C]:
        """The bare denoiser, before guidance.

        Args:
            chunk: Samples that the network sees at a time, padded, see ``NetworkDenoiser``; None for all at once,
                as they come. By default what the domain says on a CPU, else None.
        """
        if chunk == "domain":
            # Small chunks would starve a GPU, and its sums depend on more than shapes anyway.
            chunk = self.domain.chunk if self.device.type == "cpu" else None
        bf16 = request is not None and request.precision == "bf16"
        return NetworkDenoiser(
            self.network,
            self.objective.prediction,
            chunk=chunk,
            learned=self.objective.learned_variance > 0,
            autocast=torch.bfloat16 if bf16 else None,
        )

    def steps(self, request: SampleRequest | None = None, **fields: Any) -> Iterator[Step]:
        """The steps of one run over all the samples asked for, lazily.

        Raises:
            UserError: If the request does not fit.
        """
        request = self.settled(request or self.request(**fields))
        return self._run(request, torch.arange(request.count), self.domain.condition(request))

    def sample(self, request: SampleRequest | None = None, **fields: Any) -> Samples[C]:
        """Samples of a request, computed ``request.batch`` at a time.

        Raises:
            UserError: If the request does not fit.
        """
        request = self.settled(request or self.request(**fields))
        parts = list(self.parts(request))
        cond = self.domain.condition(request)
        x0 = torch.cat([part.cpu() for part in parts])
        return Samples(self.decode(x0), x0, cond, self.domain)

    def runs(self, request: SampleRequest, cond: C | None = None) -> Iterator[Iterator[Step]]:
        """The steps of one run per ``request.batch`` samples, lazily; samples are the same as in one run over all.

        Args:
            cond: Conditions of the ``request.count`` samples; default: those that the request names.
        """
        request = self.settled(request)
        cond = self.domain.condition(request) if cond is None else cond
        for index in torch.arange(request.count).split(request.batch):
            yield self._run(request, index, take(cond, index))

    def parts(self, request: SampleRequest) -> Iterator[Tensor]:
        """Samples in diffusion space, ``request.batch`` at a time."""
        for run in self.runs(request):
            yield last(run).x

    def edit(
        self,
        data: Tensor,
        *,
        mask: Tensor | None = None,
        start: float = 1.0,
        request: SampleRequest | None = None,
        **fields: Any,
    ) -> Iterator[Step]:
        """Edits given data: fills in what ``mask`` leaves free, or redraws all of it from a noisy version.

        Args:
            data: Rows like the domain's data; request.count samples.
            mask: True where data are kept (inpainting); broadcasts against data.
            start: Noise time to start from; below 1 keeps the data's outline (SDEdit, Meng et al. 2022).
        """
        request = self.settled(request or self.request(**fields))
        x0 = self.codec.encode(data).to(self.device)
        guide: tuple[Guidance[C], ...] = () if mask is None else (hold(x0, mask.to(self.device)),)
        sample = torch.arange(request.count)
        return self._run(request, sample, self.domain.condition(request), guide=guide, origin=x0, start=start)

    def compiled(self) -> "Model[C]":
        """The same model with its network compiled by torch.compile: a minute at first, then faster."""
        return replace(self, network=cast(nn.Module, torch.compile(self.network)))

    def decode(self, x0: Tensor) -> Tensor:
        """Diffusion space to data."""
        return self.codec.decode(x0)

    def _run(
        self,
        request: SampleRequest,
        sample: Tensor,
        cond: C,
        *,
        guide: tuple[Guidance[C], ...] = (),
        origin: Tensor | None = None,
        start: float = 1.0,
    ) -> Iterator[Step]:
        path = walk(self.schedule, request, start)
        owner = sample[self.domain.owner(cond, len(sample))].to(self.device)
        shape = self.domain.shape()
        purpose = Purpose.START if origin is None else Purpose.EDIT
        eps = stream(request.seed, owner, purpose)(torch.empty(len(owner), *shape, device=self.device))
        eps = eps * request.temperature
        x = eps * path[0].norm.to(eps) if origin is None else path[0].mix(origin, eps)
        cond = to(cond, self.device)
        denoise: Denoiser[C] = compose(self.domain.guidance(request), *guide)(self.denoiser(request))
        noise = stream(request.seed, owner, Purpose.STEP)
        return sampler(request)(denoise, x, path, cond, noise)


def load(name: str | Path, device: str = "auto") -> Model[Any]:
    """A pretrained model of any installed plugin by name, one from a file, or ``hf:owner/name`` from the hub.

    Raises:
        UserError: If there is no such name or file, it is damaged, or its domain is not installed.
    """
    return build(Checkpoint.read(find(name)), pick(device))


def find(name: str | Path) -> Path:
    """The checkpoint of a name, which may be a file's and may not exist then; one on the hub is downloaded.

    Raises:
        UserError: If no installed plugin and no hub has it.
    """
    if hub.named(name):
        return hub.download(str(name))
    path = Path(name)
    return path if path.suffix == ".safetensors" or path.is_file() else pretrained(str(name))[1]


def shared(name: str | Path, device: str = "auto") -> Model[Any]:
    """The same as ``load``, but loaded once as long as the file is the same: for who asks again and again.

    It is safe to share: a model holds no state but its weights. Do not put hooks on its network.
    """
    file = find(name)
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    # One at a time: of two who ask for the same file at once, the second waits and finds it.
    with _LOADING:
        return _kept(file.absolute(), str(pick(device)), changed)


@lru_cache(maxsize=8)
def _kept(file: Path, device: str, changed: int) -> Model[Any]:
    return load(file, device)


def build(checkpoint: Checkpoint, device: torch.device) -> Model[Any]:
    """The model in a checkpoint.

    Raises:
        UserError: If its domain is not installed or its configuration does not fit this version.
    """
    config = dict(checkpoint.config)
    if "domain" not in config or "objective" not in config:
        raise UserError("this checkpoint is not a model that can be sampled (a classifier or a judge?)")
    if any(name.startswith("average.") for name in checkpoint.tensors):
        raise UserError("this is the state that resumes a training: name the checkpoint beside it, without .resume")
    kind: type[Domain[Any]] = resolve(domain_ref(config["domain"]).target)
    try:
        domain = kind.model_validate(config["settings"])
        schedule = _SCHEDULE.validate_python(config["schedule"])
        objective = Objective.model_validate(config["objective"])
    except ValidationError as error:
        raise UserError(f"the checkpoint does not fit this version of becalm: {sentence(error)}") from error
    network, codec = domain.network(), domain.codec()
    load_part(network, checkpoint, "network.")
    if isinstance(codec, nn.Module):
        load_part(codec, checkpoint, "codec.")
    network = network.to(device).eval().requires_grad_(False)
    return Model(domain, schedule, objective, network, codec, device, config, checkpoint.digest)


def load_part(module: nn.Module, checkpoint: Checkpoint, prefix: str) -> None:
    """Loads the tensors below a prefix into a module, in the module's dtypes.

    Raises:
        UserError: If they are not the module's tensors.
    """
    tensors = {key.removeprefix(prefix): value for key, value in checkpoint.tensors.items() if key.startswith(prefix)}
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise UserError(f"the checkpoint's tensors do not fit its own configuration: {detail}") from error
