"""``check_plugin`` passes an installed plugin that keeps its promises and says which one a broken one breaks."""

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from toy import install

from becalm.testing import ContractError, check_plugin

Install = Callable[..., None]
DOMAIN = """
    from typing import ClassVar
    import toy
    from becalm.request import SampleRequest

    class Cloud(toy.Points):
        name: ClassVar[str] = "cloud"
"""
REQUEST = "from becalm.request import SampleRequest\nclass CloudRequest(SampleRequest): pass"
FINE = "DomainRef('cloud', 'Points.', 'cloud_domain:Cloud')"


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs the plugin ``cloud``: what its hook returns, and the sources of its modules."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def bring(refs: str, *, head: str = "", hook: str = "domains", domain: str = DOMAIN, **modules: str) -> None:
        imports = "from becalm.plugin.hooks import CommandRef, DomainRef, hookimpl\n"
        install(tmp_path, "cloud", f"{head}\n{imports}@hookimpl\ndef {hook}(): return [{refs}]")
        for name, source in {"cloud_domain": domain, **modules}.items():
            (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))

    return bring


def test_a_plugin_that_keeps_its_promises_passes(bring: Install) -> None:
    bring(FINE)
    check_plugin("cloud")


@pytest.mark.parametrize("name", ["images", "policies", "programs"])
def test_the_plugins_that_come_with_becalm_keep_theirs(name: str) -> None:
    check_plugin(name)


@pytest.mark.parametrize(
    ("refs", "more", "says"),
    [
        (FINE, {"head": "import torch", "torch": ""}, "cloud imports torch, so that help texts wait"),
        (
            "DomainRef('cloud', '', 'cloud_domain:Cloud', request='cloud_request:CloudRequest')",
            {"cloud_request": f"import torch\n{REQUEST}", "torch": ""},
            "cloud or cloud_request imports torch",
        ),
        (
            "DomainRef('cloud', '', 'cloud_domain:Cloud', request='cloud_request:CloudRequest')",
            {"cloud_request": REQUEST},
            "cloud_request:CloudRequest is not the request of cloud_domain:Cloud",
        ),
        ("DomainRef('cloud', '', 'cloud_domain:Clod')", {}, r"has no 'Clod'; did you mean 'Cloud'\?"),
        (
            "DomainRef('cloud', '', 'cloud_domian:Cloud')",
            {},
            "there is no module 'cloud_domian'",
        ),
        ("DomainRef('cloud', '', 'cloud_domain:SampleRequest')", {}, "is no subclass of Domain"),
        ("DomainRef('fog', '', 'cloud_domain:Cloud')", {}, "has the name 'cloud', the hook says 'fog'"),
        (FINE, {"domain": f"{DOMAIN}        size: int"}, "cloud_domain:Cloud has a field without a default"),
        (
            FINE,
            {"domain": f"{DOMAIN}        defaults: ClassVar = {{'training': {{'stesp': 1}}}}"},
            "Cloud.defaults is not valid: unknown key 'stesp'",
        ),
        (
            FINE,
            {"domain": "from becalm.domain import Domain\nclass Cloud(Domain[None]):\n    name = 'cloud'"},
            "does not define batches, condition, metrics, network, render, shape",
        ),
        (
            "DomainRef('cloud', '', 'cloud_domain:Cloud', pretrained={'thin': 'becalm_images:thin.safetensors'})",
            {},
            r"there is no checkpoint .*thin.safetensors",
        ),
        (
            "DomainRef('cloud', '', 'cloud_domain:Cloud', pretrained={'thin': 'cloud_domain:thin.safetensors'})",
            {},
            r"there is no package 'cloud_domain' that could hold thin.safetensors",
        ),
        (
            "DomainRef('cloud', '', 'cloud_domain:Cloud',"
            " pretrained={'thin': 'becalm_images:pretrained/mnist.safetensors'})",
            {},
            "checkpoint 'thin' is of domain 'images', not 'cloud'",
        ),
        (
            "CommandRef('images', 'melt', '', 'cloud_domain:Cloud', 'cloud_domain:melt')",
            {"hook": "commands"},
            "has no 'melt'",
        ),
        (
            "CommandRef('images', 'melt', '', 'cloud_domain:ClassVar', 'cloud_domain:Cloud')",
            {"hook": "commands"},
            "cloud_domain:ClassVar is no pydantic model",
        ),
    ],
)
def test_a_plugin_that_breaks_a_promise_is_told_which(
    refs: str, more: dict[str, str], says: str, bring: Install
) -> None:
    bring(refs, **more)
    with pytest.raises(ContractError, match=says):
        check_plugin("cloud")


def test_a_plugin_that_does_not_load_or_is_not_there_is_told_so(tmp_path: Path, bring: Install) -> None:
    bring(FINE, head="raise OSError('no luck')")
    with pytest.raises(ContractError, match="plugin 'cloud' could not be loaded: OSError: no luck"):
        check_plugin("cloud")
    with pytest.raises(ContractError, match=r"no plugin 'clod' is installed; installed are cloud, images"):
        check_plugin("clod")
