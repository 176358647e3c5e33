"""Looks at a training on its way: held-out loss, figures and a picture of samples. What fails costs no training."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from becalm.errors import UserError, first_line
from becalm.files.atomic import write_atomic
from becalm.model import Drawn, Model
from becalm.train import TrainState
from becalm.train.held_out import HeldOut
from becalm.train.snapshot import refresh, snapshot
from becalm_apps.verbs.output import png
from becalm_apps.verbs.session.caption import caption
from becalm_apps.verbs.session.ration import Ration
from becalm_apps.verbs.session.words import told

_PICTURES, _FIGURES, _RIVALS = 0.02, 0.03, 0.02
"""Of the time, for pictures, for figures on the way, and for those beside rivals."""


class Looks:
    """What is seen of one session of a training.

    Args:
        count: Samples of a picture; 0 for none.
        stopped: Whether the training is asked to stop, which a look must not delay.

    Attributes:
        seen: The last value of each figure, by name.
    """

    def __init__(self, state: TrainState[Any], picture: Path, count: int, stopped: Callable[[], int]) -> None:
        self._state, self._picture, self._count, self._stopped = state, picture, count, stopped
        self._begun, self._pictures, self._figures = state.seconds, Ration(_PICTURES), Ration(_FIGURES)
        self._rivals = Ration(_RIVALS)
        self._model: tuple[int, Model[Any]] | None = None
        self._test: HeldOut[Any] | None = None
        self.seen: dict[str, float] = {}
        try:
            self._test = HeldOut(state)
            self._followed = self._fitting()
        except UserError:  # A domain need not have a test split.
            self._followed = {}

    def look(self) -> dict[str, float]:
        """The figures of this step, by name: ``held_out``, and now and then those that the domain follows."""
        if self._test is None or not self._test.due():
            return {}
        found: dict[str, float] = {}
        try:
            found["held_out"] = self._test.loss(self._snapshot().network)
            for name, count in list(self._followed.items()):
                found |= self._figure(name, count)
            found |= self._beside_rivals()
        except Exception as error:
            self._complain("figures", error)
            self._test = None
        self.seen |= found
        return found

    def draw(self) -> bool:
        """Draws the picture, unless it costs more than its share of the time; at the training's end in any case.

        Returns:
            Whether there is a new picture.
        """
        if not self._count:
            return False
        try:
            drawn = self._sample(self._count, self._pictures, always=self._state.over)
            if drawn is not None:
                content = png(self._state.domain.render(drawn.data, drawn.cond))
                write_atomic(self._picture, caption(content, f"step {self._state.step}, {self}".removesuffix(", ")))
        except Exception as error:
            self._complain("picture", error)
            return False
        return drawn is not None

    def __str__(self) -> str:
        """``held out 0.0712, fid 9.4 (real data 4.1)``."""
        return told(self.seen)

    def _fitting(self) -> dict[str, int]:
        """The figures that are followed, if what measures them fits the data."""
        followed = dict(self._state.domain.followed)
        if followed and self._test is not None:
            data, cond = self._test.example()
            self._state.domain.metrics(data, cond)
        return followed

    def _figure(self, name: str, count: int) -> dict[str, float]:
        """A figure of samples and the same of real data, if the time allows and both are there."""
        drawn = self._sample(count, self._figures, always=False)
        if drawn is None:
            return {}
        begun = time.perf_counter()
        figures, names = self._state.domain.metrics(drawn.data, drawn.cond), (name, f"{name}_floor")
        taken = time.perf_counter() - begun
        self._figures.spend(taken, self._figures.cost + taken)
        if not all(name in figures for name in names):  # Such as a judge with fewer real images than that.
            del self._followed[name]
            return {}
        return {name: float(figures[name]) for name in names}

    def _beside_rivals(self) -> dict[str, float]:
        """The domain's figures of held-out data, if the time allows, and at the training's end."""
        if not self._state.over and not self._rivals.allows(self._state.seconds - self._begun):
            return {}
        begun = time.perf_counter()
        figures = dict(self._state.domain.held_out(self._snapshot()))
        taken = time.perf_counter() - begun
        self._rivals.spend(taken, taken)
        return figures

    def _sample(self, count: int, ration: Ration, *, always: bool) -> Drawn[Any] | None:
        """Samples of this moment; None if they cost more than the ration allows, or the training is to stop.

        Args:
            always: Whether they may cost what they will.
        """
        spent, begun = self._state.seconds - self._begun, time.perf_counter()
        if not always and not ration.allows(spent):
            return None
        limit = ration.left(spent)
        drawing = self._snapshot().prepare(count=count).drawing()
        for _ in drawing:
            taken = time.perf_counter() - begun
            whole = taken * drawing.total / drawing.done
            if self._stopped() or (whole > limit and not always):
                ration.spend(taken, whole)
                return None
        taken = time.perf_counter() - begun
        ration.spend(taken, taken)
        return drawing.drawn

    def _snapshot(self) -> Model[Any]:
        """The model of this step, in the memory of that of an earlier one."""
        if self._model is None:
            self._model = self._state.step, snapshot(self._state)
        step, model = self._model
        if step != self._state.step:
            refresh(model, self._state)
            self._model = self._state.step, model
        return model

    def _complain(self, what: str, error: Exception) -> None:
        click.echo(f"becalm: no {what} at step {self._state.step}: {first_line(error)}", err=True)
