"""Images as a domain of becalm: MNIST and whatever else comes as idx files or a folder of PNGs."""

from becalm.hooks import CommandRef, DomainRef, hookimpl


@hookimpl
def domains() -> list[DomainRef]:
    """The domain ``images`` and its pretrained checkpoints."""
    return [
        DomainRef(
            name="images",
            summary="Small images: MNIST, idx files, folders of PNGs.",
            target="becalm_images.domain:Images",
            request="becalm_images.request:ImageRequest",
            pretrained={"mnist": "becalm_images:pretrained/mnist.safetensors"},
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
            target="becalm_images.edit:run",
        ),
        CommandRef(
            domain="images",
            name="train-judge",
            summary="Train the judge of evaluate on a data set.",
            options="becalm_images.options:FitOptions",
            target="becalm_images.trainings:judge",
        ),
        CommandRef(
            domain="images",
            name="train-classifier",
            summary="Train a classifier of noised images for classifier guidance.",
            options="becalm_images.options:FitOptions",
            target="becalm_images.trainings:classifier",
        ),
    ]
