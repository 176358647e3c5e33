"""A hub on loopback that speaks what huggingface_hub asks of the real one: repositories, large files, commits, cards.

It keeps what it is sent in memory, checks sums and tokens, and answers mistakes with the status and headers that the
library turns into its own errors.
"""

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

TOKEN = "hf_loopback"
ZERO = "0" * 40


@dataclass
class Shelf:
    """A repository: its files as of the last commit."""

    private: bool = False
    gated: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    large: set[str] = field(default_factory=set)
    commits: list[str] = field(default_factory=list)

    @property
    def sha(self) -> str:
        return hashlib.sha1("\n".join(self.commits).encode(), usedforsecurity=False).hexdigest()


@dataclass
class Hub:
    """The server's memory."""

    shelves: dict[str, Shelf] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    address: str = ""
    store: str = ""


def started() -> tuple[Hub, ThreadingHTTPServer]:
    """A hub and the server that runs it, in a thread."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(self, hub)

        do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    # Large files lie with another host, as they do there.
    hub.store = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return hub, server


class Refusal(Exception):  # noqa: N818
    """A status, with the code that the library reads."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        super().__init__(message or code)
        self.status, self.code = status, code


def _answer(asked: BaseHTTPRequestHandler, hub: Hub) -> None:
    path = asked.path.partition("?")[0]
    hub.requests.append(f"{asked.command} {path}")
    body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
    if asked.headers.get("Transfer-Encoding") == "chunked":
        body = _chunks(asked)
    headers: dict[str, str] = {}
    try:
        status, headers, content = _route(asked.command, path, body, asked.headers.get("Authorization"), hub)
    except Refusal as refusal:
        status, content = refusal.status, json.dumps({"error": str(refusal)}).encode()
        headers = {"X-Error-Code": refusal.code, "X-Error-Message": str(refusal)}
    asked.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **headers}.items():
        asked.send_header(name, value)
    asked.end_headers()
    if asked.command != "HEAD":
        asked.wfile.write(content)


def _chunks(asked: BaseHTTPRequestHandler) -> bytes:
    body = b""
    while size := int(asked.rfile.readline(), 16):
        body += asked.rfile.read(size)
        asked.rfile.readline()
    asked.rfile.readline()
    return body


def _route(verb: str, path: str, body: bytes, token: str | None, hub: Hub) -> tuple[int, dict[str, str], bytes]:
    known = token == f"Bearer {TOKEN}"
    if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
        return _resolve(hub, known, *found.groups())
    if found := re.fullmatch(r"/blob/([0-9a-f]{64})", path):
        if verb != "PUT":
            return 200, {"ETag": f'"{found[1]}"'}, hub.blobs[found[1]]
        if hashlib.sha256(body).hexdigest() != found[1]:
            raise Refusal(400, message="wrong sum")
        hub.blobs[found[1]] = body
        return 200, {}, b""
    if not known:
        raise Refusal(401, message="Invalid username or password.")
    given = json.loads(body) if body and not path.endswith("/commit/main") else {}
    if path == "/api/repos/create":
        return _create(hub, given)
    if path == "/api/validate-yaml":
        front = re.match(r"---\n(.*?)\n---\n", given["content"], re.DOTALL)
        table = yaml.safe_load(front[1]) if front else None
        if not isinstance(table, dict) or not isinstance(table.get("license"), str):
            raise Refusal(400, message="no front matter")
        return _json({"errors": [], "warnings": []})
    if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/main", path):
        return _json({"files": [_mode(file) for file in given["files"]]})
    if found := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{hub.store}/blob/{wanted['oid']}"}}}
            for wanted in given["objects"]
        ]
        return _json({"transfer": "basic", "objects": objects})
    if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
        return _commit(hub, found[1], body)
    if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/main)?", path):
        if found[1] not in hub.shelves:
            raise Refusal(404, "RepoNotFound", "Repository not found")
        shelf = hub.shelves[found[1]]
        names = [{"rfilename": name} for name in shelf.files]
        return _json({"id": found[1], "sha": shelf.sha, "siblings": names, "private": shelf.private, "tags": []})
    raise Refusal(404, message=f"the test's hub does not know {verb} {path}")


def _resolve(hub: Hub, known: bool, name: str, revision: str, file: str) -> tuple[int, dict[str, str], bytes]:
    shelf = hub.shelves.get(name)
    if shelf is None or (shelf.private and not known):
        raise Refusal(404, "RepoNotFound", "Repository not found")
    if shelf.gated:
        raise Refusal(403, "GatedRepo", "Access to this model is restricted")
    if revision not in ("main", shelf.sha):
        raise Refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    headers = {"X-Repo-Commit": shelf.sha}
    if file not in shelf.files:
        raise Refusal(404, "EntryNotFound", "Entry not found")
    content = shelf.files[file]
    sha = hashlib.sha256(content).hexdigest()
    if file in shelf.large:
        linked = {"X-Linked-Etag": f'"{sha}"', "X-Linked-Size": str(len(content))}
        return 302, {**headers, **linked, "Location": f"{hub.store}/blob/{sha}"}, b""
    return 200, {**headers, "ETag": f'"{sha}"'}, content


def _create(hub: Hub, given: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    name = f"{given.get('organization') or 'someone'}/{given['name']}"
    if given.get("organization") == "others":
        raise Refusal(403, message="You don't have the rights to create a model under this namespace")
    if name in hub.shelves:
        _, headers, content = _json({"url": f"{hub.address}/{name}", "error": "You already created this repo"})
        return 409, headers, content
    hub.shelves[name] = Shelf(private=given.get("visibility") == "private")
    return _json({"url": f"{hub.address}/{name}", "id": name, "name": name})


def _mode(file: dict[str, Any]) -> dict[str, Any]:
    large = str(file["path"]).endswith(".safetensors")
    return {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}


def _commit(hub: Hub, name: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    shelf = hub.shelves[name]
    for line in map(json.loads, body.splitlines()):
        value = line["value"]
        if line["key"] == "header":
            shelf.commits.append(value["summary"])
        elif line["key"] == "file":
            shelf.files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            shelf.files[value["path"]] = hub.blobs[value["oid"]]
            shelf.large.add(value["path"])
    commit = {"commitUrl": f"{hub.address}/{name}/commit/{shelf.sha}", "commitOid": shelf.sha}
    return _json({**commit, "success": True, "hookOutput": ""})


def _json(table: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(table).encode()
