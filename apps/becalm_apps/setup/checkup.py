"""What an installation of becalm has and lacks: software, machine, plugins, optional packages, data and solvers."""

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from becalm.errors import first_line
from becalm.plugin.distribution.missing import GATHERED, install
from becalm.plugin.distribution.requirement import Requirement, requirements
from becalm.plugin.find import Plugin, resolve
from becalm.plugin.report import Need
from becalm.version import __version__

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "firefox")
_GIB = 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check-up.

    Attributes:
        state: A version, a place, or what is wrong.
        good: Whether there is nothing to mend.
        needed: Whether becalm cannot work without it.
        mend: The command that mends it, or a few words on what does.
    """

    section: str
    what: str
    state: str
    good: bool = True
    needed: bool = False
    mend: str = ""


def findings(plugins: Sequence[Plugin]) -> Iterator[Finding]:
    """All lines, section by section."""
    yield from _software()
    yield from _machine()
    yield from _plugins(plugins)
    yield from _optional()
    yield from _needs(plugins)


def _software() -> Iterator[Finding]:
    yield Finding("Software", "becalm", __version__)
    yield Finding("Software", "Python", platform.python_version())
    for need in requirements("becalm"):
        if not need.extra:
            yield _package("Software", need, "pip install --upgrade becalm", needed=True)


def _machine() -> Iterator[Finding]:
    yield Finding("Machine", "system", f"{platform.system()} {platform.machine()}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("Machine", "cores", str(cores))
    try:
        yield Finding("Machine", "device", _device())
    # A build of torch that does not fit the machine raises whatever its libraries raise.
    except Exception as error:
        state = f"torch cannot be used: {type(error).__name__}"
        yield Finding("Machine", "device", state, False, True, "pip install --force-reinstall torch")
    free = shutil.disk_usage(Path.cwd()).free / _GIB
    small = free < 1
    yield Finding("Machine", "free here", f"{free:.1f} GiB", not small, mend="free some space" if small else "")
    compiler = next((path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None)
    yield _found("Machine", Need("C++ compiler (--compile)", compiler, "apt-get install g++"))
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    yield _found("Machine", Need("browser (studio)", browser, "apt-get install chromium"))


def _device() -> str:
    """What ``--device auto`` is here."""
    import torch

    from becalm.device import pick

    device = pick()
    if device.type != "cuda":
        return f"{device.type}, {torch.get_num_threads()} thread(s)"
    held = torch.cuda.get_device_properties(device)
    return f"{device.type}, {held.name}, {held.total_memory / _GIB:.0f} GiB, CUDA {torch.version.cuda}"


def _plugins(plugins: Sequence[Plugin]) -> Iterator[Finding]:
    for plugin in plugins:
        if plugin.error is not None:
            mend = f"mend it, or pip uninstall {plugin.distribution}"
            yield Finding("Plugins", plugin.name, plugin.error, False, mend=mend)
            continue
        yield Finding("Plugins", plugin.name, f"{plugin.distribution} {plugin.version}")
        if plugin.distribution != "becalm":
            for need in requirements(plugin.distribution):
                if not need.extra and not need.met:
                    yield _package("Plugins", need, f"pip install --upgrade {plugin.distribution}")


def _optional() -> Iterator[Finding]:
    for need in requirements("becalm"):
        if need.extra and need.extra not in GATHERED:
            yield _package(f"Optional: {need.extra}", need, install("becalm", need.extra))


def _needs(plugins: Sequence[Plugin]) -> Iterator[Finding]:
    for plugin in plugins:
        for ref in plugin.domains:
            if ref.needs is None:
                continue
            section = f"Needs of {ref.name}"
            try:
                function: Any = resolve(ref.needs)
                yield from (_found(section, need) for need in function())
            # A stranger's check may fail in any way, and must not end the others.
            except Exception as error:
                mend = f"report it to the authors of {plugin.name}"
                yield Finding(section, ref.needs, first_line(error), False, mend=mend)


def _found(section: str, need: Need) -> Finding:
    if need.found is None:
        return Finding(section, need.what, "missing", False, mend=need.mend)
    return Finding(section, need.what, need.found)


def _package(section: str, need: Requirement, mend: str, *, needed: bool = False) -> Finding:
    if need.met:
        return Finding(section, need.name, need.version or "", needed=needed)
    state = "missing" if need.version is None else f"{need.version}, not {need.bounds}"
    return Finding(section, need.name, state, False, needed, mend)
