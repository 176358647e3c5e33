"""What a verb works on: the program in a file, the network that fits it, and the request between the two."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from becalm.codec import Identity
from becalm.device import pick
from becalm.errors import UserError
from becalm.model import Model, shared
from becalm.objective import CrossEntropy
from becalm.schedule import Cosine
from becalm_programs.denoiser.relaxation import Relaxation
from becalm_programs.domain import IntegerPrograms
from becalm_programs.formats.read import read
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.bounds import standard_form, with_implied_bounds
from becalm_programs.problem.encoding import BinaryEncoding
from becalm_programs.problem.program import Program
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.choose import NONE, choose
from becalm_programs.tier import Tier

NO_NETWORK = "no network"
"""What the network is called where there is none."""
# Without a network the objective has to say everything.
_OBJECTIVE_WEIGHT = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A program and a model to sample it with.

    Attributes:
        network: What the network is called; ``NO_NETWORK`` if there is none.
        reason: How it was chosen, in a sentence.
    """

    form: StandardForm
    model: Model[ProblemBatch]
    network: str
    reason: str

    @property
    def program(self) -> Program:
        """The program."""
        return self.form.program


def open_request(request: ProgramRequest, checkpoint: str | None, device: str) -> Opening:
    """The program that a request names, with its model.

    Args:
        checkpoint: Name or file of a model, ``none``, or None for the one that fits the program.
        device: Name of the device.

    Raises:
        UserError: If the program cannot be read or sampled, or there is no such model or device.
    """
    pick(device)
    if request.model is None and checkpoint is not None:
        form = model_of(None if checkpoint == NONE else checkpoint, device).domain.condition(request).forms[0]
    else:
        path = path_of(request)
        form = form_of(read(Path(path)), path)
    return open_form(form, checkpoint, device, request.tier)


def open_form(form: StandardForm, checkpoint: str | None, device: str, tier: Tier = "guided") -> Opening:
    """A program with the model to sample it with; arguments as of ``open_request``.

    Raises:
        UserError: If there is no such model or device.
    """
    network, reason = choose(form.program, checkpoint, tier)
    return Opening(form, model_of(network, device), network or NO_NETWORK, reason)


def model_of(network: str | None, device: str) -> Model[ProblemBatch]:
    """The model of a network by name or file; without a network, that on which guidance does all the work.

    Raises:
        UserError: If there is no such model or device.
    """
    return bare(pick(device)) if network is None else load(network, device)


def path_of(request: ProgramRequest) -> str:
    """The file that a request names.

    Raises:
        UserError: If it names none.
    """
    if request.model is None:
        raise UserError("name a program: a .mps or .lp file, packed or not, such as `becalm programs generate` writes")
    return request.model


def form_of(program: Program, name: str) -> StandardForm:
    """The standard form of a program that is to be sampled.

    Args:
        name: What complaints call it.

    Raises:
        UserError: If it has no integer variables, or variables without bounds.
    """
    check_program(program, name)
    return standard_form(program)


def check_program(program: Program, name: str) -> None:
    """Refuses a program that cannot be sampled, before its standard form is made.

    Raises:
        UserError: As ``form_of``.
    """
    if not program.integer.any():
        raise UserError(f"{name} has no integer variables: it is a linear program, for which any solver finds the best")
    try:
        BinaryEncoding.of(with_implied_bounds(program))
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def load(name: str, device: str) -> Model[ProblemBatch]:
    """A trained model of programs, loaded once as long as its file is the same.

    Raises:
        UserError: If there is none of that name, or it is of another domain.
    """
    model = shared(name, device)
    if not isinstance(model.domain, IntegerPrograms):
        raise UserError(f"checkpoint {name} is of domain {model.domain.name!r}, not 'programs'")
    return cast(Model[ProblemBatch], model)


def bare(device: torch.device) -> Model[ProblemBatch]:
    """A model without a network, on which the relaxation and guidance do all the work."""
    domain = IntegerPrograms(objective_weight=_OBJECTIVE_WEIGHT)
    network = Relaxation().eval().to(device)
    return Model(domain, Cosine(), CrossEntropy(), network, Identity(), device, {})
