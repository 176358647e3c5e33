"""Images as a domain of becalm: MNIST and whatever else comes as a folder of images or as idx files."""

from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl

MOVED = {
    "becalm_images.architecture": "becalm_images.networks.architecture",
    "becalm_images.classifier": "becalm_images.judge.classifier",
    "becalm_images.dit": "becalm_images.networks.dit",
    "becalm_images.download": "becalm_images.data.mnist",
    "becalm_images.edit": "becalm_images.verbs.edit",
    "becalm_images.embedding": "becalm_images.networks.embedding",
    "becalm_images.exchange": "becalm_images.verbs.diffusers",
    "becalm_images.fidelity": "becalm_images.judge.fidelity",
    "becalm_images.fit": "becalm_images.judge.fit",
    "becalm_images.folder": "becalm_images.data.folder",
    "becalm_images.idx": "becalm_images.data.idx",
    "becalm_images.page": "becalm_images.verbs.panels",
    "becalm_images.picture": "becalm_images.views.grid",
    "becalm_images.scheduler": "becalm_images.interchange.scheduler",
    "becalm_images.trainings": "becalm_images.verbs.train",
    "becalm_images.unet": "becalm_images.networks.unet",
    "becalm_images.unet2d": "becalm_images.networks.unet2d",
    "becalm_images.unet_config": "becalm_images.interchange.unet_config",
}
"""Modules that had another name in 0.1, see ``becalm.plugin.moved``."""


@hookimpl
def domains() -> list[DomainRef]:
    """The domain ``images`` and its pretrained checkpoints."""
    return [
        DomainRef(
            name="images",
            summary="Small images: MNIST, folders of images, idx files.",
            target="becalm_images.domain:Images",
            request="becalm_images.request:ImageRequest",
            judged="becalm_images.request:JudgedRequest",
            needs="becalm_images.needs:needs",
            pretrained={name: f"becalm_images:pretrained/{name}.safetensors" for name in ("mnist", "mnist-1")},
            default="mnist",
        )
    ]


@hookimpl
def commands() -> list[CommandRef]:
    """The verbs that only images have."""
    return [
        CommandRef(
            domain="images",
            name="edit",
            summary="Fill in a part of an image, or redraw it from a noisy version.",
            options="becalm_images.options:EditOptions",
            target="becalm_images.verbs.edit:run",
            examples=(
                "becalm images edit --image eight.png --mask top --label 8,9 --out edited.png",
                "becalm images edit --image scribble.png --start 0.7 --label 8 --out redrawn.png",
            ),
        ),
        CommandRef(
            domain="images",
            name="interpolate",
            summary="Draw what lies between two images, in the noise that they are of.",
            options="becalm_images.options:InterpolateOptions",
            target="becalm_images.verbs.interpolate:run",
            examples=(
                "becalm images interpolate --label 3 --out threes.png",
                "becalm images interpolate --image one.png --to other.png --count 12",
            ),
        ),
        CommandRef(
            domain="images",
            name="recognise",
            summary="Classify test images by a model alone: under the right class it denoises best.",
            options="becalm_images.options:RecogniseOptions",
            target="becalm_images.verbs.recognise:run",
            examples=(
                "becalm images recognise --count 100",
                "becalm images recognise --checkpoint runs/shapes.safetensors --count 200",
            ),
        ),
        CommandRef(
            domain="images",
            name="judge",
            summary="Train a judge of images for evaluate.",
            options="becalm_images.options:JudgeOptions",
            target="becalm_images.verbs.train:judge",
            examples=("becalm images judge --data DIR --out runs/judge.safetensors",),
            formerly=("train-judge",),
        ),
        CommandRef(
            domain="images",
            name="classifier",
            summary="Train a classifier of noised images for classifier guidance.",
            options="becalm_images.options:ClassifierOptions",
            target="becalm_images.verbs.train:classifier",
            examples=(
                "becalm images classifier --data DIR --match runs/images.safetensors --out runs/classifier.safetensors",
            ),
            formerly=("train-classifier",),
        ),
        CommandRef(
            domain="images",
            name="to-diffusers",
            summary="Write a checkpoint as a pipeline of diffusers.",
            options="becalm_images.options:ToDiffusersOptions",
            target="becalm_images.verbs.diffusers:to_diffusers",
            examples=(
                "becalm images to-diffusers mnist sevens --label 7",
                "becalm images to-diffusers runs/images.safetensors pipeline",
            ),
        ),
        CommandRef(
            domain="images",
            name="from-diffusers",
            summary="Take over a U-Net of diffusers as a checkpoint.",
            options="becalm_images.options:FromDiffusersOptions",
            target="becalm_images.verbs.diffusers:from_diffusers",
            examples=("becalm images from-diffusers pipeline --out runs/theirs.safetensors",),
        ),
    ]


@hookimpl
def panels() -> list[CommandRef]:
    """The panels that only images have."""
    return [
        CommandRef(
            domain="images",
            name="inpaint",
            summary="Draw over a part of an image, and see what the model puts there.",
            options="becalm_images.options:InpaintOptions",
            target="becalm_images.verbs.panels:inpaint",
        ),
        CommandRef(
            domain="images",
            name="redraw",
            summary="Draw a scribble, and see what the model takes it for.",
            options="becalm_images.options:RedrawOptions",
            target="becalm_images.verbs.panels:redraw",
        ),
    ]
