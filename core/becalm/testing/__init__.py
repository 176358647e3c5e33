"""What every domain and plugin promises, as functions that a plugin's own tests call.

    from becalm.testing import check_domain, check_plugin

    def test_my_domain_keeps_the_contract() -> None:
        check_domain(MyDomain(), request={"count": 3})

    def test_becalm_finds_my_plugin() -> None:
        check_plugin("mine")

Each check raises ``ContractError`` with a sentence that names the promise. None needs a trained network; only
``check_plugin`` needs the plugin to be installed.
"""

from becalm.testing.contract import (
    check_batches,
    check_checkpoint,
    check_domain,
    check_drop,
    check_network,
    check_sampling,
    check_settings,
    check_training,
)
from becalm.testing.installed import check_plugin
from becalm.testing.promise import ContractError

__all__ = [
    "ContractError",
    "check_batches",
    "check_checkpoint",
    "check_domain",
    "check_drop",
    "check_network",
    "check_plugin",
    "check_sampling",
    "check_settings",
    "check_training",
]
