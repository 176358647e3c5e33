"""JSON: a key ``becalm``, the first of the object. The rest stands as it was written."""

import json
import re

_HEAD = re.compile(r'\{(\s*)"becalm"\s*:\s*')
_SCAN = json.JSONDecoder().raw_decode


def get(content: bytes) -> str | None:
    """The text, or None."""
    whole = _object(content)
    head = _HEAD.match(whole)
    return None if head is None else json.dumps(_SCAN(whole, head.end())[0], separators=(",", ":"))


def put(content: bytes, text: str) -> bytes:
    """The file with the text in place of one that it has."""
    whole = _object(content)
    head = _HEAD.match(whole)
    if head is not None:
        _, end = _SCAN(whole, head.end())
        return (whole[: head.end()] + text + whole[end:]).encode()
    space = re.match(r"\{(\s*)", whole)
    gap = space[1] if space is not None else ""
    rest = whole[1 + len(gap) :]
    follows = "" if rest.startswith("}") else f",{gap or ' '}"
    return f'{{{gap}"becalm": {text}{follows}{rest}'.encode()


def _object(content: bytes) -> str:
    whole = content.decode("utf-8")
    if not whole.startswith("{"):
        raise ValueError("this JSON holds no object")
    return whole
