"""What policies make of demonstrations, without a simulator: actions beyond their bounds, actions of many entries.

    python benchmarks/demonstrations.py [--only bounds,wide] [--seeds 3]

``bounds``: seven experts of one environment whose actions are cut at -1 and 1; each is learnt raw and clipped, and
``auto`` names the one that a training takes by itself. ``wide``: chunks of 28 entries, a smooth law and one with two
ways; the default policy beside ridge regression, neighbours and a perceptron. Each training is kept in
runs/demonstrations.jsonl as soon as it is done, so an interrupted run goes on where it stopped.
"""

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from becalm.model import Model, build
from becalm.plugin.report import Table
from becalm.train import begin, train
from becalm.train.plan import with_defaults
from becalm.train.resume import export
from becalm_policies.baselines import METHODS, train_method
from becalm_policies.control.policy import policy
from becalm_policies.demonstrations.episodes import Episodes
from becalm_policies.domain import Policies

STORE = Path("runs/demonstrations.jsonl")
Array = npt.NDArray[np.float64]
_GAIN = np.random.default_rng(0).normal(0, 0.4, (6, 3))
_BEND = np.random.default_rng(1).normal(0, 1, (6, 8)), np.random.default_rng(2).normal(0, 1.8, (8, 3))
EXPERTS: dict[str, Callable[[Array], Array]] = {
    "sinh": lambda seen: np.sinh(3 * seen @ _GAIN) / 3,
    "tangent": lambda seen: np.tan(np.clip(1.2 * seen @ _GAIN, -1.5, 1.5)),
    "cubic": lambda seen: 4 * (seen @ _GAIN) ** 3,
    "bent": lambda seen: np.tanh(seen @ _BEND[0]) @ _BEND[1],
    "linear, a little beyond": lambda seen: 1.5 * seen @ _GAIN,
    "linear": lambda seen: 8 * seen @ _GAIN,
    "linear, stiff": lambda seen: 40 * seen @ _GAIN,
}
STEPS, EPISODES, PLAYED = 200, 20, 40
WIDE_STEPS = 4000
WIDE_DRAWS = 128
"""Chunks drawn for each window. Eight, as in training, leave more to chance than policy and ridge are apart."""


def waves(rng: np.random.Generator) -> Array:
    """(200, 6) an episode's observations."""
    pace, phase = rng.uniform(0.03, 0.12, 6), rng.uniform(0, 6.3, 6)
    return np.asarray(np.sin(pace * np.arange(STEPS)[:, None] + phase))


def learn(file: Path, seed: int, steps: int, **settings: Any) -> Model[Any]:
    """A policy trained on a file."""
    domain = Policies.model_validate({"data": str(file), **settings}).fit()
    schedule, objective, training = with_defaults(Policies, training={"steps": steps, "seed": seed})
    state = begin(domain, schedule, objective, training, torch.device("cpu"))
    for _ in train(state):
        pass
    return build(export(state), torch.device("cpu"))


