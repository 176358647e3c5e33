"""Who comes in: on loopback whoever names it, elsewhere whoever has the token; pages fetch nothing from elsewhere."""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from http.cookies import SimpleCookie
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from becalm.files.lock import lock_path
from becalm_apps.studio.access.guard import guard
from becalm_apps.studio.serve import sweep


def answer(
    token: str | None,
    *,
    host: str = "127.0.0.1:7860",
    query: str = "",
    cookie: str = "",
    method: str = "GET",
    path: str = "/",
    more: dict[str, str] | None = None,
    **behind: Any,
) -> tuple[int, dict[str, str]]:
    """Status and headers that a request gets from an app behind the door."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"secret"})

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": host, "cookie": cookie, **(more or {})}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": pairs}
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


HERE = "http://127.0.0.1:7860"


@pytest.mark.parametrize("token", [None, "secret-token"])
@pytest.mark.parametrize(
    ("method", "more", "right"),
    [
        ("POST", {}, 200),  # No browser.
        ("POST", {"origin": HERE, "sec-fetch-site": "same-origin"}, 200),
        ("POST", {"origin": HERE}, 200),
        ("GET", {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, 200),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),  # A link from elsewhere.
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),  # A form from elsewhere.
        ("POST", {"origin": "http://evil.example", "sec-fetch-site": "cross-site"}, 403),
        ("POST", {"origin": "http://evil.example"}, 403),
        ("POST", {"origin": "http://127.0.0.1:8000"}, 403),  # Another server of this machine.
        ("POST", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
        ("POST", {"origin": "null"}, 403),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),  # A picture in a page.
    ],
)
def test_a_page_of_another_site_can_ask_nothing(
    token: str | None, method: str, more: dict[str, str], right: int
) -> None:
    assert answer(token, method=method, more=more, cookie=f"becalm-studio={token}")[0] == right


def test_behind_a_proxy_the_origin_is_the_name_that_it_is_asked_for() -> None:
    shown = {"origin": "https://models.example"}
    assert answer(None, method="POST", more=shown)[0] == 403
    assert answer(None, method="POST", more=shown, hosts=["models.example"])[0] == 200
    assert answer(None, method="POST", more={**shown, "x-forwarded-host": "models.example"})[0] == 200


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example/a b", "/ü"])
def test_the_token_leads_to_this_page_and_to_no_other(path: str) -> None:
    location = answer("secret", query="token=secret", path=path)[1]["location"]
    assert location.startswith("/") and location[1:2] not in ("/", "\\")
    assert urlsplit(location).netloc == "" and location.isascii()


def test_wrong_tokens_are_answered_one_after_the_other_and_the_right_one_at_once() -> None:
    times: list[tuple[float, str, int]] = []

    async def ask(door: Any, name: str, query: str) -> None:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": []}
        await door(scope, None, send)
        times.append((asyncio.get_running_loop().time(), name, sent[0]["status"]))

    async def all_at_once() -> None:
        door = guard(ask, token="secret")  # type: ignore[arg-type] # nothing gets as far as the app
        wrong = [ask(door, f"wrong {number}", "token=wrong") for number in range(20)]
        await asyncio.wait_for(asyncio.gather(*wrong[:3], ask(door, "right", "token=secret")), 10)
        await asyncio.gather(*map(asyncio.create_task, wrong[3:]))

    asyncio.run(all_at_once())
    assert times[0][1:] == ("right", 303)
    slow = [when for when, _, status in times[1:] if status == 401]
    assert len(slow) == 19 and all(later - sooner > 0.2 for sooner, later in pairwise(slow))
    assert sum(status == 429 for _, _, status in times) == 1


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
