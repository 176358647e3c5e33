"""A SQLite store, made whole or not at all.

MLflow makes its tables one by one, and neither bears that two processes do so at once nor that one dies meanwhile: the
file is of no use then, for ever. So they are made in a file of our own, which takes its place when it is done.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient

from becalm.files.atomic import temporary_prefix
from becalm_apps.tracking.uri import database_file


def make(uri: str) -> None:
    """Makes the database of a store where there is none; does nothing for a server.

    Raises:
        OSError: If its folder cannot be written.
        MlflowException: If MLflow cannot make it.
    """
    file = database_file(uri)
    if file is None or file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=temporary_prefix(file.name), dir=file.parent) as folder:
        fresh = Path(folder) / file.name
        MlflowClient(f"sqlite:///{fresh}").search_experiments(max_results=1)
        with suppress(FileExistsError):  # Another training was quicker.
            _place(fresh, file)


def _place(fresh: Path, file: Path) -> None:
    try:
        os.link(fresh, file)
    except FileExistsError:
        raise
    except OSError:  # A file system without links.
        if not file.exists():
            fresh.replace(file)
