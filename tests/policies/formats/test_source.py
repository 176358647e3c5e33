"""Demonstrations by name: Push-T's are fetched once, checked by content, and kept as a small file."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import written

from becalm import UserError
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.formats import source

FIXTURE = Path(__file__).parents[2] / "fixtures" / "policies" / "pusht.npz"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BECALM_DATA", str(tmp_path / "home"))
    return tmp_path / "home" / "pusht"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder behind a server that stands in for the public one."""
    folder = tmp_path / "source"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Stays quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(source, "MIRRORS", (f"http://127.0.0.1:{server.server_port}/",))
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def publish(folder: Path, episodes: Episodes) -> str:
    """Puts an archive in the public one's layout there; gives the digest of what is in it."""
    written.zarr_zip(folder, episodes).rename(folder / "pusht.zip")
    return source.digest(episodes.observations, episodes.actions, episodes.ends)


def test_push_t_is_fetched_once_and_kept_small(home: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Episodes.read(FIXTURE)
    monkeypatch.setattr(source, "DIGEST", publish(mirror, expected))
    for _ in range(2):
        found = source.load("pusht")
        assert np.array_equal(found.observations, expected.observations)
        assert np.array_equal(found.actions, expected.actions)
        assert found.ends.tolist() == expected.ends.tolist()
        assert found.environment == "gym_pusht/PushT-v0"
        (mirror / "pusht.zip").unlink(missing_ok=True)  # The second time nothing is asked for.
    assert [path.name for path in home.iterdir()] == ["pusht_state.npz"]


def test_other_demonstrations_in_the_archive_are_refused(home: Path, mirror: Path) -> None:
    publish(mirror, written.small())
    with pytest.raises(
        UserError, match=r"^pusht.zip could not be downloaded \(.*: wrong checksum\): put pusht_state.npz"
    ):
        source.load("pusht")
    assert list(home.iterdir()) == []


def test_an_archive_of_something_else_is_refused(home: Path, mirror: Path) -> None:
    (mirror / "pusht.zip").write_bytes(b"no archive")
    with pytest.raises(UserError, match="wrong checksum"):
        source.load("pusht")
    assert list(home.iterdir()) == []


def test_no_source_in_reach_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MIRRORS", ("http://127.0.0.1:9/",))
    with pytest.raises(UserError, match=r"^pusht.zip could not be downloaded [^\n]*put pusht_state.npz into [^\n]*$"):
        source.load("pusht")


def test_the_digest_is_of_the_numbers_not_of_the_file() -> None:
    episodes = Episodes.read(FIXTURE)
    expected = source.digest(episodes.observations, episodes.actions, episodes.ends)
    single = source.digest(
        np.asfortranarray(episodes.observations.astype(np.float32)),
        episodes.actions.astype(">f4"),
        episodes.ends.astype(np.int32),
    )
    assert single == expected
    moved = episodes.actions.copy()
    moved[-1, -1] += 1
    assert source.digest(episodes.observations, moved, episodes.ends) != expected


def test_a_name_that_is_neither_known_nor_a_file_lists_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"there are no demonstrations 'push': .*known names are pusht; did you mean"):
        source.load("push")


def test_any_file_is_demonstrations_too(tmp_path: Path) -> None:
    assert len(source.load(str(FIXTURE))) == 4
