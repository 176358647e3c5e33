"""Real instances, of MIPLIB 3 (Bixby et al. 1998): read exactly and sampled honestly.

They are fetched from the public archive, or taken from the folder that BECALM_MIPLIB names, which holds NAME.gz.
"""

import gzip
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from becalm.errors import UserError
from becalm.files.fetch import fetch, home
from becalm_programs.formats.read import read
from becalm_programs.problem.program import activity, objective
from becalm_programs.problem.verify import verify
from becalm_programs.solutions import solutions

highspy = pytest.importorskip("highspy")
pytestmark = pytest.mark.slow
COMMIT = "36c786b3274f75d9a0062471589813b92d3da91b"
MIRROR = f"https://raw.githubusercontent.com/coin-or-tools/Data-miplib3/{COMMIT}/"
OPTIMA = {
    "air03": (340160, "2c3c59fc008f06638b4ce34c86a183d31351a6aea4d101370ea1aedc9dbfe579"),
    "egout": (568.1007, "dc0502c0699d287c6f57f2769897b3aa603645b6d6266bd0a60e38a87f49bd96"),
    "enigma": (0, "2cd57ad9c0b32b6b13a91c6c61211a00cbf47568bb8f0da01f969c1442c503dc"),
    "flugpl": (1201500, "69e6bd80fbf91ba6c7156d88280c4a9680434ff357fa3101225712cf485834df"),
    "l152lav": (4722, "d862de41f2f3cf69a46048dda6c3d7d6b68d37d3af14c03e29a1bed05d504ff5"),
    "lseu": (1120, "a65806a868cdb9bb472aaec7fbcc1a50b7d30b7103c123c771a34bcce8179ee4"),
    "misc03": (3360, "c5506404d8e1036dcad892baa7e0a5aae56ebc952449352cd5038db3a9c11587"),
    "mod008": (307, "71e4592509bcdfccdb57df170cf6ce04fb40eec0262a8fa3fa7b3afe5474ca43"),
    "mod010": (6548, "9face0297a1bef4c51cb37adfe66a99ddb44fee6072f5dac6f987350711dc6ea"),
    "p0033": (3089, "815a50e5129884f15817deb9642fec1be4784d6ed58c71f72dd545a27b96e072"),
    "p0201": (7615, "375733347f3fe1e4e67480da43b72c6a4992c26e0c576d83136dcff8382208ee"),
    "p0282": (258411, "bb13533196905571395d406c985993b9b0bdb7a07474b5d1dc3cabb6961992d1"),
    "p0548": (8691, "e53df2fff8cc2f1b8982cea27212f0196f02f1f9bf49e2883ac50a90f832b09a"),
    "stein27": (18, "fea07a38e2eed889ef4c6a8d6fee2ae2c63b09c1c9b9fe1d066498b1aaecb941"),
    "stein45": (30, "ae20a108ca34d80e85f7f754c95a53581c2b38471564784cfd571481b10065a2"),
    "vpm1": (20, "874c9feec26862e4ed75a24bda9620c703378a99055498e8dd00a7af2d0e7e93"),
}
"""Optimal objectives as MIPLIB lists them, and SHA-256 of the packed files."""
COVERS = {
    "fast0507": (174, "e08601b6c346c03e2f7471cffe2f02239d5cdf3491d0fb510045453024c6b848"),
    "seymour": (423, "cb13bd3fb113071593f1e21e5f20672ed29dc1bf2754822bf1bc8042ec913539"),
}
"""Large set covers, which solvers need long for: crews of Italian railways, and from graph theory."""


def fetched(name: str, digest: str) -> Path:
    """A file of an archive; where there is no network, the test is skipped."""
    place = Path(os.environ.get("BECALM_MIPLIB") or home() / "miplib3") / name

    def right(path: Path) -> bool:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest

    try:
        fetch(place, (MIRROR,), right, hint="name a folder of them by BECALM_MIPLIB")
    except UserError as error:
        pytest.skip(str(error))
    return place


@pytest.fixture(params=sorted(OPTIMA))
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, float]:
    name = str(request.param)
    optimum, digest = OPTIMA[name]
    packed = fetched(f"{name}.gz", digest)
    model = tmp_path / f"{name}.mps.gz"
    shutil.copyfile(packed, model)
    return model, float(optimum)


def solved(model: Path) -> tuple[np.ndarray, np.ndarray, float]:
    """The optimum of a file by HiGHS, which reads it itself: values, row activities, objective."""
    plain = model.with_suffix("")
    plain.write_bytes(gzip.decompress(model.read_bytes()))
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("time_limit", 60.0)
    highs.readModel(str(plain))
    highs.run()
    found = highs.getSolution()
    return np.array(found.col_value), np.array(found.row_value), highs.getInfo().objective_function_value


def test_a_known_solution_has_the_same_activities_and_objective_here_and_there(instance: tuple[Path, float]) -> None:
    model, optimum = instance
    program = read(model)
    x, rows, value = solved(model)
    assert value == pytest.approx(optimum, rel=1e-6, abs=1e-4)
    np.testing.assert_allclose(objective(program, x[None])[0], value, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(activity(program, x[None])[0], rows, rtol=1e-9, atol=1e-6)
    snapped = np.where(program.integer, np.rint(x), x)
    assert verify(program, snapped[None]).feasible[0] or not program.integer.all()


@pytest.mark.parametrize("tier", ["guided", "completion"])
def test_sampling_never_crashes_and_calls_feasible_only_what_is(instance: tuple[Path, float], tier: str) -> None:
    model, optimum = instance
    try:
        outcome = solutions(model, 8, tier=tier, search_steps=300, device="cpu")
    except UserError as error:
        # Variables without bounds are refused in a sentence.
        assert "bound" in str(error)
        return
    program = outcome.program
    for x, feasible, value in zip(outcome.x, outcome.verdict.feasible, outcome.verdict.objective, strict=True):
        if feasible:
            within = program.rows @ x
            assert (within >= program.row_low - 1e-6).all()
            assert (within <= program.row_high + 1e-6).all()
            assert (x[program.integer] == np.rint(x[program.integer])).all()
            better = value > optimum if program.maximise else value < optimum
            assert not better or value == pytest.approx(optimum, rel=1e-6, abs=1e-4)
    print(f"{model.name}, {tier}: {outcome.found} of 8 feasible, best {outcome.best}, optimum {optimum:g}")


@pytest.mark.parametrize("tier", ["guided", "1-opt"])
@pytest.mark.parametrize("name", sorted(COVERS))
def test_every_sample_of_a_large_real_set_cover_is_one_and_none_is_better_than_the_optimum(
    name: str, tier: str, tmp_path: Path
) -> None:
    optimum, digest = COVERS[name]
    model = tmp_path / f"{name}.mps.gz"
    shutil.copyfile(fetched(f"{name}.gz", digest), model)
    outcome = solutions(model, 16, tier=tier, device="cpu")
    print(f"{name}, {tier}: {outcome.found} of 16 feasible, best {outcome.best}, optimum {optimum}")
    assert outcome.feasible == 1
    assert outcome.best is not None
    assert optimum <= outcome.best <= (1.2 if tier == "1-opt" else 1.6) * optimum
