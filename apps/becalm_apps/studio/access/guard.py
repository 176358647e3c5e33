"""Who may come in: on loopback whoever asks for loopback by name, elsewhere whoever brings the token; nowhere a page
of another site.

The headers forbid a page of ours to fetch anything from elsewhere, whatever a library puts into it.
"""

import secrets
from collections.abc import Collection, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote

from becalm_apps.studio.access.answer import App, Receive, Scope, Send, headers_of, say
from becalm_apps.studio.access.guesses import Guesses
from becalm_apps.studio.access.origin import host_of, is_foreign

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
    proxies = {name.lower() for name in hosts}
    allowed = {*_LOOPBACK, *proxies}
    guesses = Guesses()

    async def enter(scope: Scope, send: Send, headers: dict[str, str], token: str) -> bool:
        """Whether the request has the token with it; if not, it is answered."""
        brought = _cookie(headers)
        if _same(brought, token):
            return True
        query = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[-1]
        if _same(query, token):
            cookie = f"{_COOKIE}={token}; HttpOnly; SameSite=Strict; Path={root_path or '/'}"
            # One slash: two, or one that leans the other way, would begin the name of another host.
            place = f"{root_path}/{quote(scope['path'].lstrip('/' + chr(92)))}"
            await say(send, 303, "", {"set-cookie": cookie, "location": place})
        elif (brought or query) and not await guesses.wait():
            await say(send, 429, "too many wrong tokens at once: open the address that becalm studio printed")
        else:
            await say(send, 401, "this studio wants its token: open the address that becalm studio printed")
        return False

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        if token is None and host_of(headers.get("host", "")).lower() not in allowed:
            await say(send, 403, "this studio does not go by that name: start it with --allow-host, or --host")
        elif is_foreign(scope["method"], headers, proxies):
            await say(send, 403, "a page of another site asks this of the studio: open the studio itself")
        elif token is None or await enter(scope, send, headers, token):
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


def _cookie(headers: dict[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())
