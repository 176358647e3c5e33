"""One writer at a time: the second is refused, whoever was killed stands in nobody's way, nothing is left behind."""

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm.files.lock import hold, is_held, lock_path

HERE = {"pid": os.getpid(), "host": socket.gethostname()}


def test_the_second_of_two_is_refused_and_the_place_is_free_again(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "a.safetensors"
    with hold(out):
        assert is_held(lock_path(out))
        with (
            pytest.raises(UserError, match=rf"^process {os.getpid()} on .* is at work on --out .*a\.safetensors"),
            hold(out),
        ):
            pass
        assert lock_path(out).exists(), "who is refused takes nobody's lock away"
    assert list(tmp_path.iterdir()) == []
    with hold(out):
        pass


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ({**HERE, "pid": 2**22 + 1}, False),
        ({**HERE, "born": 1}, False),
        ({**HERE, "pid": 2**22 + 1, "host": "another"}, True),
        ({}, True),
    ],
)
def test_a_lock_counts_as_long_as_its_process_may_live(tmp_path: Path, said: dict[str, object], held: bool) -> None:
    out = tmp_path / "a"
    lock_path(out).write_text(json.dumps(said))
    assert is_held(lock_path(out)) == held
    if held:
        with pytest.raises(UserError, match=f"remove {lock_path(out)}"), hold(out):
            pass
    else:
        with hold(out):
            assert json.loads(lock_path(out).read_text())["pid"] == os.getpid()
    assert lock_path(out).exists() == held


def test_a_folder_that_its_first_writer_makes_is_locked_for_the_second(tmp_path: Path) -> None:
    out = tmp_path / "folder"
    with hold(out):
        out.mkdir()
        with pytest.raises(UserError, match="is at work"), hold(out):
            pass
    with hold(out):
        assert [path.name for path in out.iterdir()] == [".lock"]
    assert list(out.iterdir()) == []


def test_of_many_who_begin_together_one_at_a_time_has_it(tmp_path: Path) -> None:
    lock_path(tmp_path / "a").write_text(json.dumps({**HERE, "born": 1}))
    together, inside, most, refused = threading.Barrier(8), 0, 0, 0
    count = threading.Lock()

    def work() -> None:
        nonlocal inside, most, refused
        together.wait()
        try:
            with hold(tmp_path / "a"):
                with count:
                    inside += 1
                    most = max(most, inside)
                together.wait(5)
                with count:
                    inside -= 1
        except UserError:
            with count:
                refused += 1
            together.wait(5)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, refused) == (1, 7)


def test_where_nothing_can_be_written_whoever_writes_the_result_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with hold(tmp_path / "file" / "inside"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
