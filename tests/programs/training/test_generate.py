"""``becalm programs generate`` writes real files, each a function of family, size and seed."""

from pathlib import Path
from typing import get_args

import pytest
from drawn import same

from becalm import UserError
from becalm.plugin.report import Progress, Table
from becalm_programs.families import FAMILIES, SIZES, generate
from becalm_programs.formats.read import read
from becalm_programs.options import FamilyName, GenerateOptions, SizeName
from becalm_programs.training.generate import run


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_flags_know_every_family_and_size() -> None:
    assert get_args(FamilyName) == FAMILIES and get_args(SizeName) == SIZES


def test_files_hold_the_instances_of_their_seeds(tmp_path: Path) -> None:
    options = GenerateOptions(family="knapsack", size="tiny", count=3, seed=7, out=str(tmp_path / "a"))
    reports = list(run(options))
    names = [f"knapsack-tiny-{seed:05d}.mps.gz" for seed in (7, 8, 9)]
    assert list(files(tmp_path / "a")) == names
    found = read(tmp_path / "a" / names[2])
    assert same(found, generate("knapsack", "tiny", 9)) and found.name == generate("knapsack", "tiny", 9).name
    assert [report.done for report in reports if isinstance(report, Progress)] == [0, 1, 2, 3]
    (table,) = [report for report in reports if isinstance(report, Table)]
    assert ("variables", 10, 10.0, 10) in table.rows
    assert reports[-1] == f"{tmp_path / 'a'}: 3 written"


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = GenerateOptions(family="auction", size="tiny", count=4, out=str(tmp_path / "whole"))
    list(run(whole))
    stopped = GenerateOptions(family="auction", size="tiny", count=4, out=str(tmp_path / "stopped"))
    going = run(stopped)
    for report in going:
        if isinstance(report, Progress) and report.done == 2:
            going.close()
    assert len(files(tmp_path / "stopped")) == 2
    assert list(run(stopped))[-1] == f"{tmp_path / 'stopped'}: 2 written, 2 were there already"
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")


def test_a_place_that_is_no_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match="--out must be a folder, got the file"):
        list(run(GenerateOptions(size="tiny", out=str(tmp_path / "a"))))
