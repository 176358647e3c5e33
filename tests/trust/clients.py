"""Many clients at once: each asks again and again for a time; how long every answer took, and what went wrong."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

import numpy as np


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON.

        Raises:
            OSError: If it is no 200.
        """
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            self._line.request(method, path, None if body is None else json.dumps(body), headers)
            answer = self._line.getresponse()
            said = answer.read()
        except http.client.RemoteDisconnected:  # Kept for longer than the server keeps it.
            self._line.close()
            return self.ask(method, path, body)
        if answer.status != 200:
            raise OSError(f"{answer.status}: {said[:120]!r}")
        return json.loads(said)


@dataclass
class Answers:
    """Seconds of all answers, by what was asked, and errors by their words."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def timed(self, what: str, ask: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        answer = ask()
        with self._lock:
            self.seconds.setdefault(what, []).append(time.perf_counter() - begun)
        return answer

    def row(self, what: str) -> tuple[int, float, float, float]:
        """Count, median, 99th percentile, their ratio."""
        took = np.array(self.seconds.get(what, [np.nan]))
        median, high = np.quantile(took, [0.5, 0.99])
        return len(took), float(median), float(high), float(high / median)


def crowd(clients: int, seconds: float, work: Callable[[int, Answers, Callable[[], bool]], None]) -> Answers:
    """Lets so many clients work at once until the time is over.

    Args:
        work: What a client does: its number, where answers go, and whether it is to go on.
    """
    answers, end = Answers(), time.monotonic() + seconds

    def one(number: int) -> None:
        try:
            work(number, answers, lambda: time.monotonic() < end)
        except Exception as error:
            answers.errors[f"{type(error).__name__}: {error}"[:160]] += 1

    threads = [Thread(target=one, args=(number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 180)
        if thread.is_alive():
            answers.errors["a client is still waiting"] += 1
    return answers
