"""``becalm policies render``: Push-T's demonstrations as a camera would have seen them.

Each picture is what the environment observes in that state, so demonstrations that were moved or mirrored first are
drawn where they lie then. An episode and its mirror image stand side by side, so that held-out ones go together.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from becalm import provenance
from becalm.errors import UserError
from becalm.files import atomic
from becalm.plugin.report import Progress, counted
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.frames import Frames
from becalm_policies.demonstrations.prepare import prepare
from becalm_policies.environments.known import PUSHT
from becalm_policies.environments.make import make
from becalm_policies.environments.pusht import draw
from becalm_policies.formats.source import load
from becalm_policies.options import RenderOptions

CAMERA = "image"
_EVERY = 50


def run(options: RenderOptions) -> Iterator[str | Progress]:
    """Draws all pictures and writes the store.

    Raises:
        UserError: If the demonstrations are not Push-T's, or the store cannot be written.
    """
    path = Path(options.out)
    atomic.check(path, (".npz",))
    raw = load(options.data)
    if raw.environment != PUSHT or raw.observations.shape[1] != 5:
        raise UserError(
            f"{options.data} must be demonstrations of {PUSHT} with states of 5 entries: others cannot be drawn"
        )
    episodes = _paired(prepare(replace(raw, cameras={}), options.prepare), len(raw))
    steps = len(episodes.actions)
    env = make(PUSHT, cameras={CAMERA: (options.size, options.size)})
    try:
        with TemporaryDirectory(dir=path.parent, prefix=atomic.temporary_prefix(path.stem)) as folder:
            shape = (steps, options.size, options.size, 3)
            pixels = np.lib.format.open_memmap(Path(folder) / "pictures.npy", "w+", np.uint8, shape)
            for step, state in enumerate(episodes.observations):
                pixels[step] = draw(env, state)
                if step % _EVERY == 0:
                    yield Progress(step, steps, "pictures")
            spec = {**episodes.spec, "prepare": list(options.prepare)}
            seen = replace(episodes, spec=spec, cameras={CAMERA: Frames.of(pixels)})
            seen.write(path, provenance.record("policies render", options))
    finally:
        env.close()
    yield f"{path}: {counted(len(episodes), 'episode')}, {counted(steps, 'picture')} of {options.size} x {options.size}"


def _paired(episodes: Episodes, before: int) -> Episodes:
    """Copies of an episode one after the other."""
    copies = len(episodes) // before
    return episodes.take(np.arange(len(episodes)).reshape(copies, before).T.reshape(-1))
