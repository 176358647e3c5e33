"""Models that make no sense, as users of the command line meet them: one sentence, exit 2, nothing written."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from drawn import programs
from hypothesis import given, settings

from becalm import UserError
from becalm_programs.opening import bare
from becalm_programs.problem.program import Program
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.draw import sample

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--steps", 2, "--search-steps", 20, "--count", 2, "--device", "cpu", "--quiet")
FIXTURES = Path(__file__).parents[2] / "fixtures" / "programs"
MODEL = """\
NAME small
ROWS
 N cost
 L first
 G second
COLUMNS
 M1 'MARKER' 'INTORG'
 x cost 1 first 1
 x second 1
 y cost 2 first 1
 M2 'MARKER' 'INTEND'
RHS
 RHS first 4 second 1
BOUNDS
 UP BND x 4
 UP BND y 1
ENDATA
"""
LP = "Minimize\n obj: x + 2 y\nSubject To\n c: x + y >= 1\nBounds\n x <= 4\n y <= 1\nGeneral\n x y\nEnd\n"


WRONG: dict[str, tuple[str, str, str]] = {
    "malformed mps": ("a.mps", MODEL.replace("COLUMNS", "COLUMN"), "a.mps"),
    "malformed lp": ("a.lp", LP.replace(">= 1", ">= >= 1"), "a.lp"),
    "prose": ("a.lp", "Dear reader, this is no model.\n", "a.lp"),
    "infeasible bounds": ("a.mps", MODEL.replace("ENDATA", " LO BND x 5\nENDATA"), "infeasible as it stands"),
    "infeasible row": ("a.mps", MODEL.replace("RHS\n", "RHS\n RHS first 2\n", 1), "a.mps"),
    "an unbounded integer": (
        "a.mps",
        MODEL.replace(" L first", " G first").replace(" UP BND x 4", " PL BND x"),
        "'x' has no finite bounds",
    ),
    "an integer of too many values": ("a.mps", MODEL.replace("BND x 4", "BND x 1e9"), "'x' has 1e+09 values"),
    "a coefficient that is nan": ("a.mps", MODEL.replace("first 1\n", "first nan\n", 1), "nan"),
    "an infinite coefficient": ("a.mps", MODEL.replace("first 1\n", "first 1e999\n", 1), "a.mps"),
    "a cost that is nan": ("a.mps", MODEL.replace("cost 1", "cost nan"), "nan"),
    "no variables": ("a.mps", "NAME a\nROWS\n N c\nCOLUMNS\nRHS\nENDATA\n", "a.mps"),
    "nothing": ("a.mps", "", "is empty"),
    "no integer variables": ("a.lp", LP.replace("General\n x y\n", ""), "has no integer variables"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_model_is_one_sentence(what: str, refused: Callable[..., str], tmp_path: Path) -> None:
    name, content, says = WRONG[what]
    (tmp_path / name).write_text(content)
    assert says in refused("programs", "sample", name, *QUICK)


def test_the_models_that_these_were_made_from_are_right(becalm: Run, tmp_path: Path) -> None:
    for name, content in (("a.mps", MODEL), ("a.lp", LP)):
        (tmp_path / name).write_text(content)
        code, out, err = becalm("programs", "sample", name, *QUICK)
        assert (code, err) == (0, "") and "feasible" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name a program"),
        (("missing.mps",), "there is no file missing.mps"),
        (("model.txt",), "must end in one of .mps"),
        (("folder.mps",), "is a folder"),
        (("model.mps", "--out", "a.txt"), "--out must end in .sol, .json, .npz, .mst, got a.txt"),
        (("model.mps", "--out", "model.mps/a.npz"), "cannot write --out"),
        (("model.mps", "--picture", "a.jpg"), "--picture must end in .png, got a.jpg"),
        (("model.mps", "--checkpoint", "missing"), "unknown checkpoint 'missing'"),
        (("model.mps", "--checkpoint", "damaged.safetensors"), "damaged.safetensors"),
        (("model.mps", "--count", "0"), "--count must be greater than or equal to 1, got 0"),
        (("model.mps", "--tier", "giuded"), "did you mean 'guided'"),
        (("model.mps", "--device", "abacus"), "abacus"),
        (("--checkpoint", "none"), "name a program"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_wrong_words_are_one_sentence(
    words: tuple[str, ...], says: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "model.mps").write_text(MODEL)
    (tmp_path / "folder.mps").mkdir()
    (tmp_path / "damaged.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}{}{}{}")
    assert says in refused("programs", "sample", *words, "--quiet")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name a program"),
        (("missing.mps", "--warm-start"), "there is no file missing.mps"),
        (("model.mps", "--seconds", "0"), "--seconds must be greater than 0"),
        (("model.mps", "--solver", "hihgs"), "did you mean 'highs'"),
        (("linear.lp", "--warm-start"), "has no integer variables"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_solve_refuses_in_one_sentence(
    words: tuple[str, ...], says: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "model.mps").write_text(MODEL)
    (tmp_path / "linear.lp").write_text(LP.replace("General\n x y\n", ""))
    assert says in refused("programs", "solve", *words, "--quiet")


@settings(max_examples=40, deadline=None)
@given(programs())
def test_any_program_is_sampled_or_refused_in_one_sentence(program: Program) -> None:
    asked = ProgramRequest(count=2, steps=2, search_steps=20, tier="1-opt")
    try:
        found = sample(bare(torch.device("cpu")), StandardForm.of(program), asked)
    except UserError as error:
        assert "\n" not in str(error) and "variable" in str(error)
    else:
        assert found.x.shape == (2, len(program.cost))


def mutated(content: bytes, draw: random.Random) -> bytes:
    lines, at = content.split(b"\n"), draw.randrange(len(content))
    place = draw.randrange(len(lines))
    token = draw.choice([b"nan", b"1e999", b"-", b"\n", b"1e18", b"\x00", b"ENDATA\n", b"9" * 50, b"\xff\xfe"])
    ways: list[Callable[[], bytes]] = [
        lambda: content[:at],
        lambda: content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :],
        lambda: content[:at] + token + content[at:],
        lambda: b"\n".join(lines[:place] + lines[place + 1 :]),
        lambda: b"\n".join(draw.sample(lines, len(lines))),
    ]
    return draw.choice(ways)()


@pytest.mark.parametrize("name", ["model.mps", "model.lp"])
def test_a_fuzzed_file_is_sampled_or_refused_in_one_sentence(name: str, becalm: Run, tmp_path: Path) -> None:
    content, draw = (MODEL if name.endswith("mps") else LP).encode(), random.Random(name)
    codes = set()
    for _ in range(6):
        (tmp_path / name).write_bytes(mutated(content, draw))
        code, _, err = becalm("programs", "sample", name, *QUICK)
        assert code in (0, 2) and "Traceback" not in err and err.count("\n") <= 1
        codes.add(code)
    assert 2 in codes
