"""What every installed plugin promises."""

import inspect
import os
import subprocess
import sys
from typing import Any

from pydantic import BaseModel

from becalm.domain import Domain
from becalm.errors import PluginError, UserError
from becalm.files.checkpoint import Checkpoint
from becalm.plugin.find import installed, resolve, resource
from becalm.plugin.hooks import CommandRef, DomainRef, KindRef
from becalm.plugin.kinds import Kind
from becalm.testing.promise import ContractError, require
from becalm.train.plan import sections


def check_plugin(name: str) -> None:
    """An installed plugin loads without torch, and its references lead to what they say.

    Args:
        name: That of the entry point.

    Raises:
        ContractError: If it breaks a promise.
    """
    plugins = {plugin.name: plugin for plugin in installed()}
    require(name in plugins, f"no plugin {name!r} is installed; installed are {', '.join(plugins)}")
    plugin = plugins[name]
    require(plugin.error is None, f"plugin {name!r} could not be loaded: {plugin.error}")
    requests = [ref.request for ref in plugin.domains if ref.request]
    _check_light([target.partition(":")[0] for target in (plugin.module, *requests)])
    try:
        for ref in plugin.domains:
            _check_domain_ref(ref)
        for kind_ref in plugin.kinds:
            _check_kind_ref(kind_ref)
        for command in (*plugin.commands, *plugin.panels):
            _check_command_ref(command)
    except (UserError, PluginError) as error:
        raise ContractError(str(error)) from error


def _check_light(modules: list[str]) -> None:
    program = f"import sys, {', '.join(modules)}; sys.exit(3 if 'torch' in sys.modules else 0)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (our own)
    require(done.returncode != 3, f"{' or '.join(modules)} imports torch, so that help texts wait for it")
    require(done.returncode == 0, f"{' or '.join(modules)} cannot be imported: {done.stderr.strip()}")


def _check_domain_ref(ref: DomainRef) -> None:
    kind: Any = resolve(ref.target)
    require(isinstance(kind, type) and issubclass(kind, Domain), f"{ref.target} is no subclass of Domain")
    lacking = ", ".join(sorted(kind.__abstractmethods__))
    require(not inspect.isabstract(kind), f"{ref.target} does not define {lacking}")
    require(kind.name == ref.name, f"{ref.target} has the name {kind.name!r}, the hook says {ref.name!r}")
    if ref.request:
        require(resolve(ref.request) is kind.request, f"{ref.request} is not the request of {ref.target}")
    sections(kind)
    try:
        kind.model_validate({})
    except ValueError as error:
        raise ContractError(f"{ref.target} has a field without a default: {error}") from error
    for name, place in ref.pretrained.items():
        stored = Checkpoint.read(resource(place)).config.get("domain")
        require(stored == ref.name, f"checkpoint {name!r} is of domain {stored!r}, not {ref.name!r}")


def _check_kind_ref(ref: KindRef) -> None:
    kind: Any = resolve(ref.target)
    require(isinstance(kind, type) and issubclass(kind, Kind), f"{ref.target} is no kind")
    require(kind.room == ref.room, f"{ref.target} is a {kind.room}, the hook says {ref.room}")
    name = kind.model_fields["kind"].default if "kind" in kind.model_fields else None
    require(name == ref.name, f"{ref.target} has the kind {name!r}, the hook says {ref.name!r}")


def _check_command_ref(ref: CommandRef) -> None:
    options: Any = resolve(ref.options)
    require(isinstance(options, type) and issubclass(options, BaseModel), f"{ref.options} is no pydantic model")
    require(callable(resolve(ref.target)), f"{ref.target} cannot be called")
