"""The server of the page: bound before anything slow happens, one process, no words of gradio's own."""

import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

from becalm.errors import UserError
from becalm.plugin.find import Plugin, installed
from becalm.plugin.report import Report
from becalm_apps.cli.error_boundary import Stopped
from becalm_apps.studio.access_guard import guard

_MOST = "256mb"


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


def serve(listener: socket.socket, *, token: str | None, ready: Callable[[], None]) -> None:
    """Serves until it is interrupted.

    Args:
        ready: Called when pages are answered.

    Raises:
        UserError: If gradio is not installed.
        KeyboardInterrupt: When interrupted.
        Stopped: When terminated.
    """
    with tempfile.TemporaryDirectory(prefix="becalm-studio-", ignore_cleanup_errors=True) as name:
        _prepare_gradio(Path(name))
        try:
            import gradio as gr
            import uvicorn
            from fastapi import FastAPI
        except ModuleNotFoundError as error:
            raise UserError(f"the studio needs the package {error.name!r}: pip install 'becalm[studio]'") from error
        from becalm_apps.studio.session.sessions import Sessions
        from becalm_apps.studio.ui.page import page
        from becalm_apps.studio.ui.style import CSS, theme

        sessions, plugins = Sessions(Path(name)), installed()
        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None),
            page(plugins, sessions),
            "/",
            theme=theme(),
            css=CSS,
            footer_links=[],
            run_history=False,
            max_file_size=_MOST,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
        )
        server = uvicorn.Server(
            uvicorn.Config(guard(app, token=token), log_level="error", timeout_graceful_shutdown=1, lifespan="on")
        )
        signal.signal(signal.SIGTERM, _terminate)  # uvicorn raises it again when it has shut down.
        ready()
        sessions.begin("", "warm", lambda: _warm(plugins))
        try:
            server.run(sockets=[listener])
        finally:
            sessions.close()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Stopped("stopped", 128 + number)


def _warm(plugins: Sequence[Plugin]) -> Iterator[Report]:
    """One small sample of each default model, so that the first visitor does not wait for what is done once."""
    from becalm.model import shared

    for ref in [ref for plugin in plugins for ref in plugin.domains if ref.default is not None]:
        with contextlib.suppress(Exception):  # Whoever asks for it is told.
            shared(str(ref.default)).sample(count=1, steps=1).picture()
        yield ref.name


def _prepare_gradio(folder: Path) -> None:
    """What gradio reads when it is imported: its files lie here, and it calls nobody."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "cache")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # A visitor that has gone is noticed after so many seconds.
    os.environ.setdefault("GRADIO_HEARTBEAT_INTERVAL", "1")
