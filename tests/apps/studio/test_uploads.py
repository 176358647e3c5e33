"""A file that a request names is one that was uploaded, whatever the request says of it."""

import os
from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm_apps.studio.session.uploads import uploaded


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    (tmp_path / "cache" / "a1").mkdir(parents=True)
    (tmp_path / "cache" / "a1" / "mine.lp").write_text("min\n")
    (tmp_path / "secret.lp").write_text("min\n")
    return tmp_path / "cache"


def test_what_was_uploaded_is_found(uploads: Path) -> None:
    assert uploaded(str(uploads / "a1" / "mine.lp"), uploads).read_text() == "min\n"


def test_nothing_else_is(uploads: Path) -> None:
    (uploads / "link.lp").symlink_to(uploads.parent / "secret.lp")
    (uploads / "folder").symlink_to(uploads.parent)
    os.mkfifo(uploads / "pipe.lp")
    elsewhere = ["../secret.lp", "link.lp", "folder/secret.lp", "gone.lp", "pipe.lp", "a1", "a1/../../secret.lp", "\0"]
    for name in [*(str(uploads / name) for name in elsewhere), "/etc/passwd", "secret.lp", "http://a.b/c.lp"]:
        with pytest.raises(UserError, match="is no file that was uploaded to this page") as caught:
            uploaded(name, uploads)
        assert str(uploads) not in str(caught.value)
