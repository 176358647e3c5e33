"""``becalm programs evaluate``: one table, from whatever journal, by whoever did the work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn import brute

from becalm.errors import UserError
from becalm.files.checkpoint import Checkpoint
from becalm.objective import Objective
from becalm.plugin.report import Progress, Report, Table
from becalm_programs.domain import IntegerPrograms
from becalm_programs.evaluation.journal import Journal, digest
from becalm_programs.evaluation.judge import Cell
from becalm_programs.evaluation.methods import methods, work
from becalm_programs.evaluation.task import Task
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.opening import model_of
from becalm_programs.options import EvaluateOptions
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.sampling.draw import sample
from becalm_programs.tier import TIERS
from becalm_programs.verbs.evaluate import run

pytest.importorskip("highspy")
TIMES = ("seconds", "gap % by then", "ahead")
QUICK = {"family": "set-cover", "size": "tiny", "count": 3, "samples": 4, "seconds": 5.0, "steps": 4}


def options(**settings: Any) -> EvaluateOptions:
    return EvaluateOptions.model_validate(QUICK | {"methods": ("no-network", "greedy", "highs")} | settings)


def reports(**settings: Any) -> list[Report]:
    return list(run(options(**settings)))


def tables(made: list[Report]) -> list[Table]:
    return [report for report in made if isinstance(report, Table)]


def rows(table: Table) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def timeless(made: list[Report]) -> list[dict[str, dict[str, Any]]]:
    """Tables without the figures that a clock has a part in."""
    return [
        {
            name: {column: value for column, value in row.items() if not any(word in column for word in TIMES)}
            for name, row in rows(table).items()
        }
        for table in tables(made)
    ]


def cells(out: Path) -> list[Cell]:
    return list(Journal(Path(f"{out}.jsonl")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Report]]:
    """An evaluation in one go."""
    out = tmp_path_factory.mktemp("whole") / "cover"
    return out, reports(out=str(out))


def test_the_table_agrees_with_brute_force(whole: tuple[Path, list[Report]]) -> None:
    score, race = tables(whole[1])
    table = rows(score)
    assert list(table) == [*(f"no network, {tier}" for tier in TIERS), "greedy", "HiGHS"]
    assert table["HiGHS"]["gap %"] == 0.0 == table["HiGHS"]["gap % (infeasible as 100)"]
    assert table["HiGHS"]["samples feasible %"] == 100.0 and table["HiGHS"]["instances"] == 3
    optima = {}
    for seed in range(1_000_000, 1_000_003):
        program = generate("set-cover", "tiny", seed)
        optima[digest(program)] = brute(program)[1]
    for cell in cells(whole[0]):
        optimum = optima[cell.digest]
        assert optimum is not None and all(value is None or value >= optimum - 1e-9 for value in cell.objective)
        assert cell.method != "HiGHS" or cell.best == pytest.approx(optimum)
    means = [np.mean(one.values / optima[one.digest] - 1) for one in cells(whole[0]) if one.method == "greedy"]
    assert table["greedy"]["gap %"] == pytest.approx(100 * np.mean(means), abs=0.006)
    assert all(row["HiGHS gets there %"] in (100.0, None) for row in rows(race).values())


def test_files_are_written_and_progress_ends_at_all(whole: tuple[Path, list[Report]]) -> None:
    out, made = whole
    assert Path(f"{out}.png").read_bytes().startswith(b"\x89PNG")
    assert Path(f"{out}.csv").read_text().splitlines()[0].startswith("method,instances,K,")
    progress = [report for report in made if isinstance(report, Progress)]
    assert progress[-1].done == progress[-1].total == 9
    assert [report.done for report in progress] == sorted(report.done for report in progress)


def test_a_stopped_run_goes_on_to_the_table_of_an_unbroken_one(
    tmp_path: Path, whole: tuple[Path, list[Report]]
) -> None:
    out = tmp_path / "cover"
    going = run(options(out=str(out)))
    for report in going:
        if isinstance(report, Progress) and report.done == 4:
            going.close()  # type: ignore[attr-defined]
    before = cells(out)
    assert 0 < len(before) < len(cells(whole[0]))
    # A kill in the middle of a line.
    with Path(f"{out}.jsonl").open("a") as file:
        file.write('{"instance": "set-co')
    made = reports(out=str(out))
    assert timeless(made) == timeless(whole[1])
    assert cells(out)[: len(before)] == before
    text = Path(f"{out}.jsonl").read_bytes()
    assert tables(reports(out=str(out))) == tables(made) and Path(f"{out}.jsonl").read_bytes() == text


def test_processes_give_what_this_one_gives(tmp_path: Path, whole: tuple[Path, list[Report]]) -> None:
    assert timeless(reports(out=str(tmp_path / "cover"), workers=2)) == timeless(whole[1])


def test_tiers_that_share_their_sampling_are_what_each_is_alone() -> None:
    program = generate("facility", "tiny", 0)
    chosen = options(family="facility")
    made = work(Task("one", digest(program), program, tuple(methods(chosen, "no-network")), chosen))
    bare = model_of(None, "auto")
    assert [cell.method for cell in made] == [f"no network, {tier}" for tier in TIERS]
    for cell, tier in zip(made, TIERS, strict=True):
        request = bare.request(count=4, steps=4, tier=tier)
        alone = sample(bare, StandardForm.of(program), request)  # type: ignore[arg-type]
        expected = np.where(alone.verdict.feasible, alone.verdict.objective, np.nan)
        found = [np.nan if value is None else value for value in cell.objective]
        assert np.array_equal(found, expected, equal_nan=True), tier
        assert cell.distinct == alone.distinct and cell.hamming == alone.hamming


def test_budgets_are_equal() -> None:
    chosen = options(threads=2, seconds=3.0)
    solvers = [methods(chosen, kind)[0].settings for kind in ("highs", "cbc", "scip")]
    assert all(settings == {"seconds": 3.0, "threads": 2} for settings in solvers)
    sampled = [one.settings for one in (*methods(chosen, "no-network"), *methods(chosen, "randomised-greedy"))]
    assert {settings.get("count", settings.get("samples")) for settings in sampled} == {4}
    assert {one.settings["threads"] for one in methods(chosen, "no-network")} == {2}
    program = generate("set-cover", "tiny", 0)
    for kind in ("no-network", "randomised-greedy", "rounding"):
        task = Task("one", digest(program), program, tuple(methods(chosen, kind)), chosen)  # type: ignore[arg-type]
        assert all(len(cell.objective) == 4 for cell in work(task))


def test_other_settings_are_other_cells_of_one_journal(tmp_path: Path) -> None:
    chosen = {"methods": ("no-network",), "tiers": ("guided",), "count": 1, "out": str(tmp_path / "a")}
    for more, number in (({}, 1), ({}, 1), ({"seed": 1}, 2), ({"steps": 3}, 3), ({"samples": 2}, 4), ({}, 4)):
        reports(**chosen, **more)
        assert len(cells(tmp_path / "a")) == number


def test_the_best_ever_seen_is_kept_and_counts(tmp_path: Path) -> None:
    kept = str(tmp_path / "kept.json")
    alone = {"methods": ("greedy",), "size": "small", "references": kept}
    before = rows(tables(reports(**alone))[0])["greedy"]
    reports(methods=("highs",), size="small", references=kept)
    after = rows(tables(reports(**alone))[0])["greedy"]
    assert before["best of K gap %"] == 0.0 and after["gap %"] > before["gap %"]


def test_a_folder_of_models_is_evaluated_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    write_mps(tmp_path / "cover.mps.gz", generate("set-cover", "tiny", 1))
    write_mps(tmp_path / "endless.mps", from_arrays([1.0], [[1.0]], row_low=[2.0], high=[np.inf]))
    write_mps(tmp_path / "impossible.mps", from_arrays([1.0, 1.0], [[1, 1]], row_low=[3]))
    (tmp_path / "nonsense.lp").write_text("this is no model\n")
    kinds = ("no-network", "greedy", "rounding", "highs")
    made = reports(folder=str(tmp_path), count=9, methods=kinds, tiers=("guided",))
    said = [report for report in made if isinstance(report, str)]
    assert any(line.startswith("endless, no network, guided: variable ") for line in said)
    assert any("nonsense.lp" in line for line in said)
    assert any(line.startswith("impossible, HiGHS: infeasible") for line in said)
    table = rows(tables(made)[0])
    assert {name: row["instances"] for name, row in table.items()} == dict.fromkeys(table, 3)
    assert table["HiGHS"]["instances feasible %"] == pytest.approx(66.67)


def test_no_network_fits_is_said_and_the_ablation_stands_alone(tmp_path: Path) -> None:
    made = reports(family="knapsack", methods=("network", "no-network"), tiers=("guided",), count=2)
    said = [report for report in made if isinstance(report, str)]
    assert sum("no bundled network is for a program of this structure" in line for line in said) == 1
    assert list(rows(tables(made)[0])) == ["no network, guided"]


def test_networks_are_compared_by_name_and_a_trained_anew_one_is_another(tmp_path: Path) -> None:
    files = [written(tmp_path / "a.safetensors", 0), written(tmp_path / "b.safetensors", 1)]
    asked = {"methods": ("network",), "tiers": ("guided",), "count": 1, "out": str(tmp_path / "out")}
    table = rows(tables(reports(checkpoint=(*files, "none"), **asked))[0])
    assert list(table) == ["a, guided", "b, guided"]
    reports(checkpoint=(*files, files[0]), **asked)
    assert len(cells(tmp_path / "out")) == 2
    written(tmp_path / "a.safetensors", 2)
    reports(checkpoint=tuple(files), **asked)
    assert len(cells(tmp_path / "out")) == 3


def written(path: Path, seed: int) -> str:
    """An untrained network as a checkpoint."""
    domain = IntegerPrograms(width=4, rounds=1)
    torch.manual_seed(seed)
    tensors = {f"network.{name}": value for name, value in domain.network().state_dict().items()}
    objective = Objective(prediction="x0").model_dump(mode="json")
    settings = domain.model_dump(mode="json")
    config = {"domain": "programs", "settings": settings, "schedule": {"kind": "cosine"}, "objective": objective}
    Checkpoint(tensors, config).write(path)
    return str(path)


def test_the_command_prints_the_table_and_refuses_in_one_sentence(becalm: Callable[..., tuple[int, str, str]]) -> None:
    quick = ("--size", "tiny", "--count", 1, "--samples", 3, "--steps", 3, "--tiers", "guided")
    words = (*quick, "--methods", "no-network,greedy")
    code, out, _ = becalm("programs", "evaluate", *words, "--out", "runs/cover")
    assert code == 0 and "no network, guided" in out and Path("runs/cover.png").exists()
    code, out, err = becalm("programs", "evaluate", *quick, "--checkpoint", "nothing", "--methods", "network")
    assert code == 2 and "nothing" in err and "Traceback" not in err


def test_what_is_not_installed_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyscipopt", None)
    made = reports(methods=("greedy", "scip"), count=1)
    assert any(isinstance(report, str) and "left out" in report and "pip install" in report for report in made)
    assert list(rows(tables(made)[0])) == ["greedy"]
    with pytest.raises(UserError, match="nothing is left to compare"):
        reports(methods=("scip",), count=1)


def test_wrong_places_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for settings, sentence in (
        ({"out": f"{tmp_path}/"}, "--out must be the beginning of file names"),
        ({"out": str(tmp_path / "file" / "a")}, "cannot write --out"),
        ({"folder": str(tmp_path / "nowhere")}, "--folder must be a folder of model files"),
        ({"folder": str(tmp_path)}, "holds no model file"),
        ({"references": str(tmp_path / "a.txt")}, "--references must end in .json"),
        ({"checkpoint": ("nothing",), "methods": ("network",)}, "nothing"),
    ):
        with pytest.raises(UserError, match=sentence):
            reports(**settings)
