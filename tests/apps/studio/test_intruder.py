"""A client that is no page of ours, at a studio that runs: it reads no file of the server, and leaves no traceback."""

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import studio

PROGRAM = "\\ Problem name: secret\nmin\n obj: x + 2 y\nst\n c: x + y >= 1\nbin\n x y\nend\n"
TOKEN = "a-token-for-all"
BOUNDARY = {"content-type": "multipart/form-data; boundary=XX"}
UPLOAD = (
    b'--XX\r\nContent-Disposition: form-data; name="files"; filename="a.lp"\r\nContent-Type: text/plain\r\n\r\n'
    + PROGRAM.encode()
    + b"\r\n--XX--\r\n"
)


class Intruder:
    """Speaks HTTP to a studio, as its page does or otherwise."""

    def __init__(self, address: str, cookie: str = "") -> None:
        self.port = int(re.search(r":(\d+)/", address)[1])  # type: ignore[index]
        self.headers = {"cookie": cookie} if cookie else {}
        self.config = json.loads(self.ask("GET", "/config")[1])

    def ask(self, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request(method, path, body, {**self.headers, **(headers or {})})
        answer = line.getresponse()
        return answer.status, answer.read()

    def _event(self, panel: str, name: str) -> tuple[dict[str, Any], dict[int, Any]]:
        parts = {part["id"]: part for part in self.config["components"]}
        button = next(key for key, part in parts.items() if part["props"].get("elem_id") == f"{name}-{panel}")
        return next(event for event in self.config["dependencies"] if event["targets"][0][0] == button), parts

    def run(self, panel: str, field: str, value: Any, session: str) -> str:
        """Presses a panel's button with a value in one of its fields; what the server answers."""
        event, parts = self._event(panel, "run")
        inputs = [parts[number] for number in event["inputs"]]
        values = [part["props"].get("value") for part in inputs]
        place = next(n for n, part in enumerate(inputs) if part["props"].get("elem_id") == f"field-{panel}-{field}")
        values[place] = value
        return self.fire(event["id"], values, session)

    def fire(self, number: int, values: list[Any], session: str) -> str:
        body = json.dumps({"data": values, "fn_index": number, "session_hash": session})
        status, said = self.ask("POST", "/gradio_api/run/predict", body, {"content-type": "application/json"})
        return f"{status} {said.decode(errors='replace')}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def intruder(place: Path) -> Iterator[Intruder]:
    with studio(place, "--token", TOKEN) as address:
        yield Intruder(address, cookie=f"becalm-studio={TOKEN}")
    assert "Traceback" not in (place / "stderr").read_text()


def test_a_file_that_was_never_uploaded_is_not_read(intruder: Intruder, place: Path) -> None:
    (place / "secret.lp").write_text(PROGRAM)
    sent = {"path": str(place / "secret.lp"), "meta": {"_type": "gradio.FileData"}}
    assert intruder.run("programs-sample", "model", sent, "thief").startswith("500")
    assert "was not uploaded by a user" in (place / "stderr").read_text()


def test_a_file_that_was_uploaded_is(intruder: Intruder) -> None:
    status, said = intruder.ask("POST", "/gradio_api/upload", UPLOAD, BOUNDARY)
    assert status == 200
    sent = {"path": json.loads(said)[0], "meta": {"_type": "gradio.FileData"}}
    assert "working" in intruder.run("programs-sample", "model", sent, "owner")


def test_another_sites_page_stores_nothing(intruder: Intruder) -> None:
    foreign = {**BOUNDARY, "origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    assert intruder.ask("POST", "/gradio_api/upload", UPLOAD, foreign)[0] == 403


def test_what_no_page_would_send_is_refused_in_a_sentence_or_a_status(intruder: Intruder) -> None:
    for value in (10**9, -1, "many", None, [], {"path": "x"}, 1e400):
        said = intruder.run("images-sample", "request-count", value, "odd")
        assert said.startswith(("200", "422")), said
    assert "must be" in intruder.run("images-sample", "request-count", 10**9, "odd")
    for body in (b"", b"{", b"[]", b"{}", b'{"fn_index": 99999, "data": []}', b"[" * 10000, b"\xff\xfe"):
        status, _ = intruder.ask("POST", "/gradio_api/run/predict", body, {"content-type": "application/json"})
        assert status >= 400
    assert intruder.ask("GET", "/config")[0] == 200


def test_uploads_have_a_bound(intruder: Intruder) -> None:
    taken = [intruder.ask("POST", "/gradio_api/upload", UPLOAD, BOUNDARY)[0] for _ in range(70)]
    assert 200 in taken and taken[-1] == 429


@pytest.mark.slow
def test_requests_that_do_not_come_to_an_end_are_closed(intruder: Intruder) -> None:
    lines = [socket.create_connection(("127.0.0.1", intruder.port)) for _ in range(50)]
    for line in lines:
        line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    begun = time.monotonic()
    for line in lines:
        line.settimeout(30)
        assert line.recv(1) == b""
    assert time.monotonic() - begun < 20
    assert intruder.ask("GET", "/config")[0] == 200


def test_where_others_come_models_are_chosen_from_a_list(intruder: Intruder) -> None:
    for name in ("/etc/passwd", "hf:someone/something", "elsewhere.safetensors"):
        said = intruder.run("images-sample", "checkpoint", name, "guest")
        assert "must be one of" in said and "there is no checkpoint" not in said
    assert "working" in intruder.run("images-sample", "checkpoint", "mnist", "guest")
