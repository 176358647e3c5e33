"""Each folder of the apps imports from those below it alone, in the order that the package states."""

import ast
import re
from pathlib import Path

import pytest

import becalm_apps

HERE = Path(becalm_apps.__file__).parent
FLOORS = [line.split() for line in re.findall(r"^    ((?:\w+/ )+)", becalm_apps.__doc__ or "", re.MULTILINE)]
ROOMS = {name.strip("/"): number for number, names in enumerate(FLOORS) for name in names}


def test_every_folder_has_its_floor() -> None:
    assert set(ROOMS) == {path.parent.name for path in HERE.glob("*/__init__.py")}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_those_below_it(room: str) -> None:
    imported = {
        name.split(".")[1]
        for path in (HERE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for name in [f"{node.module}.{node.names[0].name}"]
        if name.startswith("becalm_apps.")
    }
    assert {other for other in imported - {room} if ROOMS.get(other, -1) <= ROOMS[room]} == set()
