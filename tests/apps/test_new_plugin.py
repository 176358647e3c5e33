"""A plugin from nothing: what docs/write-a-plugin.md shows is what ``becalm plugins new`` writes, and it works.

It is built as a distribution of its own and installed into an environment of its own, which sees the packages of the
running one, so that nothing is downloaded.
"""

import ast
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
import types
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import becalm as core
from becalm.plugin import refuse
from becalm.plugin.find import installed, resolve
from becalm.plugin.hooks import WORDS
from becalm.version import __version__
from becalm_apps.main import command
from becalm_apps.new.package import files, supported

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "write-a-plugin.md").read_text(encoding="utf-8")
LISTING = re.compile(r"^```\{code-block\} \w+\n:caption: `(\S+)`\n\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PNG = b"\x89PNG\r\n\x1a\n"


# The page


def test_the_page_shows_what_the_command_writes() -> None:
    made = files("ring")
    shown = dict(LISTING.findall(PAGE))
    assert shown == {path: text for path, text in made.items() if path not in ("README.md", ".gitignore")}
    assert all(f"{line}\n" in made["README.md"] for line in ("pip install --editable .", "    pytest"))


def test_the_plugin_of_the_page_has_fewer_than_a_hundred_lines_of_code() -> None:
    """Without blank lines and docstrings."""
    lines = 0
    for path, text in LISTING.findall(PAGE):
        filled = {number for number, line in enumerate(text.splitlines(), 1) if line.strip()}
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    filled -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        lines += len(filled)
    assert 50 < lines < 100


# An environment of its own


@dataclass(frozen=True)
class Played:
    """The commands of the page, run in a folder with an environment of its own, and what they printed."""

    folder: Path
    python: Path
    site: Path
    printed: dict[str, str]

    def call(self, *words: str, cwd: Path | None = None) -> str:
        """What a Python command of the environment prints."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"OMP_NUM_THREADS": "1", "PIP_NO_INPUT": "1", "PIP_NO_INDEX": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [str(self.python), "-m", *words],
            cwd=cwd or self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{shlex.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def pip(self, *words: str) -> str:
        """Installs without a download: the requirements are there, and so is setuptools, which torch requires."""
        return self.call("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *words)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    site = next((folder / "env" / "lib").glob("python*")) / "site-packages"
    running = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # Before that the tree that is tested, wherever the running environment finds becalm.
    (site / "becalm.pth").write_text("".join(f"{ROOT / part}\n" for part in ("core", "plugins", "apps")))
    # A plain line of a .pth would not read the .pth files of that folder in turn, such as becalm's own.
    (site / "running.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in running))
    played = Played(folder, python, site, {})
    for line in "".join(SHELL.findall(PAGE)).splitlines():
        word, *rest = shlex.split(line)
        played.printed[line] = {
            "becalm": lambda *words: played.call("becalm_apps.main", *words),
            "pip": lambda _, *words: played.pip(*words),
        }[word](*rest)
    # From here on what was built, without a way back to its sources.
    played.pip("--force-reinstall", "./becalm-ring")
    return played


def test_from_an_empty_folder_to_samples_by_the_commands_of_the_page(played: Played) -> None:
    printed = played.printed
    assert next(iter(printed)) == "becalm plugins new ring"
    assert (played.folder / "becalm-ring" / "becalm_ring" / "domain.py").exists()
    assert (played.site / "becalm_ring" / "domain.py").exists()
    assert re.search(r"^ring +becalm-ring 0\.1\.0 +ring +ok$", printed["becalm plugins"], re.MULTILINE)
    assert re.search(r"runs/ring\.safetensors: \d+ steps in ", printed["becalm ring train"])
    assert (played.folder / "all.png").read_bytes().startswith(PNG)
    assert (played.folder / "left.png").read_bytes().startswith(PNG)
    judged = next(text for line, text in printed.items() if "--wall" in line)
    assert re.search(r"^beyond the wall +0$", judged, re.MULTILINE)


def test_what_new_says_comes_next_is_what_the_page_does(played: Played) -> None:
    printed = played.printed["becalm plugins new ring"]
    lines = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
    assert lines[:2] == ["pip install --editable becalm-ring", "becalm ring train"]
    known = set(re.findall(r"--[a-z-]+", played.call("becalm_apps.main", "ring", "sample", "--help")))
    assert lines[2].startswith("becalm ring sample ") and set(re.findall(r"--[a-z-]+", lines[2])) <= known


def forget(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Has the package imported anew, and forgotten after the test."""
    for name in ("", ".request", ".network", ".domain"):
        monkeypatch.setitem(sys.modules, f"{package}{name}", types.ModuleType(package))
        del sys.modules[f"{package}{name}"]


@pytest.fixture
def ring(played: Played, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lets this process see the plugin; its checkpoint."""
    forget(monkeypatch, "becalm_ring")
    monkeypatch.syspath_prepend(str(played.site))
    return played.folder / "runs" / "ring.safetensors"


def test_the_wall_holds_for_a_network_that_never_heard_of_it(ring: Path) -> None:
    model = core.load(ring, "cpu")

    def figures(**fields: float) -> dict[str, float]:
        samples = model.sample(count=1000, **fields)
        return dict(model.domain.metrics(samples.x0, samples.cond))

    free, pushed = figures(wall=0.0, push=0.0), figures(wall=0.0)
    # Half a circle is right of its middle.
    assert 0.4 < free["beyond the wall"] < 0.6
    assert pushed["beyond the wall"] == 0
    # Noise of the circle's own spread is .5 off.
    assert free["off the circle"] < 0.12 and pushed["off the circle"] < 0.12


def test_its_own_tests_pass(ring: Path, played: Played) -> None:
    out = played.call("pytest", "-q", "-p", "no:cacheprovider", cwd=played.folder / "becalm-ring")
    assert re.search(r"\b2 passed\b", out)


def test_it_has_its_tab_in_the_studio(ring: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="becalm[studio] is not installed")
    from becalm_apps.studio.session.sessions import Sessions
    from becalm_apps.studio.ui.page import page

    plugins = installed()
    config = page(plugins, Sessions(tmp_path)).get_config_file()
    labels = {part["props"].get("label") for part in config["components"] if part["type"] == "tabitem"}
    assert {"images", "policies", "programs", "ring"} <= labels
    asked = {str(part["props"].get("info") or part["props"].get("label")) for part in config["components"]}
    assert any("No point may lie to the right of it." in text for text in asked)


# Any name

NAMES = ("ring", "sand-dunes", "x", "t5-large", "image", "sample", "domain", "tensor", "none", "class", "perceptron")


@pytest.mark.parametrize("name", NAMES)
def test_the_package_is_sound_under_any_name(name: str, becalm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert becalm("plugins", "new", name, "--quiet") == (0, "", "")
    folder, module = Path(f"becalm-{name}").resolve(), f"becalm_{name.replace('-', '_')}"
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == f"becalm-{name}"
    assert project["project"]["entry-points"]["becalm"] == {name: module}
    assert project["tool"]["setuptools"]["packages"] == [module]
    assert Requirement(project["project"]["dependencies"][0]).specifier.contains(__version__, prereleases=True)
    forget(monkeypatch, module)
    monkeypatch.syspath_prepend(str(folder))
    (ref,) = resolve(f"{module}:domains")()
    refuse.domain(ref)
    kind = resolve(ref.target)
    assert (ref.name, kind.name) == (name, name)
    assert kind.request is resolve(ref.request) and "wall" in kind.request.model_fields
    assert next(iter(kind().batches("train", 0))).x0.shape[1:] == kind().shape()
    assert len(list(folder.glob("tests/test_*.py"))) == 1
    if name != "ring":
        texts = [path.read_text() for path in folder.rglob("*") if path.is_file()]
        assert not [text for text in texts if re.search(r"\bring\b|becalm_ring|Ring", text)]


def test_the_versions_that_a_new_plugin_goes_with() -> None:
    assert [supported(version) for version in ("0.1.0", "0.12.3.dev1", "1.4.0", "2.0rc1")] == [
        ">=0.1,<0.2",
        ">=0.12,<0.13",
        ">=1.4,<2",
        ">=2.0,<3",
    ]


def test_the_package_is_in_good_style(tmp_path: Path, becalm: Run) -> None:
    assert becalm("plugins", "new", "sand-dunes", "--quiet")[0] == 0
    rules = ["--isolated", "--select", "E,F,I,B,UP,RUF100", "--line-length", "130", "--target-version", "py311"]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *rules, "."],
        cwd=tmp_path / "becalm-sand-dunes",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_types_of_the_package_are_sound(tmp_path: Path, becalm: Run) -> None:
    assert becalm("plugins", "new", "ring", "--quiet")[0] == 0
    words = ["mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "becalm_ring"]
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=tmp_path / "becalm-ring", capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


# What is refused


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Sand Dunes", "plugin name must be small letters and digits, parts joined by hyphens, got 'Sand Dunes'"),
        ("sand_dunes", "did you mean 'sand-dunes'?"),
        ("3d", "plugin name must be small letters and digits"),
        ("../x", "did you mean 'x'?"),
        ("", "plugin name must be small letters and digits"),
        ("images", "domain 'images' is already brought by becalm: take another name"),
        ("toy", "domain 'toy' is already brought by becalm-toy"),
        ("studio", "plugin name 'studio' is a word of becalm's own"),
        ("apps", "a package becalm_apps is already installed"),
    ],
)
def test_a_name_that_cannot_be_is_one_sentence_and_nothing_is_written(
    name: str, says: str, becalm: Run, tmp_path: Path
) -> None:
    code, out, err = becalm("plugins", "new", name)
    assert (code, out) == (2, "")
    assert err.startswith("becalm: ") and says in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(becalm: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("keep")
    code, _, err = becalm("plugins", "new", "ring", "--out", "mine")
    assert code == 2 and "mine exists" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]
    (tmp_path / "fresh dir").mkdir()
    code, out, _ = becalm("plugins", "new", "ring", "--out", "fresh dir")
    assert code == 0 and "pip install --editable 'fresh dir'" in out
    assert (tmp_path / "fresh dir" / "pyproject.toml").exists()


def test_no_domain_can_take_a_word_of_the_command() -> None:
    words = set(command([]).list_commands(None))  # type: ignore[arg-type] # it needs no context
    assert words <= WORDS
