"""A connection whose request does not come is closed: headers have ten seconds, a body may pause for a minute."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_HEADERS = 10.0
_BODY = 60.0


class DeadlineProtocol(H11Protocol):
    """uvicorn's HTTP with an end to waiting for what a client sends."""

    _deadline: asyncio.TimerHandle | None = None
    _waits_for: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no longer."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what came, and waits for the rest."""
        super().data_received(data)
        self._wait()

    def _wait(self) -> None:
        state = self.conn.their_state
        if state is h11.IDLE and self._deadline is not None and self._waits_for is state:
            return  # A byte now and then does not make the headers' time longer.
        self._cancel()
        if state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing():
            self._waits_for = state
            self._deadline = self.loop.call_later(_HEADERS if state is h11.IDLE else _BODY, self._close)

    def _close(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # It is us who do not read.
            self._wait()
        else:
            self.transport.close()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
