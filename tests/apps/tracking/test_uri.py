"""Where a training is tracked: the flag before the environment, what cannot be used refused, no password shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm_apps.tracking.uri import address, reason, redact, tracking_uri

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("flag", "becalm_says", "mlflow_says", "found"),
    [
        ("http://here:5000", "off", None, "http://here:5000"),
        (None, "off", "http://there", None),
        (None, "http://a", "http://b", "http://a"),
        (None, None, "http://b", "http://b"),
        (None, None, None, "sqlite:///{here}/runs/mlflow.db"),
        ("x.db", None, None, "sqlite:///{here}/x.db"),
        ("sqlite:///x.db", None, None, "sqlite:///{here}/x.db"),
        ("postgresql+psycopg2://me:word@there/runs", None, None, "postgresql+psycopg2://me:word@there/runs"),
    ],
)
def test_the_flag_counts_before_the_environment(
    flag: str | None,
    becalm_says: str | None,
    mlflow_says: str | None,
    found: str | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("BECALM_TRACKING", becalm_says), ("MLFLOW_TRACKING_URI", mlflow_says)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert tracking_uri(flag) == (None if found is None else found.format(here=tmp_path))


@pytest.mark.parametrize("text", ["ftp://there", "runs", "file:///runs", "off", "a b"])
def test_what_mlflow_cannot_use_is_refused_before_anything_is_trained(text: str, becalm: Run, tmp_path: Path) -> None:
    code, out, err = becalm("toy", "train", "--out", "a.safetensors", "--tracking", text)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert repr(text) in err
    assert list(tmp_path.iterdir()) == []


def test_tracking_and_no_tracking_together_are_refused(becalm: Run) -> None:
    code, _, err = becalm("toy", "train", "--out", "a.safetensors", "--no-tracking", "--tracking", "x.db")
    assert (code, err) == (2, "becalm: --no-tracking tracks nothing: leave out --tracking x.db\n")


def test_no_password_is_shown_or_kept() -> None:
    assert redact("postgresql://me:word@there/runs") == "postgresql://***@there/runs"
    assert redact("becalm train --tracking http://a:b@c --out d@e") == "becalm train --tracking http://***@c --out d@e"
    with pytest.raises(UserError, match=r"got 'ftp://\*\*\*@there'"):
        address("ftp://me:word@there")
    assert "word" not in reason(RuntimeError("cannot reach http://me:word@there\nmore"))


def test_a_cause_is_told_without_what_led_to_it() -> None:
    told = (
        "API request to http://a failed with exception HTTPConnectionPool(host='a', port=9): Max retries exceeded with "
        "url: /x (Caused by NewConnectionError(\"HTTPConnection(host='a', port=9): Failed to establish a new "
        'connection: [Errno 111] Connection refused"))'
    )
    assert reason(RuntimeError(told)) == "Connection refused"
    assert reason(RuntimeError()) == "RuntimeError"
