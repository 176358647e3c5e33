"""Solution files of solvers: one word, compressed, where every reader passes over it. They know no comments.

``.sol``: the last line. HiGHS takes pairs of words and leaves a last one without a partner alone, SCIP leaves out lines
that begin with ``ENDATA``. ``.mst``: the end of the first line, which CBC skips. Both read at most 1,000 letters of a
line; a longer text, which no settings of becalm's own reach, is left out rather than break the file.
"""

import base64
import binascii
import re
import zlib

_LINE = re.compile(r"\nENDATA#becalm:([A-Za-z0-9+/=]+)\n?$")
_HEAD = re.compile(r"^([^\n]*?) becalm:([A-Za-z0-9+/=]+)(?=\n)")
_MOST = 960
_LONGEST = 2**24


def get_sol(content: bytes) -> str | None:
    """The text of a ``.sol``, or None."""
    found = _LINE.search(content.decode("utf-8"))
    return None if found is None else _unpack(found[1])


def put_sol(content: bytes, text: str) -> bytes:
    """The ``.sol`` with the text in place of one that it has."""
    plain, word = _LINE.sub("\n", content.decode("utf-8")), _pack(text)
    return (plain if len(word) > _MOST else f"{plain}ENDATA#becalm:{word}\n").encode()


def get_mst(content: bytes) -> str | None:
    """The text of a ``.mst``, or None."""
    found = _HEAD.match(content.decode("utf-8"))
    return None if found is None else _unpack(found[2])


def put_mst(content: bytes, text: str) -> bytes:
    """The ``.mst`` with the text in place of one that it has."""
    plain, word = _HEAD.sub(r"\1", content.decode("utf-8")), _pack(text)
    first, line, rest = plain.partition("\n")
    return (plain if len(word) > _MOST - len(first) else f"{first} becalm:{word}{line}{rest}").encode()


def _pack(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii")


def _unpack(word: str) -> str:
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b64decode(word, validate=True), _LONGEST)
        if not unpacker.eof:
            raise ValueError(f"its record is cut short, or has more than {_LONGEST} bytes")
        return text.decode("ascii")
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"its record cannot be unpacked: {error}") from error