def bounds(name: str, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Mean returns, of 200, of policies that learnt an expert's actions raw and clipped."""
    expert, low, high = EXPERTS[name], [-1.0] * 3, [1.0] * 3
    seen = np.concatenate([waves(np.random.default_rng(1000 + number)) for number in range(EPISODES)])
    file, ends = folder / "bounds.npz", np.arange(1, EPISODES + 1) * STEPS
    Episodes(seen, expert(seen), ends, None, "", {"action_low": low, "action_high": high}).write(file)
    auto = Policies(data=str(file), horizon=8, execute=2).fit().bounds
    for learnt in ("raw", "clip"):
        quick = {"architecture": "mlp-small", "batch": 128, "horizon": 8, "execute": 2}
        actor = policy(learn(file, seed, 1500, bounds=learnt, **quick), temperature=0.0, steps=4)
        starts = np.stack([waves(np.random.default_rng(number)) for number in range(PLAYED)])
        actor.reset(numbers=np.arange(PLAYED))
        total = np.zeros(PLAYED)
        for step in range(STEPS):
            away = np.clip(actor.act(starts[:, step]), -1, 1) - np.clip(expert(starts[:, step]), -1, 1)
            total += np.exp(-(away**2).sum(1) / 0.05)
        yield {"case": name, "seed": seed, "learnt": learnt, "auto": auto, "return": float(total.mean())}


def wide_episode(rng: np.random.Generator, ways: bool) -> tuple[Array, Array]:
    """Observations (200, 36) of six latent waves and actions (200, 28), a smooth function of them with slow noise;
    with two ways, each stretch of 25 steps goes to one side, which nothing observed tells.
    """
    law = np.random.default_rng(0)
    out, bend = law.normal(0, 0.4, (28, 6)), law.normal(0, 0.7, (28, 6))
    lift, side = law.normal(size=(36, 6)), law.normal(0, 0.6, 28)
    time = np.arange(STEPS)[:, None]
    latent: Array = np.zeros((STEPS, 6))
    for pace in (1, 2, 3):
        latent += rng.normal(0, 1 / pace, 6) * np.sin(2 * np.pi * pace * time / STEPS + rng.uniform(0, 6.3, 6))
    slow = np.stack([np.convolve(rng.normal(size=STEPS + 20), np.ones(21) / 21, "valid") for _ in range(28)], 1)
    actions = 0.5 * latent @ out.T + 0.3 * np.tanh(latent @ bend.T) + 0.3 * slow
    if ways:
        actions += np.repeat(rng.choice([-1.0, 1.0], STEPS // 25), 25)[:, None] * side
    return latent @ lift.T + 0.02 * rng.normal(size=(STEPS, 36)), actions


def wide(name: str, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Held-out figures of the default policy and its rivals, 24 episodes to learn from, 6 kept out.

    The perceptron is a policy's network, trained as long to regress.
    """
    rng = np.random.default_rng(100 + seed)
    parts = [wide_episode(rng, name == "two ways") for _ in range(30)]
    file, ends = folder / "wide.npz", np.arange(1, 31) * STEPS
    Episodes(np.concatenate([seen for seen, _ in parts]), np.concatenate([done for _, done in parts]), ends).write(file)
    model = learn(file, seed, WIDE_STEPS, holdout=6)
    found = dict(model.domain.held_out(model, WIDE_DRAWS))
    plain = Policies(data=str(file), holdout=6, reference="none").fit()
    *_, regression = train_method(plain, METHODS["mse"], steps=WIDE_STEPS, seed=seed)
    assert isinstance(regression, Model)
    other = regression.domain.held_out(regression)
    found |= {f"{key}_perceptron": other[key] for key in ("action_error", "action_energy")}
    yield {"case": name, "seed": seed, **found}


KINDS: dict[str, tuple[Callable[[str, int, Path], Iterator[dict[str, Any]]], list[str]]] = {
    "bounds": (bounds, list(EXPERTS)),
    "wide": (wide, ["smooth", "two ways"]),
}


def rows(kinds: list[str], seeds: int) -> list[dict[str, Any]]:
    """All cells, those of the store and those that it lacks."""
    kept = [json.loads(line) for line in STORE.read_text().splitlines()] if STORE.exists() else []
    for kind in kinds:
        make, cases = KINDS[kind]
        for case in cases:
            for seed in range(seeds):
                if any((row["kind"], row["case"], row["seed"]) == (kind, case, seed) for row in kept):
                    continue
                with tempfile.TemporaryDirectory() as folder:
                    made = [{"kind": kind, **row} for row in make(case, seed, Path(folder))]
                STORE.parent.mkdir(exist_ok=True)
                with STORE.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in made)
                print(*made, sep="\n", flush=True)
                kept += made
    return [row for row in kept if row["kind"] in kinds and row["seed"] < seeds]


def tables(found: list[dict[str, Any]]) -> Iterator[Table]:
    """Means over seeds."""

    def mean(rows: list[dict[str, Any]], key: str) -> float:
        return round(float(np.mean([row[key] for row in rows])), 3)

    some = [row for row in found if row["kind"] == "bounds"]
    lines: list[tuple[Any, ...]] = []
    for case in dict.fromkeys(row["case"] for row in some):
        mine = [row for row in some if row["case"] == case]
        raw, clip = (mean([row for row in mine if row["learnt"] == way], "return") for way in ("raw", "clip"))
        auto = mine[0]["auto"]
        lines.append((case, raw, clip, auto, (raw if auto == "raw" else clip) / max(raw, clip)))
    if lines:
        title = "return of 200, actions learnt raw and clipped, mean of the seeds"
        yield Table(("expert", "raw", "clip", "auto", "auto / better"), tuple(lines), title)
    for key in ("action_error", "action_energy"):
        others = ("perceptron", "ridge", "neighbours", "mean")
        shown = []
        for case in KINDS["wide"][1]:
            if mine := [row for row in found if row["kind"] == "wide" and row["case"] == case]:
                shown.append((case, mean(mine, key), *(mean(mine, f"{key}_{name}") for name in others)))
        if shown:
            yield Table(("demonstrations", "policy", *others), tuple(shown), key.replace("_", " "))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = rows(options.only.split(","), options.seeds)
    print(f"{platform.machine()}, torch {torch.__version__}, 1 thread, {options.seeds} training seeds")
    for table in tables(found):
        print(table.title, " | ".join(table.columns), *(" | ".join(map(str, row)) for row in table.rows), sep="\n")


if __name__ == "__main__":
    main()
