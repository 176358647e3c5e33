"""Imports point one way, and what a help text needs is light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "numpy", "diffusers", "gradio", "matplotlib", "mlflow", "scipy", "numba")


def test_imports_keep_the_contracts_of_pyproject() -> None:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "module",
    [
        "becalm",
        "becalm.plugin.hooks",
        "becalm.plugin.find",
        "becalm.request",
        "becalm_images",
        "becalm_images.request",
        "becalm_programs",
        "becalm_programs.options",
        "becalm_programs.request",
        "becalm_apps.main",
    ],
)
def test_what_a_help_text_imports_is_light(module: str) -> None:
    command = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_folders_are_not_packages() -> None:
    marked = [folder for folder in ("core", "plugins", "apps", "tests") if (ROOT / folder / "__init__.py").exists()]
    assert not marked


def test_packages_say_that_they_are_typed() -> None:
    for package in ("core/becalm", "plugins/becalm_images", "plugins/becalm_programs", "apps/becalm_apps"):
        assert (ROOT / package / "py.typed").exists()
