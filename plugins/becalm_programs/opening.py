"""What a verb works on: the program in a file, the network that fits it, and the request between the two."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from becalm.codec import Identity
from becalm.device import pick
from becalm.errors import UserError
from becalm.model import Model, shared
from becalm.objective.draw import Objective
from becalm.schedule import Cosine
from becalm_programs.denoiser.uniform import Uniform
from becalm_programs.domain import IntegerPrograms
from becalm_programs.formats.read import read
from becalm_programs.problem.batch import Programs
from becalm_programs.problem.bounds import related
from becalm_programs.problem.program import Program
from becalm_programs.problem.standard_form import Relation
from becalm_programs.request import ProgramRequest
from becalm_programs.sampling.choose import fitting

NONE = "none"
"""As a checkpoint: guidance without a network."""
# Without a network the objective has to say everything.
_PULL = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A program and a model to sample it with.

    Attributes:
        network: What the network is called; ``no network`` if there is none.
        said: How it was chosen, in a sentence.
    """

    relation: Relation
    model: Model[Programs]
    network: str
    said: str

    @property
    def program(self) -> Program:
        """The program."""
        return self.relation.program


def opened(request: ProgramRequest, checkpoint: str | None, device: str) -> Opened:
    """The program that a request names, with its model.

    Args:
        checkpoint: Name or file of a model, ``none``, or None for the one that fits the program.
        device: Name of the device.

    Raises:
        UserError: If the program cannot be read or sampled, or there is no such model or device.
    """
    pick(device)
    if request.model is None and checkpoint is not None:
        model, name, said = asked(checkpoint, device)
        return Opened(model.domain.condition(request).relations[0], model, name, said)
    return fitted(relation_of(named(request)), checkpoint, device)


def fitted(relation: Relation, checkpoint: str | None, device: str) -> Opened:
    """A program with the model to sample it with; arguments as of ``opened``.

    Raises:
        UserError: If there is no such model or device.
    """
    if checkpoint is not None:
        return Opened(relation, *asked(checkpoint, device))
    name, said = fitting(relation.program)
    model, known, _ = asked(NONE if name is None else name, device)
    return Opened(relation, model, known, said)


def asked(checkpoint: str, device: str) -> tuple[Model[Programs], str, str]:
    """A model by name, file or ``none``, what it is called, and the sentence for it.

    Raises:
        UserError: If there is no such model or device.
    """
    if checkpoint == NONE:
        return bare(pick(device)), "no network", "guidance works without a network, as asked"
    return load(checkpoint, device), checkpoint, f"network {checkpoint}, as asked"


def named(request: ProgramRequest) -> str:
    """The file that a request names.

    Raises:
        UserError: If it names none.
    """
    if request.model is None:
        raise UserError("name a program: a .mps, .mps.gz or .lp file, such as `becalm programs generate` writes")
    return request.model


def relation_of(path: str) -> Relation:
    """The relation of the program in a file.

    Raises:
        UserError: If it cannot be read, has no integer variables, or has variables without bounds.
    """
    return sampled(read(Path(path)), path)


def sampled(program: Program, name: str) -> Relation:
    """The relation of a program that is to be sampled.

    Args:
        name: What complaints call it.

    Raises:
        UserError: If it has no integer variables, or variables without bounds.
    """
    if not program.integer.any():
        raise UserError(f"{name} has no integer variables: it is a linear program, for which any solver finds the best")
    try:
        return related(program)
    except UserError as error:
        raise UserError(f"{name}: {error}") from error


def load(name: str, device: str) -> Model[Programs]:
    """A trained model of programs, loaded once as long as its file is the same.

    Raises:
        UserError: If there is none of that name, or it is of another domain.
    """
    model = shared(name, device)
    if not isinstance(model.domain, IntegerPrograms):
        raise UserError(f"checkpoint {name} is of domain {model.domain.name!r}, not 'programs'")
    return cast(Model[Programs], model)


def bare(device: torch.device) -> Model[Programs]:
    """A model without a network, on which guidance does all the work."""
    network = Uniform().eval().to(device)
    return Model(IntegerPrograms(pull=_PULL), Cosine(), Objective(prediction="x0"), network, Identity(), device, {})
