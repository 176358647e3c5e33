"""MNIST from its public mirrors."""

from pathlib import Path

from becalm.files.fetch import fetch, home, md5

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FILES = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
MNIST = "71d3be42f93ad20da73bb4a9744d0bebdaa6832be56dc010e21940e72c4c8b1e"
"""``Labelled.digest`` of its training images."""


def mnist() -> Path:
    """The folder with the four MNIST files, fetched if they are not there yet.

    Raises:
        UserError: If no mirror answers with the right files, or the folder cannot be written.
    """
    folder = home() / "mnist"
    for name, digest in FILES.items():
        fetch(folder / name, MIRRORS, md5(digest), hint="name a folder that holds it by --data DIR")
    return folder
