"""A file is read elsewhere first: where that process breaks down or does not end, this one lives and says so."""

import time
from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm.gate import trial

h5py = pytest.importorskip("h5py")


def read_as(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Has the other process read files so."""
    process = trial.Process(trial._SCRIPT.replace("read(path, set(filters))", body))
    monkeypatch.setattr(trial, "_PROCESS", process)
    monkeypatch.setattr(trial, "_SECONDS", 0.3)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("os.kill(os.getpid(), 11)", "breaks down on it"),
        ("os.abort()", "breaks down on it"),
        ("time.sleep(60)", "comes to no end with it within 0 s"),
        ("1 / 0", ""),
        ("read(path, set(filters))", ""),
    ],
)
def test_what_the_library_does_to_the_other_process_is_said_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, says: str
) -> None:
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file["x"] = [1.0, 2.0]
    read_as(monkeypatch, body)
    begun = time.monotonic()
    for _ in range(2):  # The process goes on after a file that was too much for it.
        if says:
            with pytest.raises(UserError, match=says) as caught:
                trial.check(path, (1,))
            assert str(path) in str(caught.value)
        else:
            trial.check(path, (1,))
    trial._PROCESS.end()
    assert time.monotonic() - begun < 30


def test_a_process_that_was_killed_is_followed_by_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.hdf5").write_bytes(b"none")
    read_as(monkeypatch, "os.abort()")
    for _ in range(2):
        with pytest.raises(UserError, match="breaks down"):
            trial.check(tmp_path / "a.hdf5", ())
        assert trial._PROCESS._process is not None
        trial._PROCESS._process.kill()
        trial._PROCESS._process.wait()
    trial._PROCESS.end()


def test_nothing_is_imported_from_the_folder_that_becalm_is_started_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "h5py.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "a.hdf5").write_bytes(b"none")
    monkeypatch.chdir(tmp_path)
    read_as(monkeypatch, "pass")
    trial.check(Path("a.hdf5"), ())
    trial._PROCESS.end()
    assert not (tmp_path / "ran").exists()
