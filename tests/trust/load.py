"""The studio, a served model, and one process that samples and acts, under load: errors, waiting, memory.

    .venv/bin/python tests/trust/load.py [--clients 50] [--seconds 60] [--minutes 10] [--only studio,...]

Prints a row for each. The studio is looked at for longer, by fewer clients, for --minutes: what it holds after the
first minute and at the end. Linux only.
"""

import argparse
import json
import platform
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "apps"))

from browser import studio
from calls import CALLS
from clients import Answers, Client, crowd
from meter import Held, held, metering
from mlflow_server import answers
from running import environment_with, started, until

GONE = 5.0
"""Seconds after which what a visitor has left behind computes no more."""
SPREAD = 5.0
"""Medians that the 99th percentile of waiting may take, where all ask at once."""
GROWN = 5.0
"""Percent that memory may grow by, once it is warm."""
wrong: list[str] = []
"""What was more than it may be."""


class Page:
    """What a visitor's page asks of the studio's panel of images."""

    def __init__(self, port: int, session: str) -> None:
        self.client, self.session = Client(port), session
        config = self.client.ask("GET", "/config")
        parts = {part["id"]: part for part in config["components"]}
        by_name = {part["props"].get("elem_id"): number for number, part in parts.items()}
        events = config["dependencies"]
        run = by_name["run-images-sample"]
        self._begin = next(event for event in events if event["targets"][0][0] == run)
        self._poll = next(
            event for event in events if event["outputs"] == self._begin["outputs"] and not event["inputs"]
        )
        self._values = {parts[n]["props"].get("elem_id"): parts[n]["props"].get("value") for n in self._begin["inputs"]}

    def _fire(self, event: Any, values: list[Any]) -> Any:
        body = {"data": values, "fn_index": event["id"], "session_hash": self.session}
        return self.client.ask("POST", "/gradio_api/run/predict", body)["data"]

    def begin(self, **values: Any) -> None:
        """Presses the button."""
        entered = self._values | {f"field-images-sample-request-{name}": value for name, value in values.items()}
        status = self._fire(self._begin, list(entered.values()))[0]
        if "failed" in status:
            raise OSError(re.sub("<[^>]*>", "", status))

    def state(self) -> str:
        """Asks once how it goes: working, waiting, done, ..."""
        status = self._fire(self._poll, [])[0]
        said = re.search(r'class="status (\w+)', status if isinstance(status, str) else "")
        return said[1] if said else ""

    def run(self, answers: Answers, **values: Any) -> None:
        """One run to its end, as the page does it: asked for news twelve times a second."""
        answers.timed("begin", lambda: self.begin(**values))
        while (state := answers.timed("poll", self.state)) != "done":
            if state in ("failed", "stopped"):
                raise OSError(f"the run has {state}")
            time.sleep(0.08)


def port_of(address: str) -> int:
    found = re.search(r":(\d+)/", address)
    assert found is not None
    return int(found[1])


def pid_of(port: int) -> int:
    """Who listens on a port of loopback."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    wanted = f"0100007F:{port:04X}"
    node = next(line.split()[9] for line in lines if line.split()[1] == wanted and line.split()[3] == "0A")
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) == f"socket:[{node}]":
                return int(link.parts[2])
        except OSError:
            continue
    raise LookupError(port)


@contextmanager
def at_studio(folder: Path | None = None) -> Iterator[tuple[int, int]]:
    """Port and process of a studio, which works in a folder."""
    with tempfile.TemporaryDirectory() as place, studio(folder or Path(place)) as address:
        port = port_of(address)
        until(lambda: Page(port, "first"))
        yield port, pid_of(port)


@contextmanager
def served() -> Iterator[tuple[int, int]]:
    """Port and process of the bundled digits, served by MLflow."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        uri, bin_folder = f"sqlite:///{place}/mlflow.db", str(Path(sys.executable).parent)
        more = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
        environment = environment_with([], **more)
        environment["PATH"] = f"{bin_folder}:{environment['PATH']}"
        adding = started(["runs", "add", "mnist", "--json"], place, environment)
        made = json.loads(adding.communicate(timeout=300)[0])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = ["models", "serve", "-m", f"models:/{made['model']}/{made['version']}", "--env-manager", "local"]
        server = started([*words, "-p", port], place, environment, module="mlflow", stderr=(place / "err").open("w"))
        assert server.stdout is not None
        Thread(target=server.stdout.read, daemon=True).start()  # It logs every request, and a pipe holds few.
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/ping"), 120)
            yield port, server.pid
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def under_load(clients: int, seconds: float) -> None:
    """Fifty visitors of the studio at once, then one that vanishes."""
    with at_studio() as (port, pid), metering(pid) as seen:

        def visit(number: int, took: Answers, go_on: Callable[[], bool]) -> None:
            page = Page(port, f"visitor-{number}")
            while go_on():
                page.run(took, count=1, steps=2, seed=number)

        took = crowd(clients, seconds, visit)
        report("studio", took, ("begin", "poll"), seen)
        seconds = vanishing(port, pid)
        print(f"a visitor that vanishes frees the processor after {seconds:.1f} s (at most {GONE:g})")
        if seconds > GONE:
            wrong.append("a visitor that vanishes")


