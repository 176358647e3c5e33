"""Who may come in: on loopback whoever asks for loopback by name, elsewhere whoever brings the token.

The headers forbid a page of ours to fetch anything from elsewhere, whatever a library puts into it.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_COOKIE = "becalm-studio"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-ancestors 'self'; object-src 'none'; base-uri 'self'"
)


def guard(app: App, *, token: str | None, hosts: Collection[str] = (), root_path: str = "") -> App:
    """The app behind the door.

    Args:
        hosts: Names beside those of loopback by which it may be asked for, as a proxy is.
        root_path: The path below which a proxy has it, such as ``/studio``, which the proxy takes off.
        token: What must be brought, once as ``?token=``, from then on as a cookie; None for loopback, where only
            requests are let in that name it: a page from elsewhere cannot, whatever its own name resolves to.
    """
    allowed = {*_LOOPBACK, *(name.lower() for name in hosts)}

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if token is None:
            if _host(headers.get("host", "")).lower() not in allowed:
                await _say(send, 403, "this studio does not go by that name: start it with --allow-host, or --host")
                return
        elif not _same(_cookie(headers), token):
            query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
            if not _same(query.get("token", [""])[-1], token):
                await _say(send, 401, "this studio wants its token: open the address that becalm studio printed")
                return
            cookie = f"{_COOKIE}={token}; HttpOnly; SameSite=Strict; Path={root_path or '/'}"
            await _say(send, 303, "", {"set-cookie": cookie, "location": root_path + (scope["path"] or "/")})
            return
        await app(scope, receive, _strict(send))

    return door


def _strict(send: Send) -> Send:
    async def strict(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            added = {"content-security-policy": _POLICY, "referrer-policy": "no-referrer"}
            extra = [(name.encode(), value.encode()) for name, value in added.items()]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return strict


async def _say(send: Send, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
    fields = {"content-type": "text/plain; charset=utf-8", "referrer-policy": "no-referrer", **(headers or {})}
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": text.encode()})


def _host(value: str) -> str:
    head, _, port = value.rpartition(":")
    return head if port.isdigit() and head else value


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
