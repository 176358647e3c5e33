"""What a page shows, as a package: its listings as files, its metadata as pip would write it, and its commands."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

LISTING = re.compile(r"^```\{code-block\} \w+\n:caption: `(\S+)`\n\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SNIPPET = re.compile(r"^```\{code-block\} python\n(?!:caption)(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True)
class Package:
    """An installed package.

    Attributes:
        folder: What is on the path where it is installed. files: Its listings by path.
        commands: The words of each command that the page shows. snippets: Its Python that is no file.
    """

    name: str
    folder: Path
    files: dict[str, str]
    commands: list[list[str]] = field(default_factory=list)
    snippets: list[str] = field(default_factory=list)


def write(page: Path, folder: Path) -> Package:
    """The package of a page, installed into a folder."""
    text = page.read_text(encoding="utf-8")
    files = dict(LISTING.findall(text))
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    project = tomllib.loads(files["pyproject.toml"])["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    requires = "".join(f"Requires-Dist: {need}\n" for need in project["dependencies"])
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{requires}"
    (info / "METADATA").write_text(head)
    entries = project["entry-points"]["becalm"].items()
    (info / "entry_points.txt").write_text("[becalm]\n" + "".join(f"{name} = {target}\n" for name, target in entries))
    lines = "".join(SHELL.findall(text)).splitlines()
    return Package(project["name"], folder, files, [shlex.split(line) for line in lines], SNIPPET.findall(text))


def python(*words: object, cwd: Path, package: Package | None = None) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, in which a package is installed or none is."""
    paths = [*([str(package.folder)] if package else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


def becalm(*words: object, cwd: Path, package: Package | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return python("-m", "becalm_apps.main", *words, cwd=cwd, package=package)
