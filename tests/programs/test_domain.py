"""Programs keep the contract of a domain, and batches of training hold verified solutions."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from becalm.errors import UserError
from becalm.testing import check_domain
from becalm_programs.domain import IntegerPrograms
from becalm_programs.families import generate
from becalm_programs.formats.mps import write_mps
from becalm_programs.options import LabelOptions
from becalm_programs.request import ProgramRequest
from becalm_programs.training.label import run as label


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three labelled set covers and two facility locations."""
    folder = tmp_path_factory.mktemp("labelled")
    for family, seeds in (("set-cover", 3), ("facility", 2)):
        for seed in range(seeds):
            write_mps(folder / f"{family}-{seed}.mps.gz", generate(family, "tiny", seed))
    list(label(LabelOptions(folder=str(folder), steps=2, solutions=3, workers=1, gap=0.5)))
    return folder


def test_programs_keep_the_contract(labelled: Path) -> None:
    domain: Any = IntegerPrograms(
        data=str(labelled), family="set-cover", size="tiny", width=8, rounds=2, batch=2, draws=2
    )
    check_domain(domain, guided=False)


def test_a_batch_holds_verified_solutions_of_programs_of_all_sizes(labelled: Path) -> None:
    domain = IntegerPrograms(data=str(labelled), width=8, rounds=2, batch=5, draws=3)
    batch = next(domain.batches("train", 0))
    assert batch.size == 15
    assert len({len(made.cost) for made in batch.cond.forms}) > 1
    assert all(bool(verdict.feasible.all()) for verdict in domain.verdicts(batch.x0, batch.cond))


def test_a_folder_that_changes_is_read_anew(labelled: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(labelled, tmp_path / "changes"))
    domain = IntegerPrograms(data=str(folder))
    then = domain.fingerprint()
    assert then["programs"] == 5 and domain.summary().startswith("5 programs of ")
    assert domain.fingerprint() == then
    (folder / "set-cover-0.mps.gz").unlink()
    assert domain.summary().startswith("4 programs of ")
    assert domain.fingerprint()["programs"] == 4 and domain.fingerprint()["content"] != then["content"]


def test_a_program_that_changes_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.mps.gz"
    sizes = []
    for family in ("set-cover", "facility"):
        write_mps(path, generate(family, "tiny", 0))
        cond = IntegerPrograms().condition(ProgramRequest(model=str(path), count=1))
        sizes.append(len(cond.forms[0].program.cost))
    assert sizes[0] != sizes[1]


def test_training_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no program with labels"):
        next(IntegerPrograms(data=str(tmp_path)).batches("train", 0))
