"""A journal holds what was written to it, whatever moment the writer was killed at."""

from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm.files import journal

RECORDS = [{"number": number, "text": "ä\n" * number} for number in range(4)]


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.jsonl"
    assert journal.read(path) == []
    journal.append(path, RECORDS[:2])
    journal.append(path, RECORDS[2:], durable=True)
    assert journal.read(path) == RECORDS


def test_cut_anywhere_it_gives_the_whole_lines_before(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    journal.write(path, RECORDS)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert journal.read(path) == RECORDS[: content[:size].count(b"\n")]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    for line in ("{no", "3"):
        path.write_text(f'{{"a": 1}}\n{line}\n{{"a": 2}}\n')
        with pytest.raises(UserError, match="line 2 of"):
            journal.read(path)
