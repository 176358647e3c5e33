"""What an evaluation works on: methods, the rows of its table, and tasks, an instance with methods that share work."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from becalm_programs.evaluation.judge import Trajectory
from becalm_programs.options import EvaluateOptions, MethodName
from becalm_programs.problem.program import Array, Program
from becalm_programs.problem.verify import Verdict
from becalm_programs.tier import Tier


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the table.

    Attributes:
        name: What it is called there.
        kind: What does it.
        settings: Everything that its cells depend on, as JSON has it.
        checkpoint: Name or file of its network, if it has one.
        tier: Of sampling.
    """

    name: str
    kind: MethodName
    settings: Mapping[str, Any]
    checkpoint: str | None = None
    tier: Tier | None = None

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits of kind and settings."""
        text = json.dumps([self.kind, self.settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is worked on in one go: an instance, and methods of one kind that share their work."""

    instance: str
    digest: str
    program: Program
    methods: tuple[Method, ...]
    options: EvaluateOptions


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """What a method did.

    Attributes:
        x: (P, n) solutions. verdict: Of each.
        asked: How many were asked for, at least P.
        trajectory: A solver's incumbents.
    """

    x: Array
    verdict: Verdict
    asked: int
    seconds: float
    trajectory: Trajectory = ()
    note: str = ""
