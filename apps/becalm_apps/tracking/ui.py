"""MLflow's own page over a store, on this machine alone, for as long as the command runs."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from becalm.errors import UserError
from becalm_apps.tracking.uri import ENVIRONMENT, database_file

HOST = "127.0.0.1"
_PATIENCE = 120.0


@contextmanager
def serve(uri: str, port: int) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Serves the page; yields its address, once it answers, and the process that serves it.

    Raises:
        UserError: If it does not start.
    """
    file = database_file(uri)
    store = ["--backend-store-uri", uri, "--host", HOST, "--port", str(port), "--workers", "1"]
    # Nobody asks a page for background jobs.
    environment = {**ENVIRONMENT, **os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen(  # noqa: S603 (our own choice of words)
        [sys.executable, "-m", "mlflow", "server", *store],
        env=environment,
        # What people log by themselves through this server goes beside the store, too.
        cwd=file.parent if file is not None else None,
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BECALM_DEBUG") else subprocess.DEVNULL,
        # Its workers are ended with it, by us.
        start_new_session=True,
    )
    try:
        address = f"http://{HOST}:{port}"
        _until_it_answers(address, process)
        yield address, process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the server with its workers, who are of its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return


def _until_it_answers(address: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 (an address of this machine)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise UserError("MLflow's page did not start; BECALM_DEBUG=1 shows what it says")
