"""Who comes in: on loopback whoever names it, elsewhere whoever has the token; pages fetch nothing from elsewhere."""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from becalm.files.lock import lock_path
from becalm_apps.studio.access_guard import guard
from becalm_apps.studio.serve import sweep


def answer(
    token: str | None, *, host: str = "127.0.0.1:7860", query: str = "", cookie: str = "", **behind: Any
) -> tuple[int, dict[str, str]]:
    """Status and headers that a request gets from an app behind the door."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"secret"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), (b"cookie", cookie.encode())]
    scope = {"type": "http", "path": "/", "query_string": query.encode(), "headers": headers}
    asyncio.run(guard(app, token=token, **behind)(scope, send, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:7860", "localhost", "[::1]:80"])
def test_on_loopback_whoever_names_it_comes_in(host: str) -> None:
    assert answer(None, host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", "localhost.evil:1", ""])
def test_a_page_from_elsewhere_cannot_reach_loopback_by_a_name_of_its_own(host: str) -> None:
    assert answer(None, host=host)[0] == 403


def test_a_proxy_asks_by_its_name_and_has_the_page_below_its_path() -> None:
    assert answer(None, host="models.example", hosts=["Models.example"])[0] == 200
    assert answer(None, host="models.example:443", hosts=["models.example"])[0] == 200
    assert answer(None, host="evil.example", hosts=["models.example"])[0] == 403
    _, headers = answer("secret", query="token=secret", root_path="/studio")
    assert headers["location"] == "/studio/" and headers["set-cookie"].endswith("Path=/studio")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--root-path", "studio"), "--root-path must be a path such as /studio, got 'studio'"),
        (("--allow-host", "https://a.b"), "--allow-host must be a name without scheme and port"),
        (("--allow-host", "a.b", "--host", "0.0.0.0"), "--allow-host does nothing where --host is not loopback"),
    ],
)
def test_what_a_proxy_cannot_be_is_refused(
    becalm: Callable[..., tuple[int, str, str]], flags: tuple[str, ...], says: str
) -> None:
    code, _, err = becalm("studio", "--port", 0, *flags)
    assert code == 2 and says in err


def test_folders_of_studios_that_were_killed_are_swept_and_those_of_the_living_kept(tmp_path: Path) -> None:
    for name, pid in (("dead", 2**22 + 1), ("alive", os.getpid())):
        folder = tmp_path / f"becalm-studio-{name}"
        folder.mkdir()
        lock_path(folder).write_text(json.dumps({"pid": pid, "host": socket.gethostname()}))
    (tmp_path / "becalm-studio-unknown").mkdir()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"becalm-studio-alive", "becalm-studio-unknown"}


def test_elsewhere_the_token_is_wanted_once_and_then_its_cookie() -> None:
    assert answer("secret")[0] == 401
    assert answer("secret", query="token=wrong")[0] == 401
    status, headers = answer("secret", query="token=secret", host="any.where")
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"].partition(";")[0]
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=Strict" in headers["set-cookie"]
    assert answer("secret", cookie=cookie, host="any.where")[0] == 200
    assert answer("other", cookie=cookie)[0] == 401


@pytest.mark.parametrize(
    "token", ["", "short", "with a space", "semi;colon", "ampersand&", "naïve-token", "new\nline8"]
)
def test_a_token_that_would_not_survive_address_and_cookie_is_refused(
    becalm: Callable[..., tuple[int, str, str]], token: str
) -> None:
    code, out, err = becalm("studio", "--port", 0, "--token", token)
    assert (code, out) == (2, "")
    assert "--token must be at least 8 letters, digits or . _ ~ -, got" in err


def test_a_token_of_any_letter_allowed_survives_its_cookie() -> None:
    token = "azAZ09._~-"
    cookie = answer(token, query=f"token={token}")[1]["set-cookie"]
    [morsel] = SimpleCookie(cookie).values()
    assert morsel.value == token
    assert answer(token, cookie=cookie.partition(";")[0])[0] == 200


def test_a_page_is_told_to_fetch_nothing_from_elsewhere() -> None:
    policy = answer(None)[1]["content-security-policy"]
    sources = {word for part in policy.split(";") for word in part.split()[1:]}
    assert sources <= {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
