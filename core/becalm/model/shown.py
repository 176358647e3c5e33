"""A step of a model's run that can show itself, in a notebook or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from becalm.model.samples import Samples
from becalm.sampler import Step

if TYPE_CHECKING:
    from becalm.model.run import Run


class Shown(Step):
    """A step whose ``samples`` are x as the domain has it, noise and all; it looks and is saved as these do."""

    run: Run[Any]
    cond: Any

    @property
    def samples(self) -> Samples[Any]:
        """x as data."""
        data = self.run.decode(self.x, self.cond, self.run.request.count)
        return Samples(data, self.x, self.cond, self.run.domain)

    def save(self, path: str | Path) -> None:
        """Writes them: ``.png`` their picture, ``.npz`` their arrays.

        Raises:
            UserError: As ``Samples.save``.
        """
        self.samples.save(path)

    def _repr_png_(self) -> bytes | None:
        return self.samples._repr_png_()

    def _repr_svg_(self) -> str | None:
        return self.samples._repr_svg_()


def shown(run: Run[Any], cond: Any) -> Iterator[Step]:
    """The steps of a run over all its samples, lazily."""

    def show(step: Step) -> Step:
        made = Shown(*step)
        made.run, made.cond = run, cond
        return made

    return map(show, run.steps(cond))