def vanishing(port: int, pid: int) -> float:
    """Seconds from the end of a visitor's connection to a studio that computes nothing."""
    page = Page(port, "gone")
    heart = socket.create_connection(("127.0.0.1", port))
    heart.sendall(b"GET /gradio_api/heartbeat/gone HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    page.begin(count=16, steps=100)
    until(lambda: page.state() == "working" and busy(pid) > 0.3)
    heart.close()
    begun = time.monotonic()
    until(lambda: busy(pid) < 0.1, 60)
    return time.monotonic() - begun


def busy(pid: int) -> float:
    """How much of a core a process uses, over half a second."""
    before = held(pid)
    time.sleep(0.5)
    after = held(pid)
    return (after.busy - before.busy) / (after.when - before.when)


def at_length(minutes: float) -> None:
    """A few visitors of the studio for a long time."""
    with at_studio() as (port, pid), metering(pid, 2.0) as seen:

        def visit(number: int, took: Answers, go_on: Callable[[], bool]) -> None:
            while go_on():  # A new page each time, as visitors come and go.
                page = Page(port, f"visitor-{number}-{time.monotonic()}")
                heart = socket.create_connection(("127.0.0.1", port))
                heart.sendall(f"GET /gradio_api/heartbeat/{page.session} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                page.run(took, count=4, steps=5, seed=number)
                heart.close()

        report(
            f"studio, {minutes:g} min", crowd(4, 60 * minutes, visit), ("begin", "poll"), seen, warm=60.0, spread=False
        )


def asked(clients: int, seconds: float) -> None:
    """Fifty clients of a served model at once."""
    with served() as (port, pid), metering(pid) as seen:

        def ask(number: int, took: Answers, go_on: Callable[[], bool]) -> None:
            client = Client(port)
            body = {"inputs": [{"count": 1, "steps": 2, "seed": number}]}
            first = None
            while go_on():
                said = took.timed("sample", lambda: client.ask("POST", "/invocations", body))["predictions"]
                first = first or said
                if said != first:
                    raise OSError("the same request has another answer")

        report("served model", crowd(clients, seconds, ask), ("sample",), seen)


def report(
    name: str, took: Answers, asked: tuple[str, ...], seen: list[Held], warm: float = 20.0, *, spread: bool = True
) -> None:
    """Prints how it went."""
    for what in asked:
        count, median, high, ratio = took.row(what)
        print(f"{name}, {what}: {count} answers, median {median:.3f} s, p99 {high:.3f} s, ratio {ratio:.1f}")
        if spread and not ratio <= SPREAD:
            wrong.append(f"{name}, {what}: ratio {ratio:.1f}")
    errors = "; ".join(f"{number} x {said}" for said, number in took.errors.items()) or "none"
    print(f"{name}: errors: {errors}")
    if took.errors:
        wrong.append(f"{name}: errors")
    growth(name, seen, warm)


def growth(name: str, seen: list[Held], warm: float) -> None:
    """Prints what was held when it was warm, and at the end."""
    first = next((one for one in seen if one.when - seen[0].when >= warm), seen[-1])
    last = seen[-1]
    grown = 100 * (last.memory / first.memory - 1)
    print(
        f"{name}: memory {first.memory:.0f} -> {last.memory:.0f} MiB ({grown:+.1f} %), "
        f"handles {first.handles} -> {last.handles}, threads {first.threads} -> {last.threads}",
        flush=True,
    )
    if grown > GROWN:
        wrong.append(f"{name}: memory {grown:+.1f} %")


def alone(samples: int, acts: int) -> None:
    """One process that samples and acts again and again."""
    import os

    import numpy as np

    import becalm_policies

    policy = becalm_policies.load("pusht", device="cpu")

    def act(number: int) -> None:
        if number % 1000 == 0:
            policy.reset()
        policy.act(np.full(5, 0.1 + 1e-6 * number))

    jobs: dict[str, tuple[Callable[[int], object], int]] = {
        "sample of digits": (CALLS["digits"], samples),
        "sample of a cover": (CALLS["cover"], samples),
        "act": (act, acts),
    }
    for name, (call, count) in jobs.items():
        seen: list[Held] = []
        for number in range(count):
            call(number)
            if number % (count // 20) == 0 or number == count - 1:
                seen.append(held(os.getpid()))
        growth(f"{count} x {name}", seen[2:], 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--acts", type=int, default=100_000)
    parser.add_argument("--only", default="studio,length,served,alone")
    options = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {options.clients} clients for {options.seconds:g} s")
    parts: dict[str, Callable[[], None]] = {
        "studio": lambda: under_load(options.clients, options.seconds),
        "length": lambda: at_length(options.minutes),
        "served": lambda: asked(options.clients, options.seconds),
        "alone": lambda: alone(options.samples, options.acts),
    }
    for name in options.only.split(","):
        parts[name]()
        sys.stdout.flush()
    print("; ".join(wrong) or "all is as it should be")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
