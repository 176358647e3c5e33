"""The server of the page: bound before anything slow happens, one process, no words of gradio's own."""

import contextlib
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import FrameType

from becalm.errors import UserError
from becalm.files.lock import hold, is_held, lock_path
from becalm.plugin.distribution.missing import explain
from becalm.plugin.find import Plugin, installed
from becalm.plugin.report import Report
from becalm_apps.cli.error_boundary import Stopped
from becalm_apps.studio.access.guard import guard
from becalm_apps.studio.access.quota import Quota
from becalm_apps.studio.session.sessions import Sessions
from becalm_apps.studio.watchdog import watchdog

_MOST = "256mb"
_CONNECTIONS = 500
_FOLDER = "becalm-studio-"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        UserError: If the host is no address of this machine, or the port is taken.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return socket.create_server(addresses[0][4][:2], family=addresses[0][0], backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot listen on {host} port {port}, {reason}: name others by --host and --port") from error


def serve(
    listener: socket.socket,
    *,
    token: str | None,
    ready: Callable[[], None],
    hosts: Collection[str] = (),
    root_path: str = "",
) -> None:
    """Serves until it is interrupted.

    Args:
        ready: Called when pages are answered.
        hosts, root_path: Names by which a proxy is asked for this page, and the path below which it has it.

    Raises:
        UserError: If gradio is not installed.
        KeyboardInterrupt: When interrupted.
        Stopped: When terminated.
    """
    signal.signal(signal.SIGTERM, _terminate)  # uvicorn raises it again when it has shut down.
    sweep(Path(tempfile.gettempdir()))
    with (
        watchdog(),
        tempfile.TemporaryDirectory(prefix=_FOLDER, ignore_cleanup_errors=True) as name,
        hold(Path(name)),
    ):
        sessions = Sessions(Path(name))
        _prepare_gradio(sessions.uploads)
        try:
            import gradio as gr
            import uvicorn
            from fastapi import FastAPI
        except ModuleNotFoundError as error:
            raise UserError(explain(str(error.name), who="the studio", extra="studio")) from error
        from becalm_apps.studio.access.deadline import DeadlineProtocol
        from becalm_apps.studio.ui.page import page
        from becalm_apps.studio.ui.quiet import quiet
        from becalm_apps.studio.ui.style import CSS, theme

        quiet()
        plugins = installed()
        shared = token is not None or bool(hosts)
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None),
            page(plugins, sessions, shared=shared),
            "/",
            theme=theme(),
            css=CSS,
            footer_links=[],
            run_history=False,
            max_file_size=_MOST,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            root_path=root_path or None,
        )
        within = Quota(app, sessions.uploads)
        config = uvicorn.Config(
            guard(within, token=token, hosts=hosts, root_path=root_path),
            http=DeadlineProtocol,
            log_level="critical",
            timeout_graceful_shutdown=1,
            limit_concurrency=_CONNECTIONS,
            lifespan="on",
        )
        server = uvicorn.Server(config)
        ready()
        sessions.begin("", "warm", lambda: _warm(plugins))
        try:
            server.run(sockets=[listener])
        finally:
            sessions.close()


def sweep(temporary: Path) -> None:
    """Removes the folders of studios that were killed."""
    for folder in temporary.glob(f"{_FOLDER}*"):
        lock = lock_path(folder)
        if lock.exists() and not is_held(lock):
            shutil.rmtree(folder, ignore_errors=True)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Stopped("stopped", 128 + number)


def _warm(plugins: Sequence[Plugin]) -> Iterator[Report]:
    """One small sample of each default model, so that the first visitor does not wait for what is done once."""
    from becalm.model import shared

    for ref in [ref for plugin in plugins for ref in plugin.domains if ref.default is not None]:
        with contextlib.suppress(Exception):  # Whoever asks for it is told.
            shared(str(ref.default)).sample(count=1, steps=1).picture()
        yield ref.name


def _prepare_gradio(uploads: Path) -> None:
    """What gradio reads when it is imported: its files lie here, and it calls nobody."""
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # A visitor that has gone is noticed after so many seconds.
    os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "1")
