"""A field that has a new name is still understood by its old one, on the command line and in files."""

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from becalm.plugin.settings import Settings
from becalm_apps.cli.form import Form
from becalm_apps.cli.verb import Call, Verb


class Oak(Settings):
    renamed: ClassVar[dict[str, str]] = {"tall": "height"}
    kind: Literal["oak"] = "oak"
    height: float = Field(5.0, description="Metres.")


class Fern(Settings):
    kind: Literal["fern"] = "fern"
    leaves: int = Field(3, description="How many.")


class Soil(Settings):
    renamed: ClassVar[dict[str, str]] = {"moist": "wet", "count": "depth"}
    wet: bool = Field(False, description="Whether it is.")
    depth: int = Field(1, description="Metres.")


class Garden(Settings):
    renamed: ClassVar[dict[str, str]] = {"shrub": "plant", "many": "count", "sort": "plant"}
    count: int = Field(1, ge=1, description="How many plants.")
    plant: Annotated[Oak | Fern, Field(discriminator="kind")] = Field(Fern(), description="What grows.")
    soil: Soil = Field(Soil(), description="What it grows in.")


def verb() -> Verb:
    def form(taken: Any) -> Form:
        return Form("garden", Garden, section=lambda key: key, flat=("soil",), taken=taken)

    def run(call: Call) -> None:
        click.echo(call.settings.model_dump_json())

    return Verb("grow", "Grow.", form=form, own=(), run=run)


def grow(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(verb(), words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--many", "3"], ["--count", "3"]),
        (["--moist"], ["--wet"]),
        (["--wet", "--no-moist"], ["--no-wet"]),
        (["--shrub", "oak"], ["--plant", "oak"]),
        (["--sort", "oak", "--shrub.tall", "2"], ["--plant", "oak", "--plant.height", "2"]),
        (["--plant", "oak", "--plant.tall", "2"], ["--plant", "oak", "--plant.height", "2"]),
        (["--soil.count", "4"], ["--depth", "4"]),
        (["--sort.leaves", "4"], ["--plant.leaves", "4"]),
        (["--count", "2", "--many", "3"], ["--many", "2", "--count", "3"]),
    ],
)
def test_an_old_flag_sets_what_the_new_one_sets(old: list[str], new: list[str]) -> None:
    assert grow(*old) == grow(*new)


def test_the_help_says_nothing_of_old_flags() -> None:
    text = verb().get_help(click.Context(verb()))
    assert "--count" in text and "--plant.height" in text and "--wet" in text
    assert not re.findall(r"--(?:no-)?(?:many|shrub|sort|moist|[a-z.]*tall)", text)


def test_a_complaint_about_an_old_flag_names_the_new_one() -> None:
    with pytest.raises(ValueError, match="--count must be greater than or equal to 1, got 0"):
        grow("--many", "0")


OLD = [
    "many = 2\n[shrub]\nkind = 'oak'\ntall = 7.0\n[soil]\nmoist = true",
    "many = 2\nsort = {kind='oak', tall=7.0}\nsoil.moist = true",
]


@pytest.mark.parametrize("text", OLD)
def test_an_old_key_of_a_file_is_read_and_the_new_one_printed(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(text)
    printed = CliRunner().invoke(verb(), ["--config", str(tmp_path / "old.toml"), "--print-config"]).stdout
    values = tomllib.loads(printed)
    assert values == {
        "domain": "garden", "count": 2, "plant": {"kind": "oak", "height": 7.0}, "soil": {"wet": True, "depth": 1}
    }  # fmt: skip
    (tmp_path / "new.toml").write_text(printed)
    assert grow("--config", str(tmp_path / "new.toml")) == grow("--config", str(tmp_path / "old.toml"))


@pytest.mark.parametrize("text", [*OLD, "sort = 'oak'"])
def test_a_flag_goes_over_the_old_key_of_a_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(text)
    made = grow("--config", str(tmp_path / "old.toml"), "--count", "5", "--plant.height", "8", "--no-wet")
    assert made == {"count": 5, "plant": {"kind": "oak", "height": 8.0}, "soil": {"wet": False, "depth": 1}}


def test_a_file_that_has_both_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "both.toml").write_text("many = 2\ncount = 3\n")
    with pytest.raises(ValueError, match="unknown key 'many'"):
        grow("--config", str(tmp_path / "both.toml"))
