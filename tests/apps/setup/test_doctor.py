"""``becalm doctor``: what it says is there is there, and what is missing has a command that mends it."""

import importlib.metadata
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from becalm.plugin.distribution.requirement import requirements

ROOT = Path(__file__).parents[3]
HEAD = ("Metadata-Version: 2.1", "Version: 9.9", "Provides-Extra: studio")
Run = Callable[..., tuple[int, str, str]]
Finding = dict[str, object]


def findings(becalm: Run, *flags: str) -> tuple[int, list[Finding]]:
    code, out, err = becalm("doctor", "--json", *flags)
    assert err == ""
    report = json.loads(out)
    assert report["works"] == (code == 0)
    return code, report["findings"]


def one(found: list[Finding], what: str) -> Finding:
    [finding] = [entry for entry in found if entry["what"] == what]
    return finding


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts the metadata of a distribution first on the path, and the modules it brings."""

    def put(name: str, *, needs: tuple[str, ...] = (), plugin: str = "", **modules: str) -> None:
        site = tmp_path / f"site-{name}"
        info = site / f"{name.replace('-', '_')}-9.9.dist-info"
        info.mkdir(parents=True)
        lines = [f"Requires-Dist: {need}" for need in needs]
        (info / "METADATA").write_text("\n".join([*HEAD, f"Name: {name}", *lines]))
        if plugin:
            (info / "entry_points.txt").write_text(f"[becalm]\n{plugin}\n")
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(site))

    return put


def test_versions_are_those_that_are_installed(becalm: Run) -> None:
    code, found = findings(becalm)
    assert code == 0
    for package in ("torch", "numpy", "pydantic", "click"):
        assert one(found, package)["state"] == importlib.metadata.version(package)
    assert {"Software", "Machine", "Plugins", "Optional: studio", "Needs of images", "Needs of programs"} <= {
        entry["section"] for entry in found
    }
    assert str(one(found, "device")["state"]).startswith(("cpu", "cuda"))


def test_whatever_is_missing_has_what_mends_it(becalm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECALM_DATA", str(tmp_path / "nothing"))
    _, found = findings(becalm)
    missing = [entry for entry in found if not entry["good"]]
    assert {"MNIST", "Push-T demonstrations"} <= {entry["what"] for entry in missing}
    assert all(entry["mend"] for entry in missing)


def test_quiet_shows_only_what_is_missing(becalm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECALM_DATA", str(tmp_path / "nothing"))
    _, found = findings(becalm, "--quiet")
    assert found and not any(entry["good"] for entry in found)
    out = becalm("doctor", "--quiet")[1]
    assert "MNIST (!)" in out and "numpy" not in out


def test_data_that_are_there_are_found(becalm: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BECALM_DATA", str(tmp_path))
    (tmp_path / "pusht").mkdir()
    (tmp_path / "pusht" / "pusht_state.npz").touch()
    assert one(findings(becalm)[1], "Push-T demonstrations")["good"]


def test_extras_named_to_mend_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {need.extra for need in requirements("becalm") if need.extra} <= set(extras)


@pytest.mark.usefixtures("plugins")
def test_an_optional_package_that_is_missing_is_no_failure(becalm: Run, place: Callable[..., None]) -> None:
    # As pip leaves it: the first distribution of a name on the path is the one that counts.
    place("becalm", needs=("numpy>=1", 'no-such-package>=2; extra == "studio"'))
    code, found = findings(becalm)
    entry = one(found, "no-such-package")
    assert code == 0
    assert (entry["state"], entry["mend"]) == ("missing", "pip install 'becalm[studio]'")


def test_a_needed_package_of_the_wrong_version_ends_with_2(becalm: Run, place: Callable[..., None]) -> None:
    place("becalm", needs=("numpy<1",))
    code, found = findings(becalm)
    entry = one(found, "numpy")
    assert (code, entry["state"]) == (2, f"{importlib.metadata.version('numpy')}, not <1")
    code, out, _ = becalm("doctor")
    assert code == 2 and "pip install --upgrade becalm" in out


NEEDY = """
from becalm.plugin.hooks import DomainRef, hookimpl
@hookimpl
def domains():
    return [DomainRef("needy", "A.", "becalm_needy:A", needs="becalm_needy:needs")]
def needs():
    raise RuntimeError("the check is broken")
"""


def test_a_strangers_broken_plugin_check_and_packages_are_named_and_end_nothing(
    becalm: Run, place: Callable[..., None]
) -> None:
    place("becalm-needy", needs=("no-such-package",), plugin="needy = becalm_needy", becalm_needy=NEEDY)
    place("becalm-bad", plugin="bad = becalm_bad", becalm_bad="raise RuntimeError('no')")
    code, found = findings(becalm)
    assert code == 0
    assert one(found, "bad")["state"] == "RuntimeError: no"
    assert one(found, "becalm_needy:needs")["state"] == "the check is broken"
    assert one(found, "no-such-package")["mend"] == "pip install --upgrade becalm-needy"
    assert one(found, "HiGHS")


def test_markers_say_what_is_asked_for_here(place: Callable[..., None]) -> None:
    elsewhere = ("not-here; sys_platform == 'no-such-system'", "not-now; python_version < '3'", "no requirement at all")
    place("asking", needs=("numpy; python_version >= '3'", *elsewhere, "torch>=9999; extra == 'studio'"))
    found = {need.name: need for need in requirements("asking")}
    assert set(found) == {"numpy", "torch"}
    assert found["numpy"].met and not found["numpy"].extra
    assert found["torch"].extra == "studio" and not found["torch"].met


def test_what_is_not_installed_asks_for_nothing() -> None:
    assert requirements("no-such-distribution") == []
