"""Questions to a server of MLflow on loopback, and to a model that it serves."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Server:
    """A server of MLflow."""

    address: str

    def ask(self, what: str, /, **fields: Any) -> Any:
        url = f"{self.address}/api/2.0/mlflow/{what}?{urllib.parse.urlencode(fields)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.loads(answer.read())

    def post(self, what: str, /, **fields: Any) -> Any:
        url = f"{self.address}/api/2.0/mlflow/{what}"
        request = urllib.request.Request(url, json.dumps(fields).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def artifact(self, run: str, path: str) -> bytes:
        query = urllib.parse.urlencode({"path": path, "run_uuid": run})
        with urllib.request.urlopen(f"{self.address}/get-artifact?{query}", timeout=60) as answer:
            return bytes(answer.read())

    def history(self, run: str, metric: str) -> list[tuple[int, float]]:
        found = self.ask("metrics/get-history", run_id=run, metric_key=metric)["metrics"]
        return sorted((int(entry["step"]), float(entry["value"])) for entry in found)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def invoke(port: int, requests: list[dict[str, Any]]) -> tuple[int, Any]:
    url, kind = f"http://127.0.0.1:{port}/invocations", {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(url, json.dumps({"inputs": requests}).encode(), kind)
        with urllib.request.urlopen(request, timeout=60) as done:
            return done.status, json.loads(done.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())
