"""What a sampler costs beside its network: time of a whole loop over the time of the bare network calls, in one run.

    python benchmarks/overhead.py [--steps 50] [--rounds 60]

The network is a perceptron with three hidden layers of 256, so small that every operation around it shows. All columns
call it as often and on inputs of the same shape, the bare calls on those of the DDIM run; paths are made before.
Repetitions take turns, and medians of processor time are compared, so that a busy machine slows all alike. One thread.

becalm keeps the coefficients that it derives from a path; "new path" is a run that has to derive them first. Samplers
that add noise use becalm's own, a function of seed, sample and step. Heun is measured against its 2N - 1 calls.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from becalm.denoiser import NetworkDenoiser
from becalm.level import NoiseLevel
from becalm.noise import stream
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, DPMppSDE, Euler, Heun, Sampler, UniPC, sample
from becalm.schedule import Linear, levels

WIDTH, COORDINATES, FEATURES = 256, 32, 64


class Perceptron(nn.Module):
    """x and sinusoidal features of the noise level to the noise in x."""

    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.exp(torch.linspace(0.0, 6.9, FEATURES // 2)))
        widths = [COORDINATES + FEATURES, WIDTH, WIDTH, WIDTH]
        hidden = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.SiLU())]
        self.layers = nn.Sequential(*hidden, nn.Linear(WIDTH, COORDINATES))

    def forward(self, x: Tensor, level: NoiseLevel, cond: None) -> Tensor:
        phase = level.angle * self.frequencies
        features = torch.cat([phase.sin(), phase.cos()]).expand(len(x), -1)
        out: Tensor = self.layers(torch.cat([x, features], dim=1))
        return out


def bare(network: nn.Module, inputs: list[Tensor], path: Sequence[NoiseLevel]) -> Callable[[], object]:
    """The network calls of a run, and nothing else."""

    @torch.no_grad()
    def run() -> None:
        for x, level in zip(inputs, path, strict=False):
            network(x, level, None)

    return run


def of_diffusers(name: str, network: nn.Module, x: Tensor, path: Sequence[NoiseLevel]) -> Callable[[], object]:
    """The same run with a scheduler of diffusers, as its pipelines write it."""
    import diffusers

    settings = {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02, "timestep_spacing": "trailing"}
    if name == "DDIMScheduler":
        settings["clip_sample"] = False
    scheduler = getattr(diffusers, name)(**settings)

    @torch.no_grad()
    def run() -> Tensor:
        scheduler.set_timesteps(len(path) - 1)
        current = x
        for index, t in enumerate(scheduler.timesteps):
            output = network(scheduler.scale_model_input(current, t), path[index], None)
            current = scheduler.step(output, t, current, return_dict=False)[0]
        return current

    return run


def draw(sampler: Sampler, denoise: NetworkDenoiser[None], x: Tensor, path: Sequence[NoiseLevel]) -> Tensor:
    """A run with becalm's own noise, as ``Run.steps`` has it."""
    return sample(sampler(denoise, x, path, None, stream(0, torch.arange(len(x)), expected=len(path) - 1)))


def medians(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor seconds of each, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 3):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if number >= 3:  # The first rounds warm caches and allocators.
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def measure(batch: int, steps: int, rounds: int) -> dict[str, float]:
    """Median seconds of a run by column."""
    torch.manual_seed(0)
    network = Perceptron().eval().requires_grad_(False)
    path = levels(Linear(), steps)
    x = torch.randn(batch, COORDINATES)
    denoise = NetworkDenoiser[None](network, "eps")
    inputs = [x, *(step.x for step in DDIM()(denoise, x, path, None))][:steps]
    prepared = [level.to(x) for level in path]
    samplers = (DDIM(), DPMpp2M(), Euler(), DPMpp3M(), DPMppSDE(), DDPM(), UniPC(), Heun())
    runs: dict[str, Callable[[], object]] = {"network": bare(network, inputs, prepared)}
    runs["network, Heun's calls"] = bare(network, [*inputs, *inputs[:-1]], [*prepared[:-1], *prepared[:-2]])
    for sampler in samplers:
        runs[f"becalm {sampler.name}"] = partial(draw, sampler, denoise, x, path)
    for sampler in samplers[:2]:
        runs[f"{sampler.name}, new path"] = partial(draw, sampler, denoise, x, list(path))
    try:
        runs["diffusers DDIM"] = of_diffusers("DDIMScheduler", network, x, prepared)
        runs["diffusers 2M"] = of_diffusers("DPMSolverMultistepScheduler", network, x, prepared)
    except ImportError:
        print("diffusers is not installed: its columns are left out")
    return medians(runs, rounds)


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of a whole sampling loop over that of its bare network calls.")
    parser.add_argument("--steps", type=int, default=50, help="sampler steps")
    parser.add_argument("--rounds", type=int, default=60, help="repetitions of each column")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{processor()}, 1 thread, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"{options.steps} steps, median of {options.rounds} runs")
    for batch in (1, 64):
        found = measure(batch, options.steps, options.rounds)
        network = found["network"]
        print(f"\nbatch {batch}: the bare network takes {network / options.steps * 1e6:.1f} us a step")
        for name, seconds in found.items():
            if not name.startswith("network"):
                calls = found["network, Heun's calls"] if name.endswith("heun") else network
                extra = (seconds - calls) / options.steps * 1e6
                print(f"  {name:<18} {seconds / calls:5.2f} x the network   (+{extra:.1f} us a step)")


if __name__ == "__main__":
    main()
