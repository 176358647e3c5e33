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
from becalm.plugin.report import Progress, Table
from becalm_programs.families import generate
from becalm_programs.formats.arrays import from_arrays
from becalm_programs.formats.mps import write_mps
from becalm_programs.formats.read import read
from becalm_programs.options import LabelOptions
from becalm_programs.problem.program import objective
from becalm_programs.problem.verify import verify
from becalm_programs.training.label import Labels, load, place, run

pytest.importorskip("highspy")
Labelled = tuple[Path, list[str | Progress | Table]]


def label(folder: Path, **settings: object) -> list[str | Progress | Table]:
    chosen = {"steps": 3, "solutions": 4, "workers": 1, "gap": 0.3, **settings}
    return list(run(LabelOptions.model_validate({"folder": str(folder), **chosen})))


def contents(folder: Path) -> dict[str, Labels]:
    return {path.name: load(path) for path in sorted(folder.glob("*.npz"))}


def same(one: dict[str, Labels], other: dict[str, Labels]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name].x, other[name].x) for name in one)


def last(reports: Sequence[object]) -> str:
    return str(reports[-1])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """A folder that has been labelled in one go, and what was reported."""
    folder = write(tmp_path_factory.mktemp("labelled"))
    return folder, label(folder, workers=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


def write(folder: Path) -> Path:
    write_mps(folder / "cover.mps.gz", generate("set-cover", "small", 0))
    write_mps(folder / "knapsack.mps.gz", generate("knapsack", "tiny", 0))
    return folder


def test_labels_are_verified_different_sorted_and_within_the_gap(labelled: Labelled) -> None:
    folder, reports = labelled
    assert "2 labelled, 0 had labels already, 0 without" in last(reports)
    for name in ("cover", "knapsack"):
        model = folder / f"{name}.mps.gz"
        program, labels = read(model), load(place(model))
        assert labels.names == program.names and 1 <= len(labels.x) <= 4
        assert verify(program, labels.x).feasible.all() and len(np.unique(labels.x, axis=0)) == len(labels.x)
        assert np.allclose(labels.objective, objective(program, labels.x))
        value = -labels.objective if program.maximise else labels.objective
        assert value[0] == value.min() and (value <= value[0] + 0.3 * abs(value[0]) + 1e-6).all()
        with np.load(place(model)) as file:
            assert file["x"].dtype == np.int8 and file["feasible"].all()


def test_progress_runs_from_nothing_to_all(labelled: Labelled) -> None:
    progress = [report for report in labelled[1] if isinstance(report, Progress)]
    done = [report.done for report in progress]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 2 and all(report.total == 2 for report in progress)


def test_a_stopped_run_goes_on_to_what_an_unbroken_one_gives(folder: Path, labelled: Labelled) -> None:
    going = run(LabelOptions(folder=str(folder), steps=3, solutions=4, workers=1, gap=0.3))
    while not list(folder.glob("*.npz")):
        next(going)
    going.close()  # type: ignore[attr-defined]
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    assert len(before) == 1
    assert "1 labelled, 1 had labels already" in last(label(folder))
    assert same(contents(folder), contents(labelled[0]))
    assert all(path.stat().st_mtime_ns == moment for path, moment in before.items())


def test_labels_depend_on_the_seed(folder: Path, labelled: Labelled) -> None:
    (folder / "knapsack.mps.gz").unlink()
    label(folder, seed=1)
    expected = {"cover.npz": contents(labelled[0])["cover.npz"]}
    assert not same(contents(folder), expected)
    label(folder, again=True)
    assert same(contents(folder), expected)


def test_damaged_labels_are_made_anew(folder: Path, labelled: Labelled) -> None:
    for path in labelled[0].glob("*.npz"):
        (folder / path.name).write_bytes(path.read_bytes())
    path = folder / "knapsack.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="damaged or not a file of labels"):
        load(path)
    assert "1 labelled, 1 had labels already" in last(label(folder))
    assert same(contents(folder), contents(labelled[0]))


def test_a_killed_run_leaves_no_half_written_file(folder: Path) -> None:
    for seed in range(2):
        write_mps(folder / f"cover{seed}.mps.gz", generate("set-cover", "small", seed))
    script = (
        "from becalm_programs.training.label import run\n"
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
    (folder / "cover.mps.gz").unlink()
    write_mps(folder / "impossible.mps", from_arrays([1.0, 1.0], [[1, 1]], row_low=[3]))
    (folder / "nonsense.lp").write_text("this is no model\n")
    reports = [str(report) for report in label(folder)]
    assert any(report.startswith("impossible.mps: no feasible solution was found") for report in reports)
    assert any(report.startswith("nonsense.lp: ") for report in reports)
    assert "1 labelled, 0 had labels already, 2 without" in reports[-1]
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
    pytest.importorskip("distributed")
    for address in ("tcp://127.0.0.1:1", "nonsense://x", "here"):
        with pytest.raises(UserError, match=f"no Dask scheduler answers at {address}: "):
            label(tmp_path, cluster=address)


def test_a_dask_cluster_gives_what_processes_of_this_machine_give(folder: Path, labelled: Labelled) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        reports = label(folder, cluster=cluster.scheduler_address)
    assert "2 labelled" in last(reports) and same(contents(folder), contents(labelled[0]))
