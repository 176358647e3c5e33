"""What images use beyond Python packages, for ``becalm doctor``."""

from collections.abc import Iterator

from becalm.files.fetch import home
from becalm.plugin.report import Need
from becalm_images.data.mnist import FILES


def needs() -> Iterator[Need]:
    """MNIST, if it was downloaded already."""
    folder = home() / "mnist"
    there = all((folder / name).is_file() for name in FILES)
    yield Need(
        "MNIST", str(folder) if there else None, "the first becalm images train downloads it; or name --data DIR"
    )
