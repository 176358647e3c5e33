"""``becalm policies record``: demonstrations played in an environment.

Episode ``i`` is a function of seed + i alone, so a recording that was stopped goes on as if it had not been.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from becalm import provenance
from becalm.errors import UserError
from becalm.files.atomic import writable
from becalm.plugin.report import Progress, Table, counted
from becalm_policies.demonstrations.demonstrators import Factory, demonstrator
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.demonstrations.frames import Frames
from becalm_policies.demonstrations.play import Attempt, play
from becalm_policies.environments.make import entry_keys, entry_names, make
from becalm_policies.environments.own import id_of
from becalm_policies.environments.rate import control_rate
from becalm_policies.options import RecordOptions

_TRIES = 40
_SECONDS = 20.0


@dataclass(slots=True)
class _Recording:
    """What is recorded so far."""

    options: RecordOptions
    env: Any
    kept: list[Episodes] = field(default_factory=list)
    count: int = 0
    tried: int = 0
    clipped: int = 0
    judged: int = 0
    succeeded: int = 0

    def episodes(self) -> Episodes:
        """All that is kept, with what is known of it."""
        whole = Episodes.join(self.kept)
        space, options = self.env.action_space, self.options
        bounded = bool(np.isfinite(space.low).all() and np.isfinite(space.high).all())
        spec = {
            "observation": entry_names(self.env, whole.observations.shape[1]),
            "keys": entry_keys(self.env),
            "action_low": space.low.tolist() if bounded else None,
            "action_high": space.high.tolist() if bounded else None,
            "rate": control_rate(self.env),
            "source": f"recorded from the demonstrator {options.demonstrator}",
            **_settings(options),
            "tried": self.tried,
            "clipped": self.clipped,
            "judged": self.judged,
            "succeeded": self.succeeded,
            "is_success": self.succeeded / self.judged if self.judged else None,
        }
        return replace(whole, environment=id_of(options.env), spec=spec)

    def save(self, path: Path) -> None:
        """Writes what is kept, if anything is."""
        if not self.kept:
            return
        if path.suffix == ".npz":
            whole = self.episodes()
            self.kept = [whole]
            whole.write(path, provenance.record("policies record", self.options))
        else:
            from becalm_policies.formats.to_minari import write

            write(path, self.episodes())


def run(options: RecordOptions) -> Iterator[str | Progress | Table]:
    """Plays until enough episodes are kept, saves now and then and when it is stopped.

    Raises:
        UserError: If environment, demonstrator or file do not do, the demonstrator gives what is no action, or too many
            episodes fall short of the return.
    """
    path = Path(options.out)
    _check_out(path, options)
    env = make(options.env, imports=True, cameras=_cameras(options))
    try:
        limit = _limit(env, options)
        factory = demonstrator(env, options.demonstrator)
        recording = _begin(path, options, env)
        yield from _play_all(recording, factory, path, limit)
        yield from _summary(recording, path)
    finally:
        env.close()


def _cameras(options: RecordOptions) -> dict[str, tuple[int, int]]:
    return {} if options.pixels is None else {"image": (options.pixels, options.pixels)}


def _play_all(recording: _Recording, factory: Factory, path: Path, limit: int) -> Iterator[Progress | str]:
    options, env = recording.options, recording.env
    wanted = options.episodes
    tries = options.tries if options.tries is not None else _TRIES * wanted
    who = f"demonstrator {options.demonstrator!r}"
    saved = time.monotonic()
    try:
        while recording.count < wanted and recording.tried < tries:
            number = options.seed + recording.tried
            _keep(recording, play(env, factory(number), number=number, limit=limit, who=who))
            yield Progress(recording.count, wanted, f"{recording.count} of {recording.tried} played kept")
            if path.suffix == ".npz" and time.monotonic() - saved > _SECONDS:
                recording.save(path)
                saved = time.monotonic()
    except GeneratorExit:
        recording.save(path)
        raise
    except KeyboardInterrupt:
        recording.save(path)
        if recording.kept:
            again = "; --resume goes on" if path.suffix == ".npz" else ""
            yield f"{path}: {recording.count} of {wanted} episodes{again}"
        raise
    recording.save(path)
    if recording.count < wanted:
        kept = f"{recording.count} of {recording.tried} episodes have a return of at least {options.min_return:g}"
        held = f" (they are in {path})" if recording.kept else ""
        raise UserError(f"only {kept}{held}, {wanted} are wanted: lower --min-return or raise --tries")


def _keep(recording: _Recording, attempt: Attempt) -> None:
    least = recording.options.min_return
    if least is not None and attempt.rewards.sum() < least:
        recording.tried += 1
        return
    episode = Episodes(
        attempt.observations,
        attempt.actions,
        np.array([len(attempt.actions)]),
        attempt.rewards,
        terminated=np.array([attempt.terminated]),
        last=attempt.last[None],
        cameras={name: Frames.of(each) for name, each in attempt.pictures.items()},
    )
    # Together: if Ctrl-C fell between them, the recording would go on otherwise than it began.
    recording.tried += 1
    recording.kept.append(episode)
    recording.count += 1
    recording.clipped += attempt.clipped
    recording.judged += attempt.success is not None
    recording.succeeded += bool(attempt.success)


def _begin(path: Path, options: RecordOptions, env: Any) -> _Recording:
    """A new recording, or the one in the file."""
    recording = _Recording(options, env)
    if not options.resume:
        return recording
    earlier = Episodes.read(path)
    for key, value in {"environment": id_of(options.env), **_settings(options)}.items():
        has = id_of(earlier.environment) if key == "environment" else earlier.spec.get(key)
        if has != value:
            raise UserError(f"{path} was recorded with {key} {has!r}, not {value!r}: --resume goes on with the same")
    recording.kept, recording.count = [earlier], len(earlier)
    try:
        for key in ("tried", "clipped", "judged", "succeeded"):
            setattr(recording, key, int(earlier.spec[key]))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} does not say how far its recording came, so it cannot go on: record anew") from error
    return recording


def _settings(options: RecordOptions) -> dict[str, Any]:
    """What a recording that goes on must have in common with its beginning."""
    return {
        "demonstrator": options.demonstrator,
        "seed": options.seed,
        "min_return": options.min_return,
        "limit": options.limit,
        "pixels": options.pixels,
    }


def _limit(env: Any, options: RecordOptions) -> int:
    own = env.spec.max_episode_steps
    if options.limit is None and own is None:
        raise UserError(f"environment {options.env} has no time limit of its own: give one by --limit STEPS")
    return int(options.limit if options.limit is not None else own)


def _check_out(path: Path, options: RecordOptions) -> None:
    if path.suffix != ".npz" and options.resume:
        raise UserError(f"--resume goes on with a .npz recording only, got {options.out}")
    if options.resume and not path.exists():
        raise UserError(f"there is no recording {path} to go on with: leave out --resume")
    if not options.resume and path.exists():
        again = "go on with it by --resume, or " if path.suffix == ".npz" else ""
        raise UserError(f"{path} exists: {again}name another --out")
    if path.suffix not in (".npz", ".hdf5", ""):
        raise UserError(f"--out must end in .npz, or be a folder or .hdf5 file for Minari, got {options.out}")
    if path.suffix != ".npz" and options.pixels is not None:
        raise UserError(f"--pixels needs an --out that ends in .npz, whose pictures lie beside it, got {options.out}")
    if path.suffix != ".npz":
        from becalm_policies.formats.to_minari import check_target

        check_target(path)
    writable(path)


def _summary(recording: _Recording, path: Path) -> Iterator[str | Table]:
    whole = recording.episodes()
    returns = whole.returns
    rows: list[tuple[Any, ...]] = [
        ("episodes", len(whole)),
        ("played", recording.tried),
        ("steps", len(whole.actions)),
        ("shortest", int(whole.lengths.min())),
        ("longest", int(whole.lengths.max())),
    ]
    if returns is not None:
        rows += [("mean return", round(float(returns.mean()), 3)), ("least return", round(float(returns.min()), 3))]
    if whole.spec["is_success"] is not None:
        rows.append(("success", round(whole.spec["is_success"], 4)))
    if recording.clipped:
        rows.append(("actions clipped to the bounds", recording.clipped))
    yield Table(
        ("figure", "value"), tuple(rows), title=f"{id_of(recording.options.env)} by {recording.options.demonstrator}"
    )
    yield f"{path}: {counted(len(whole), 'episode')}, {counted(len(whole.actions), 'step')}"
