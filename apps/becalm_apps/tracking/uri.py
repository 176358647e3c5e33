"""Where trainings are tracked: what a flag says, else the environment, else one SQLite file of this folder.

Imports no MLflow.
"""

import os
import re
from pathlib import Path

from becalm.errors import UserError, first_line

DEFAULT = Path("runs") / "mlflow.db"
HIDDEN = "***"
RECORDER = "BECALM_RECORDER_ADDRESS"
"""Environment variable that brings the recorder the address of its store, which may hold a password."""
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""What MLflow finds where becalm uses it: it tells nobody, prints nothing, and says soon that a server is gone."""
_SQLITE = "sqlite:///"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_SERVERS = ("http", "https", "databricks")
_PATIENCE = 10.0
_CAUSE = re.compile(r"Caused by .*: (?:\[Errno -?\d+\] )?(.+?)[\"')]+$")
_SECRET = re.compile(r"(?<=://)[^/@\s]*@")


def tracking_uri(flag: str | None = None) -> str | None:
    """The address of the store, or None if trainings are not tracked.

    Args:
        flag: An address or a file that ends in .db. Without it ``BECALM_TRACKING`` says, which may be ``off``, then
            ``MLFLOW_TRACKING_URI``, then runs/mlflow.db is taken.

    Raises:
        UserError: If it is no address that MLflow knows.
    """
    named = flag or os.environ.get("BECALM_TRACKING") or os.environ.get("MLFLOW_TRACKING_URI")
    if named == "off" and not flag:
        return None
    return address(named or str(DEFAULT))


def address(text: str) -> str:
    """An address in full: files by their absolute path, so that it means the same in any folder.

    Raises:
        UserError: If it is none that MLflow knows.
    """
    scheme, colon, _ = text.partition(":")
    if not colon and Path(text).suffix == ".db":
        return f"{_SQLITE}{Path(text).absolute()}"
    if text.startswith(_SQLITE):
        return f"{_SQLITE}{Path(text.removeprefix(_SQLITE)).absolute()}"
    if scheme.split("+")[0] in _DATABASES or text == "databricks" or scheme in _SERVERS:
        return text
    raise UserError(
        f"--tracking must be the address of an MLflow server, such as http://127.0.0.1:5000, or of a database, "
        f"such as sqlite:///FILE.db, got {redact(text)!r}"
    )


def wait_seconds() -> float:
    """Seconds that a finished training waits for its recorder before it leaves it to itself.

    ``BECALM_TRACKING_WAIT`` says another number, as where a machine ends with the command that it was started for.

    Raises:
        UserError: If that is no number of seconds.
    """
    text = os.environ.get("BECALM_TRACKING_WAIT", "")
    try:
        seconds = float(text or _PATIENCE)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UserError(f"BECALM_TRACKING_WAIT must be a number of seconds, got {text!r}")
    return seconds


def database_file(uri: str) -> Path | None:
    """The file of a SQLite store; None if the store is something else."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def redact(text: str) -> str:
    """The text without user names and passwords in its addresses, to be shown and kept."""
    return _SECRET.sub(f"{HIDDEN}@", text)


def reason(error: Exception) -> str:
    """Why a store did not answer: the first line of what MLflow says, or the cause that it ends with."""
    first = first_line(error)
    cause = _CAUSE.search(first)
    return redact(cause[1] if cause else first)
