"""Integer programs as a domain: x is the entries of solutions, one flat tensor; the condition holds the programs."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from becalm.batch import Batch
from becalm.domain import Domain, Picture
from becalm.errors import UserError
from becalm.files.content import digest, stamp
from becalm.guidance import Descend, Energy, Guidance, compose
from becalm.noise import Purpose, epochs, uniform
from becalm.plugin.report import counted
from becalm.train.split import check_split, split_range
from becalm_programs.denoiser.network import Bipartite
from becalm_programs.families import generate
from becalm_programs.formats.read import read
from becalm_programs.guidance.constraint import constraint_guidance
from becalm_programs.guidance.energies import objective, violation
from becalm_programs.options import FamilyName, SizeName
from becalm_programs.problem.batch import ProblemBatch
from becalm_programs.problem.rounding import round_entries
from becalm_programs.problem.standard_form import StandardForm
from becalm_programs.problem.verify import Verdict, verify
from becalm_programs.request import ProgramRequest
from becalm_programs.training.examples import Example, load, programs
from becalm_programs.training.labels import place
from becalm_programs.training.prepare import prepare
from becalm_programs.views.picture import draw


class IntegerPrograms(Domain[ProblemBatch]):
    """Solutions of integer programs, of any sizes side by side; a row of x is one entry of one solution."""

    name: ClassVar[str] = "programs"
    request: ClassVar[type[ProgramRequest]] = ProgramRequest
    steady: ClassVar[bool] = True
    renamed: ClassVar[Mapping[str, str]] = {"pull": "objective_weight"}
    defaults: ClassVar[Mapping[str, Any]] = {
        "objective": {"kind": "cross_entropy", "penalty": 0.3, "drop": 0.0},
        "training": {"rate": 2e-3, "warmup": 100, "ema": 0.995},
    }

    data: str | None = Field(None, description="Folder of programs with pools of solutions, for training.")
    family: FamilyName | None = Field(
        None, description="The family that it is trained on, where it is one; without data, instances are made."
    )
    size: SizeName = Field("small", description="Size of the instance that is sampled where no program is named.")
    width: int = Field(64, ge=1, description="Width of the network.")
    rounds: int = Field(4, ge=1, description="Rounds of messages between entries and rows.")
    batch: int = Field(8, ge=1, description="Programs per training batch.")
    draws: int = Field(4, ge=1, description="Solutions of each program in a batch, at noise levels of their own.")
    objective_weight: float = Field(
        3.0, ge=0, description="Weight of the objective in the guidance where a request says nothing."
    )
    patience: int = Field(30, ge=0, description="Steps without anything better where a request says nothing.")
    holdout: int = Field(0, ge=0, description="Last programs of the folder kept out of training, for split test.")
    gap: float = Field(
        0.05,
        ge=0,
        description="Learn from solutions that are at most so far off the best, as a share of its objective.",
    )
    instances: int = Field(60, ge=1, description="Without data: how many instances of the family are made ...")
    seconds: float = Field(8.0, gt=0, description="... and how long solutions of each are searched for.")

    def fit(self) -> "IntegerPrograms":
        """This domain with its training data made, if it names a family and no data."""
        self._folder()
        return self

    def summary(self) -> str:
        train = self._examples("train")
        sizes = [len(example.form.cost) for example in train]
        entries = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{sizes[0]}"
        solutions = sum(len(example.x0) for example in train)
        held = f"{self.holdout or 'none'} more for test"
        return f"{counted(len(train), 'program')} of {entries} entries with {counted(solutions, 'solution')}; {held}"

    def fingerprint(self) -> Mapping[str, Any]:
        files = programs(Path(self._folder()).expanduser())
        held = [path.read_bytes() for file in files for path in (file, place(file))]
        return {"programs": len(files), "content": digest(*held)}

    def batches(self, split: str, seed: int, start: int = 0) -> Iterator[Batch[ProblemBatch]]:
        examples = self._examples(split)
        for number, index in epochs(seed, len(examples), self.batch, start):
            yield self._batch([examples[place] for place in index.tolist()], seed, number)

    def network(self) -> nn.Module:
        return Bipartite(width=self.width, rounds=self.rounds)

    def usual(self) -> Mapping[str, Any]:
        return {"objective_weight": self.objective_weight, "patience": self.patience}

    def shape(self) -> tuple[int, ...]:
        return ()

    def condition(self, request: ProgramRequest) -> ProblemBatch:
        if request.model is None and self.family is None and self.data is not None and Path(self.data).is_dir():
            form = self._all_examples(self.data)[0].form  # While it is trained there are no others.
        else:
            written = "" if request.model is None else stamp(Path(request.model))
            form = _form(request.model, self.family, self.size, written)
        return ProblemBatch((form,), (0,) * request.count)

    def owner(self, cond: ProblemBatch, count: int) -> Tensor:
        return cond.owner

    def energies(self) -> Mapping[str, Energy[ProblemBatch]]:
        return {"violation": violation, "objective": objective}

    def penalty(self) -> Energy[ProblemBatch]:
        """The violation per entry, so that it weighs alike in programs of any size."""

        def per_entry(x0: Tensor, level: Any, cond: ProblemBatch) -> Tensor:
            sizes = torch.tensor([len(cond.forms[number].cost) for number in cond.which], device=x0.device)
            return violation(x0, level, cond) / sizes

        return per_entry

    def guidance(self, request: ProgramRequest) -> Guidance[ProblemBatch]:
        guides: list[Guidance[ProblemBatch]] = []
        if request.descend:
            guides.append(Descend(violation, request.descend, "clean"))
        if request.objective_weight and not request.guidance:
            guides.append(Descend(objective, request.objective_weight, "clean"))
        if request.guidance:
            last = request.times[-1] if request.times else 1 / request.steps
            guides.append(
                constraint_guidance(
                    request.guidance,
                    objective_weight=request.objective_weight,
                    inner_steps=request.inner_steps,
                    round_below=1.01 * last,
                    search_steps=request.search_steps,
                    patience=request.patience,
                )
            )
        return compose(*guides)

    def solutions(self, data: Tensor, cond: ProblemBatch) -> list[np.ndarray]:
        """The solutions of each run of samples of one program, (K, n) each, rounded as they are decoded."""
        solutions, numbers = [], iter(_runs(cond))
        for block, part in cond.parts():
            p = round_entries(block, (1 + block.gather(data[part].cpu().float())) / 2)
            for entries in p.split(block.sizes):
                form = cond.forms[next(numbers)]
                solutions.append(form.encoding.decode(entries.T.numpy().astype(np.float64)))
        return solutions

    def verdicts(self, data: Tensor, cond: ProblemBatch) -> list[Verdict]:
        """Each run of samples of one program judged on its original rows."""
        return [verdict for _, verdict in self._judge(data, cond)]

    def metrics(self, data: Tensor, cond: ProblemBatch) -> Mapping[str, float]:
        """Share feasible, mean worst violation, distinct solutions."""
        solutions, verdicts = zip(*self._judge(data, cond), strict=True)
        return {
            "feasible": float(np.concatenate([verdict.feasible for verdict in verdicts]).mean()),
            "violation": float(np.concatenate([verdict.max_violation for verdict in verdicts]).mean()),
            "distinct": float(sum(len(np.unique(x, axis=0)) for x in solutions)),
        }

    def arrays(self, data: Tensor, cond: ProblemBatch) -> Mapping[str, Tensor]:
        """``x`` (K, n), ``objective``, ``max_violation``, ``feasible`` (K,), of the first program."""
        x, verdict = self._judge(data, cond)[0]
        names = ("objective", "max_violation", "feasible")
        return {"x": torch.from_numpy(x)} | {name: torch.from_numpy(getattr(verdict, name)) for name in names}

    def render(self, data: Tensor, cond: ProblemBatch) -> Picture:
        """Objective and violation of the solutions."""
        return draw(self.verdicts(data, cond))

    def _judge(self, data: Tensor, cond: ProblemBatch) -> list[tuple[np.ndarray, Verdict]]:
        solutions = self.solutions(data, cond)
        programs = [cond.forms[number].program for number in _runs(cond)]
        return [(x, verify(program, x)) for program, x in zip(programs, solutions, strict=True)]

    def _examples(self, split: str) -> list[Example]:
        check_split(split)
        examples = self._all_examples(self._folder())
        return [examples[place] for place in split_range(split, len(examples), self.holdout, "program")]

    def _all_examples(self, data: str) -> list[Example]:
        folder = Path(data).expanduser()
        return _examples(folder, self.gap, stamp(folder))

    def _folder(self) -> str:
        if self.data is not None:
            return self.data
        if self.family is None:
            raise UserError("training needs programs: name a --family, or a folder of labelled ones by --data")
        return str(prepare(self.family, self.size, self.instances, self.seconds))

    def _batch(self, examples: list[Example], seed: int, number: int) -> Batch[ProblemBatch]:
        share = uniform(seed, torch.arange(len(examples)), number, Purpose.AUGMENT, (self.draws,))
        rows = [
            example.x0[(part * len(example.x0)).long()].flatten() for example, part in zip(examples, share, strict=True)
        ]
        which = tuple(place for place in range(len(examples)) for _ in range(self.draws))
        cond = ProblemBatch(tuple(example.form for example in examples), which)
        return Batch(torch.cat(rows), cond, cond.owner, cond.size)


def _runs(cond: ProblemBatch) -> list[int]:
    """The program of each run of neighbouring samples."""
    return [number for place, number in enumerate(cond.which) if place == 0 or cond.which[place - 1] != number]


@lru_cache(maxsize=4)
def _examples(folder: Path, gap: float, written: str) -> list[Example]:
    return load(folder, gap)


@lru_cache(maxsize=8)
def _form(model: str | None, family: str | None, size: str, written: str) -> StandardForm:
    if model is not None:
        return StandardForm.of(read(Path(model)))
    if family is None:
        raise UserError("name a program to sample solutions of: a .mps or .lp file, packed or not")
    return StandardForm.of(generate(family, size, 0))
