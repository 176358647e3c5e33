"""Judges and classifiers by name: those that come with becalm, and files."""

from pathlib import Path

from becalm.errors import unknown
from becalm.plugin.find import resource

HELPERS = ("mnist-classifier", "mnist-judge")


def find(name: str) -> Path:
    """A bundled classifier or judge by its name, or a file of one's own.

    Raises:
        UserError: If it is neither.
    """
    if name in HELPERS:
        return resource(f"becalm_images:pretrained/{name}.safetensors")
    if name.endswith(".safetensors"):
        return Path(name)
    raise unknown("classifier or judge", name, HELPERS)
