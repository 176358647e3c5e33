"""Labels are verified, whole, resumable, and the same whoever makes them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from becalm.errors import UserError
from becalm.report import Progress, Table
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.read import read
from becalm_programs.labels import Labels, distance, load, place, run
from becalm_programs.options import LabelOptions
from becalm_programs.program import objective
from becalm_programs.verify import verify

pytest.importorskip("highspy")
FAMILIES = ("set-cover", "knapsack", "assignment")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for family in FAMILIES:
        write_mps(tmp_path / f"{family}.mps.gz", generate(family, "tiny", 0))
    return tmp_path


def label(folder: Path, **settings: object) -> list[str | Progress | Table]:
    chosen = {"steps": 6, "solutions": 4, "workers": 1, "gap": 0.3, **settings}
    return list(run(LabelOptions.model_validate({"folder": str(folder), **chosen})))


def contents(folder: Path) -> dict[str, Labels]:
    return {path.name: load(path) for path in sorted(folder.glob("*.npz"))}


def same(one: dict[str, Labels], other: dict[str, Labels]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name].x, other[name].x) for name in one)


def last(reports: Sequence[object]) -> str:
    return str(reports[-1])


def test_labels_are_verified_different_sorted_and_within_the_gap(folder: Path) -> None:
    reports = label(folder, workers=2)
    assert "3 labelled, 0 had labels already, 0 without" in last(reports)
    for family in FAMILIES:
        model = folder / f"{family}.mps.gz"
        program, labels = read(model), load(place(model))
        assert labels.names == program.names and 1 <= len(labels.x) <= 4
        assert verify(program, labels.x).feasible.all() and len(np.unique(labels.x, axis=0)) == len(labels.x)
        assert np.allclose(labels.objective, objective(program, labels.x))
        value = -labels.objective if program.maximise else labels.objective
        assert value[0] == value.min() and (value <= value[0] + 0.3 * abs(value[0]) + 1e-6).all()
        with np.load(place(model)) as file:
            assert file["x"].dtype == np.int8 and file["feasible"].all()


def test_progress_runs_from_nothing_to_all(folder: Path) -> None:
    progress = [report for report in label(folder) if isinstance(report, Progress)]
    done = [report.done for report in progress]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 3 and all(report.total == 3 for report in progress)


def test_a_stopped_run_goes_on_to_what_an_unbroken_one_gives(folder: Path) -> None:
    label(folder)
    whole = contents(folder)
    for path in folder.glob("*.npz"):
        path.unlink()
    going = run(LabelOptions(folder=str(folder), steps=6, solutions=4, workers=1, gap=0.3))
    while not list(folder.glob("*.npz")):
        next(going)
    going.close()  # type: ignore[attr-defined]
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    assert 1 <= len(before) < 3
    reports = label(folder)
    assert f"{3 - len(before)} labelled, {len(before)} had labels already" in last(reports)
    assert same(contents(folder), whole)
    assert all((folder / name).stat().st_mtime_ns == moment for name, moment in before.items())


def test_labels_do_not_depend_on_how_many_work_but_on_the_seed(folder: Path) -> None:
    label(folder, workers=1)
    one = contents(folder)
    label(folder, workers=2, again=True)
    assert same(contents(folder), one)
    label(folder, seed=1, again=True)
    assert not same(contents(folder), one)


def test_damaged_labels_are_made_anew(folder: Path) -> None:
    label(folder)
    whole = contents(folder)
    path = folder / "knapsack.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="holds no labels"):
        load(path)
    assert "1 labelled, 2 had labels already" in last(label(folder))
    assert same(contents(folder), whole)


def test_a_killed_run_leaves_no_half_written_file(folder: Path) -> None:
    for seed in range(4):
        write_mps(folder / f"cover{seed}.mps.gz", generate("set-cover", "small", seed))
    script = (
        "from becalm_programs.labels import run\n"
        "from becalm_programs.options import LabelOptions\n"
        f"if __name__ == '__main__': list(run(LabelOptions(folder={str(folder)!r}, seconds=0.3, workers=1)))\n"
    )
    (folder / "main.py").write_text(script)
    process = subprocess.Popen([sys.executable, str(folder / "main.py")], start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(folder.glob("[a-z]*.npz")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made = contents(folder)
    assert made and all(len(labels.x) for labels in made.values())


def test_a_program_without_solutions_or_sense_is_named_and_the_others_go_on(folder: Path) -> None:
    impossible = from_arrays([1.0, 1.0], [[1, 1]], row_low=[3])
    write_mps(folder / "impossible.mps", impossible)
    (folder / "nonsense.lp").write_text("this is no model\n")
    reports = [str(report) for report in label(folder)]
    assert any("impossible.mps: no feasible solution was found" in report for report in reports)
    assert any("nonsense.lp" in report and "nonsense.lp: " in report for report in reports)
    assert "3 labelled, 0 had labels already, 2 without" in reports[-1]
    assert not (folder / "impossible.npz").exists()


def test_wrong_folders_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a folder of model files"):
        label(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no model file"):
        label(tmp_path)
    program = generate("knapsack", "tiny", 0)
    write_mps(tmp_path / "one.mps", program)
    write_mps(tmp_path / "one.mps.gz", program)
    with pytest.raises(UserError, match="would share the labels"):
        label(tmp_path)
    (tmp_path / "one.mps.gz").unlink()
    if pytest.importorskip("distributed"):
        with pytest.raises(UserError, match="no Dask scheduler answers at"):
            label(tmp_path, cluster="tcp://127.0.0.1:1")


def test_a_dask_cluster_gives_what_processes_of_this_machine_give(folder: Path) -> None:
    distributed = pytest.importorskip("distributed")
    label(folder)
    local = contents(folder)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        reports = label(folder, cluster=cluster.scheduler_address, again=True)
    assert "3 labelled" in last(reports) and same(contents(folder), local)


def test_the_distance_is_the_mean_over_pairs() -> None:
    x = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    assert distance(x) == pytest.approx((1 + 3 + 2) / 3) and distance(x[:1]) == 0.0
