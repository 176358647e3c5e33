"""The store that the commands read, and MLflow as becalm uses it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from becalm.errors import UserError
from becalm.plugin.distribution.missing import explain
from becalm_apps.tracking.uri import DEFAULT, ENVIRONMENT, address, tracking_uri, database_file, redact, reason

if TYPE_CHECKING:
    from becalm_apps.tracking.listing import TrackedRun


def tracking_option() -> click.Option:
    """``--tracking``."""
    return click.Option(["--tracking"], metavar="URI", help=f"The store; by default that of train, or {DEFAULT}.")


def store_uri(tracking: str | None) -> str:
    """The address of the store: the one named, else that of trainings, even where those are not tracked now.

    Raises:
        UserError: If it is no address that MLflow knows.
    """
    return tracking_uri(tracking) or address(str(DEFAULT))


def existing_store(tracking: str | None) -> str:
    """The address of a store that there is.

    Raises:
        UserError: If it is a file that does not exist.
    """
    uri = store_uri(tracking)
    file = database_file(uri)
    if file is not None and not file.exists():
        near = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
        raise UserError(f"no runs are tracked here, there is no {near}: train a model, or name a store by --tracking")
    return uri


def runs(uri: str, *which: Any) -> "list[TrackedRun]":
    """The runs of a store; further arguments are those of ``tracking.listing.list_runs``.

    Raises:
        UserError: If MLflow is not installed or the store does not answer.
    """
    with mlflow(uri):
        from becalm_apps.tracking.listing import list_runs

        return list_runs(uri, *which)


@contextmanager
def mlflow(uri: str) -> Iterator[None]:
    """MLflow as becalm uses it: it prints nothing, and what it raises is one sentence.

    Raises:
        UserError: If it is not installed or its store does not answer.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError
    except ModuleNotFoundError as error:
        raise UserError(explain(str(error.name), who="becalm runs", extra="tracking")) from error
    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise UserError(f"{redact(uri)} does not answer as a store of MLflow: {reason(error)}") from error
