"""JSON and TOML are what Python's parsers say, within bounds that those do not have."""

import json
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from becalm.errors import UserError
from becalm.gate.text import parse_json, parse_table, parse_toml, read

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text('[]{}"\\a.1='),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab."{'), inner, max_size=3),
    max_leaves=20,
)
BOMBS = {
    "lists": ("[" * 200 + "]" * 200, "nested more than 100 deep"),
    "many lists": ("[" * 10**6, "nested more than 100 deep"),
    "tables": ('{"a":' * 200 + "1" + "}" * 200, "nested more than 100 deep"),
    "digits": ("9" * 5000, "more than 1000 digits"),
    "cut": ('{"a": ', "is not valid JSON"),
    "nothing": ("", "is not valid JSON"),
}
TOML_BOMBS = {
    "parts": ("a." * 20_000 + "b=1", "key of more than 50 parts"),
    "quoted parts": ('"a" . ' * 20_000 + "b=1", "key of more than 50 parts"),
    "header": ("[" + "a." * 20_000 + "b]", "key of more than 50 parts"),
    "inline": ("x = {" + "a." * 20_000 + "b=1}", "key of more than 50 parts"),
    "lists": ("a = " + "[" * 5000, "nested more than 100 deep"),
    "digits": ("a = " + "9" * 5000, "more than 1000 digits"),
    "cut": ("a = [1, ", "is not valid TOML"),
}


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_json_is_what_python_reads(value: Any) -> None:
    text = json.dumps(value)
    assert parse_json(text, "it") == json.loads(text)


def test_toml_is_what_python_reads() -> None:
    numbers = ", ".join(f"{number}.5" for number in range(1000))
    text = f'a.b."c.d" = [{numbers}]\n[t.u]\nx = "www.{"a." * 40}b"\n'
    assert parse_toml(text, "it") == tomllib.loads(text)


@pytest.mark.parametrize("name", BOMBS)
def test_json_beyond_the_bounds_is_one_sentence(name: str) -> None:
    text, says = BOMBS[name]
    with pytest.raises(UserError, match=f"^file a.json .*{says}"):
        parse_json(text, "file a.json")


@pytest.mark.parametrize("name", TOML_BOMBS)
def test_toml_beyond_the_bounds_is_one_sentence(name: str) -> None:
    text, says = TOML_BOMBS[name]
    with pytest.raises(UserError, match=f"^file a.toml .*{says}"):
        parse_toml(text, "file a.toml")


@pytest.mark.parametrize(
    "text", ["a" * 10**6, "a." * 49 + "b", "[" + "a-" * 10**5, '"' * 10**5, '"a' * 10**5, "1" * 900 + ".."]
)
def test_looking_for_bombs_takes_linear_time(text: str) -> None:
    begun = time.process_time()
    for parse in (parse_json, parse_toml):
        with pytest.raises(UserError):
            parse(text, "it")
    assert time.process_time() - begun < 5


def test_a_table_is_a_table() -> None:
    assert parse_table('{"a": 1}', "it") == {"a": 1}
    with pytest.raises(UserError, match="it must hold a table, got list"):
        parse_table("[1]", "it")


def test_text_is_utf_8_and_bounded(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff")
    with pytest.raises(UserError, match="not text in UTF-8"):
        read(tmp_path / "a.json", "file")
    (tmp_path / "a.json").write_bytes(b"x" * 11)
    with pytest.raises(UserError, match="at most 10 bytes"):
        read(tmp_path / "a.json", "file", 10)
