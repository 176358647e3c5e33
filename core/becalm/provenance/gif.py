"""GIF: a comment extension before the first frame (GIF89a, section 24). Frames are not touched."""

_COMMENT = b"\x21\xfe"
_KEY = b"becalm "
_MOST = 255
"""Bytes of a sub-block."""


def get(content: bytes) -> str | None:
    """The text, or None."""
    start = _start(content)
    data = _data(content, start)
    return data.removeprefix(_KEY).decode("ascii", "replace") if data.startswith(_KEY) else None


def put(content: bytes, text: str) -> bytes:
    """The file with the text in place of one that it has."""
    start = _start(content)
    end = _end(content, start) if _data(content, start).startswith(_KEY) else start
    data = _KEY + text.encode("ascii")
    blocks = [data[place : place + _MOST] for place in range(0, len(data), _MOST)]
    comment = _COMMENT + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    # The extension is of the later version of the format.
    return b"GIF89a" + content[6:start] + comment + content[end:]


def _start(content: bytes) -> int:
    """Where the first block stands: after the header, the screen and its palette."""
    if content[:6] not in (b"GIF87a", b"GIF89a") or len(content) < 13:
        raise ValueError("this is no GIF")
    flags = content[10]
    return 13 + (3 << ((flags & 7) + 1) if flags & 128 else 0)


def _data(content: bytes, start: int) -> bytes:
    """The comment at a place, empty where none stands."""
    data = b""
    if content[start : start + 2] == _COMMENT:
        place = start + 2
        while place < len(content) and content[place]:
            data += content[place + 1 : place + 1 + content[place]]
            place += 1 + content[place]
    return data


def _end(content: bytes, start: int) -> int:
    place = start + 2
    while place < len(content) and content[place]:
        place += 1 + content[place]
    return place + 1
