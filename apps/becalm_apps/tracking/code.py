"""Which code trains: the versions of becalm and of the plugin whose domain it is, and their commits in git."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
from pathlib import Path

import becalm
from becalm.plugin.find import installed


def distributions(domain: str) -> dict[str, tuple[str, str]]:
    """Version and folder of becalm and of the distribution that brings the domain of that name, by name."""
    versions = {"becalm": (becalm.__version__, _folder("becalm"))}
    for plugin in installed():
        for ref in plugin.domains:
            if ref.name == domain:
                versions.setdefault(plugin.distribution, (plugin.version, _folder(ref.target.split(".")[0])))
    return versions


def commit(folder: Path) -> str | None:
    """The commit that a folder's files are of, with ``-dirty`` where they differ from it; None outside of git."""
    git = shutil.which("git")
    if git is None:
        return None
    printed = ""
    # A package inside an environment is no part of the checkout around it: it has no file that git keeps.
    for words in (
        ("ls-files", "--error-unmatch", "."),
        ("describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"),
    ):
        command = [git, "-C", str(folder), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)  # noqa: S603 (a fixed command)
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        printed = done.stdout.strip()
    return printed or None


def _folder(package: str) -> str:
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    return places[0] if places else ""
