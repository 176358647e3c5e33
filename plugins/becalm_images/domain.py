"""Images as a domain: conditioned on a class, judged by a small classifier's features."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.domain import Domain, Picture
from becalm.errors import UserError
from becalm.guidance import Descend, Energy, Guidance, clamp, compose, dynamic_threshold
from becalm.model import Model
from becalm.noise import epochs
from becalm.plugin.report import Report
from becalm.process import GAUSSIAN, Process
from becalm.request import SampleRequest
from becalm.train.split import check_split
from becalm_images.data.image import Reading
from becalm_images.data.labelled import Labelled
from becalm_images.data.listing import listed
from becalm_images.data.mnist import MNIST, mnist
from becalm_images.data.settings import Source
from becalm_images.data.source import load, load_all
from becalm_images.judge.classifier import class_energy, growing, shared_classifier
from becalm_images.judge.figures import FEWEST
from becalm_images.judge.find import find
from becalm_images.judge.judge import Judge, load_judge
from becalm_images.judge.likelihood import likelihoods
from becalm_images.judge.origin import Origin, check_origin
from becalm_images.label import Label, class_number
from becalm_images.networks.architecture import Architecture, UNet2DShape, UNetShape
from becalm_images.pixels import Pixels
from becalm_images.request import ImageRequest, JudgedRequest
from becalm_images.views.grid import png
from becalm_images.views.named import named_grid


class Images(Source, Domain[Tensor]):
    """Labelled images, uint8 (N, C, H, W). The condition is (B,) labels; label ``classes`` is the null class."""

    name: ClassVar[str] = "images"
    request: ClassVar[type[ImageRequest]] = ImageRequest
    chunk: ClassVar[int | None] = 16
    followed: ClassVar[Mapping[str, int]] = {"fid": 200}
    # The recipe of the bundled model (benchmarks/recipes/mnist.toml), which on a GPU had more and larger batches.
    defaults: ClassVar[Mapping[str, Any]] = {
        "training": {
            "steps": 5500,
            "optimizer": "muon",
            "rate": 2e-3,
            "decay": "cooldown",
            "cooldown": 0.5,
            "ema": 0.999,
        }
    }

    channels: int = Field(1, ge=1, le=1024, description="Channels of an image; read off the data.")
    height: int = Field(28, ge=1, le=8192, description="Height in pixels; read off the data.")
    width: int = Field(28, ge=1, le=8192, description="Width in pixels; read off the data.")
    classes: int = Field(10, ge=1, le=1_000_000, description="Number of classes; read off the data.")
    class_names: tuple[str, ...] = Field((), description="Names of the classes; read off the data.")
    digest: str | None = Field(None, description="SHA-256 of the training images; read off the data.")
    noise: Process = Field(
        GAUSSIAN, description="What noise is: gaussian, or rotated, whose schedule blur has a level per frequency."
    )
    architecture: Architecture = Field(
        UNetShape(),
        description="Network: unet-tiny, unet-small, unet-base, dit-tiny, dit-small, dit-base, unet2d-tiny, "
        "unet2d-small.",
    )
    outputs: int = Field(1, ge=1, le=2, description="2 adds the output that a learned variance needs.")
    batch: int = Field(64, ge=1, description="Images per training batch.")
    judge: str = Field("mnist-judge", description="Judge of evaluate: a bundled name or a file.")
    classifier: str = Field(
        "mnist-classifier", description="Classifier of classifier guidance: a bundled name or a file."
    )

    @model_validator(mode="after")
    def _check_names(self) -> "Images":
        if self.class_names and len(self.class_names) != self.classes:
            raise ValueError(f"class_names must name the {self.classes} classes, got {len(self.class_names)} names")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """What the classes are called; by their numbers in checkpoints from before classes had names."""
        return self.class_names or tuple(str(number) for number in range(self.classes))

    def number(self, label: Label) -> int:
        """The number of a class by its name, or by its number where no class has a number for a name.

        Raises:
            UserError: If there is no such class.
        """
        return class_number(label, self.names)

    def fit(self) -> "Images":
        """This domain with size, classes and digest as the data have them.

        Raises:
            UserError: If the data cannot be read, or are too large for the network to attend over.
        """
        train = self.labelled("train")
        channels, height, width = train.images.shape[1:]
        self.architecture.check_cost(height, width)
        sizes = {"channels": channels, "height": height, "width": width, "classes": train.classes}
        return self.model_validate({**self.model_dump(), **sizes, "class_names": train.names, "digest": train.digest})

    def labelled(self, split: str) -> Labelled:
        """The images and labels of a split.

        Raises:
            UserError: If they cannot be had, or the split is not train or test.
        """
        check_split(split)
        return load(self._folder(), "train" if split == "train" else "test", Reading.of(self), self.holdout)

    def summary(self) -> str:
        return load_all(self._folder(), Reading.of(self), self.holdout).summary()

    def fingerprint(self) -> Mapping[str, Any]:
        train = self.labelled("train")
        size = " x ".join(map(str, train.images.shape[1:]))
        facts = {"images": len(train.images), "size": size, "classes": listed(list(train.names), 20)}
        return {**facts, "content": train.digest}

    def _folder(self) -> str:
        return self.data if self.data is not None else str(mnist())

    def trained_on(self) -> str:
        return super().trained_on() or "MNIST"

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[Tensor]]:
        labelled = self.labelled(split)
        images, labels = torch.from_numpy(labelled.images.copy()), torch.from_numpy(labelled.labels)
        for _, index in epochs(seed, len(images), self.batch, start):
            yield Batch.dense(images[index], labels[index])

    def network(self) -> nn.Module:
        network: nn.Module = self.architecture.build(self.shape(), self.classes, self.outputs)
        # Channels last is the layout that convolutions on CPUs and tensor cores work in.
        return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]

    def shape(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)

    def process(self) -> Process:
        return self.noise

    def codec(self) -> Pixels:
        return Pixels()

    def condition(self, request: ImageRequest) -> Tensor:
        wanted = range(self.classes) if request.label == "any" else [self.number(label) for label in request.label]
        numbers = torch.arange(request.first, request.first + request.count)
        labels = torch.tensor(list(wanted))[numbers % len(wanted)]
        unconditional = request.guidance == 0 and request.classifier_guidance == 0
        return self.drop(labels) if unconditional else labels

    def usual(self) -> Mapping[str, Any]:
        return {} if self._null_class else {"guidance": 1.0}

    def words(self) -> Mapping[str, Sequence[str]]:
        return {"label": ("any", *self.names)}

    @property
    def _null_class(self) -> bool:
        return not isinstance(self.architecture, UNet2DShape) or self.architecture.conditioning == "guided"

    def drop(self, cond: Tensor) -> Tensor:
        if not self._null_class:
            raise UserError("this network has no null class: leave --guidance at 1, and train with --drop 0")
        return torch.full_like(cond, self.classes)

    def energies(self) -> Mapping[str, Energy[Tensor]]:
        """``class``: -log p(label | x_t) by the noise-aware classifier."""
        return {"class": self._class_energy(self.classifier)}

    def _class_energy(self, name: str) -> Energy[Tensor]:
        """That of a classifier of this model's data, by its name or file."""
        file = find(name)
        classifier = shared_classifier(file)
        self._check(name, (classifier.channels, self.height, self.width, classifier.classes), "classifier")
        check_origin("classifier", name, classifier.origin, self.origin)
        return partial(class_energy, file)

    @property
    def origin(self) -> Origin:
        """The data that the model is of; MNIST where it names none, as in checkpoints from before data had digests."""
        return Origin(self.trained_on(), self.digest or (MNIST if self.data is None else None))

    def guidance(self, request: ImageRequest) -> Guidance[Tensor]:
        guides: list[Guidance[Tensor]] = [super().guidance(request)]
        if request.classifier_guidance:
            energy = self._class_energy(request.classifier or self.classifier)
            scale = growing(request.classifier_start, request.classifier_guidance)
            guides.append(Descend(energy, scale, "noisy"))
        if request.threshold == "static":
            guides.append(clamp(-1.0, 1.0))
        elif request.threshold == "dynamic":
            guides.append(dynamic_threshold(0.995))
        return compose(*guides)

    def metrics(self, data: Tensor, cond: Tensor) -> Mapping[str, float]:
        """FID, precision, recall, accuracy and each class's FID by the judge, beside those of as many real images."""
        return self._judge().metrics(data, cond.cpu())

    def _judge(self) -> Judge:
        """The judge of this model's data."""
        judge = load_judge(find(self.judge))
        self._check(self.judge, judge.sizes, "judge")
        check_origin("judge", self.judge, judge.origin, self.origin)
        return judge

    def metric_label(self, name: str) -> str:
        kind, _, number = name.partition("_")
        return f"FID of class {self.names[int(number)]}" if number else kind.replace("fid", "FID")

    def judged(self, request: SampleRequest) -> "Images":
        judge = request.judge if isinstance(request, JudgedRequest) else None
        domain = self if judge is None else self.model_copy(update={"judge": judge})
        domain._judge()
        return domain

    def assess(self, model: Model[Tensor], request: SampleRequest) -> Iterator[Report] | None:
        if not isinstance(request, JudgedRequest) or not request.likelihood:
            return None
        if not model.objective.posterior:
            raise UserError(f"objective {model.objective.name} learns jumps to clean, which have no likelihood")
        held = self.held_out_images(request.data)
        cond = self.drop(torch.from_numpy(held.labels)) if self._null_class else self.numbers(held)
        return likelihoods(model, held, cond, request)

    def held_out_images(self, data: str | None = None) -> Labelled:
        """The test images of this model's data, or of another folder of its kind.

        Raises:
            UserError: If they cannot be had, or are of another size.
        """
        held = self.model_copy(update={"data": data or self.data}).labelled("test")
        if held.images.shape[1:] != self.shape():
            raise UserError(f"these images are of {held.images.shape[1:]}, those of the model of {self.shape()}")
        return held

    def numbers(self, held: Labelled) -> Tensor:
        """(N,) the labels of images as this model numbers its classes, by their names.

        Raises:
            UserError: If it has no such class.
        """
        return torch.tensor([self.number(name) for name in held.names])[torch.from_numpy(held.labels)]

    def remark(self, metrics: Mapping[str, float], count: int) -> str | None:
        if count < FEWEST:
            return f"FID, precision and recall are given from {FEWEST} samples on"
        if "fid" not in metrics:
            return "FID, precision and recall are of all classes: ask for --label any"
        if "fid_floor" not in metrics:
            return f"the judge has fewer than {count} real images, so none stand beside: ask for fewer samples"
        if self.origin.digest is None:
            return f"the checkpoint does not say whether it is of the same data as its judge, {self.judge}"
        return f"real data: sets of {count} test images under the same judge, which were not trained on"

    def arrays(self, data: Tensor, cond: Tensor) -> Mapping[str, Tensor]:
        """``images`` uint8, (N, H, W) where grey, else (N, C, H, W); ``labels`` int64 (N,)."""
        return {"images": data[:, 0] if self.channels == 1 else data, "labels": cond.cpu()}

    def render(self, data: Tensor, cond: Tensor) -> Picture:
        """The images with the names of their classes."""
        names = ("",) if self.classes == 1 else (*self.names, "")
        return png(named_grid(data, [names[min(label, len(names) - 1)] for label in cond.tolist()]))

    def _check(self, name: str, sizes: tuple[int, ...], kind: str) -> None:
        """Refuses a judge or classifier of other images.

        Raises:
            UserError: If its sizes differ from the domain's.
        """
        mine = (*self.shape(), self.classes)
        if sizes != mine:
            raise UserError(
                f"{kind} {name!r} is for channels, height, width, classes {sizes}, these images have {mine}: make one "
                f"with becalm images {kind} --data DIR, and name it by --{kind} FILE"
            )
