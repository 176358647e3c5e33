"""``make fuzz`` of the studio: changed requests to one that runs, and a table of the answers.

    python tests/trust/fuzz/studio_requests.py [--count 10000]

Request number N is a function of N: what a page of ours sends, with changed values, bytes, words, headers, paths. Every
answer has to come within ten seconds, and the studio has to answer a page of ours in the end, without a traceback on
its terminal. Linux only.
"""

import argparse
import json
import platform
import re
import socket
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from load import Page, at_studio
from meter import held
from mutate import change, change_table, change_text

SECONDS = 10.0
_TOKENS = ("127.0.0.1", "localhost", "evil.example", "\x00", "é", "a" * 70_000, "", "-1", "1e9", "chunked", "gzip")
_NAMES = ("host", "origin", "cookie", "content-length", "content-type", "transfer-encoding", "sec-fetch-site", "x-a")


class Sender:
    """Sends requests that are like those of a page.

    Attributes:
        answers: How many of each status; 0 where the line was closed instead.
        slowest: Seconds of the slowest.
    """

    def __init__(self, port: int) -> None:
        self.port, self.answers, self.slowest = port, Counter[int](), 0.0
        page = Page(port, "fuzz")
        self._events = page.client.ask("GET", "/config")["dependencies"]
        self._paths = ["/", "/config", "/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/upload"]
        self._paths += ["/gradio_api/queue/data?session_hash=fuzz", "/gradio_api/file=/etc/passwd", "/gradio_api/info"]
        self._paths += [
            "/theme.css",
            "/gradio_api/reset",
            "/gradio_api/cancel",
            "/gradio_api/heartbeat/fuzz",
            "/static/x",
        ]

    def send(self, number: int) -> None:
        """Sends a request, and waits for the answer, of which the beginning counts."""
        random = Random(number)
        head, body = self._request(random)
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS + 5) as line:
            status = 0
            try:
                line.sendall(head + body)
                found = re.match(rb"HTTP/1\.1 (\d{3})", line.recv(4096))
                status = int(found[1]) if found else 0
            except ConnectionError:
                pass
        self.answers[status] += 1
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def _request(self, random: Random) -> tuple[bytes, bytes]:
        event = random.choice(self._events)
        count = random.choice((len(event["inputs"]), len(event["inputs"]), random.randrange(40)))
        data = [random.choice((None, 0, 1, "", "x", 10**9, [], {})) for _ in range(count)]
        sent: Any = {"data": data, "fn_index": event["id"], "session_hash": "fuzz", "trigger_id": None}
        body = json.dumps(change_table(random, sent) if random.random() < 0.7 else sent).encode()
        if random.random() < 0.4:
            body = random.choice((change, change_text))(random, body)
        path = random.choice(self._paths if random.random() < 0.5 else self._paths[2:3])
        if random.random() < 0.2:
            path = "/" + change(random, path.encode()).decode("latin-1").replace("\n", "").replace(" ", "")
        headers = {
            "host": f"127.0.0.1:{self.port}",
            "content-type": "application/json",
            "content-length": str(len(body)),
        }
        if random.random() < 0.3:
            headers[random.choice(_NAMES)] = random.choice(_TOKENS)
        method = random.choice(("POST",) * 12 + ("GET", "GET", "PUT", "OPTIONS", "x"))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace"), body


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, at_studio(Path(name)) as (port, pid):
        sender = Sender(port)
        first = held(pid).memory
        for number in range(chosen.count):
            sender.send(number)
            if number % 500 == 499:
                print(f"studio {number + 1}: {dict(sorted(sender.answers.items()))}", flush=True)
        Page(port, "after").client.ask("GET", "/config")
        last, said = held(pid).memory, (Path(name) / "stderr").read_text()
    tracebacks = said.count("Traceback")
    print(f"studio requests: {chosen.count}, by status {dict(sorted(sender.answers.items()))} (0: closed)")
    print(f"slowest {sender.slowest:.1f} s, tracebacks {tracebacks}, memory {first:.0f} -> {last:.0f} MiB")
    print(f"{date.today()}, {platform.machine()}, Python {platform.python_version()}")
    sys.exit(bool(tracebacks) or sender.slowest > SECONDS)


if __name__ == "__main__":
    main()
