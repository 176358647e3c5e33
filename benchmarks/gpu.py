"""One GPU: what sampling and training take there, and how often they make the host wait.

    python benchmarks/gpu.py [--data DIR] [--device cuda]

Sampling of the bundled digits stands beside as many bare calls of its network, launched kernel by kernel and replayed
as a CUDA graph; a training step beside the same one launched kernel by kernel. Medians of several runs. Waits are
counted by torch's sync debug mode. On a CPU the script runs, too, without graphs and waits: to see that it does.
"""

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable

import torch

import becalm
from becalm.level import NoiseLevel
from becalm.objective import Denoising
from becalm.schedule import Cosine
from becalm.train import Training, begin, train
from becalm_images.domain import Images

CALLS = 20


def timed(run: Callable[[], object], device: torch.device, rounds: int = 7) -> float:
    """Milliseconds of a run, the median, after two that are not counted."""
    taken = []
    for _ in range(rounds + 2):
        _settle(device)
        start = time.perf_counter()
        run()
        _settle(device)
        taken.append(time.perf_counter() - start)
    return 1e3 * statistics.median(taken[2:])


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def waits(run: Callable[[], object], device: torch.device) -> int | None:
    """How often the host waits for the device in a run; None where that cannot be seen."""
    if device.type != "cuda":
        return None
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            run()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing" in str(warning.message) for warning in seen)


def sampling(model: becalm.Model, count: int) -> list[str]:  # type: ignore[type-arg]
    """A row: samples over bare calls, and these as a graph."""
    device = model.device
    level = NoiseLevel(*(torch.tensor(value, device=device) for value in (0.5, 0.7, 0.714)))
    x, labels = torch.randn(count, 1, 28, 28, device=device), torch.full((count,), 7, device=device)

    @torch.no_grad()
    def bare() -> None:
        for _ in range(CALLS):
            model.network(x, level, labels)

    def sample(sampler: str) -> None:
        model.sample(count=count, batch=count, steps=CALLS, label=7, guidance=1.0, sampler=sampler)

    alone = timed(bare, device)
    loops = [timed(lambda name=name: sample(name), device) / alone for name in ("dpmpp2m", "ddpm")]  # type: ignore[misc]
    replayed = "-" if device.type != "cuda" else f"{_graph(bare, device) / CALLS:.2f}"
    waited = waits(lambda: sample("dpmpp2m"), device)
    shown = "-" if waited is None else str(waited)
    return [str(count), f"{alone / CALLS:.2f}", *(f"{loop:.2f}" for loop in loops), replayed, shown]


def _graph(run: Callable[[], object], device: torch.device) -> float:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return timed(graph.replay, device)


def training(data: str, batch: int, graph: bool, device: torch.device) -> float:
    """Milliseconds of a training step, the mean of 30."""
    settings = Training(steps=1000, optimizer="muon", rate=2e-3, graph=graph)
    steps = train(begin(Images(data=data, batch=batch).fit(), Cosine(), Denoising(), settings, device))
    for _ in range(6):
        next(steps)

    def several() -> None:
        for _ in range(30):
            next(steps)

    return timed(several, device, rounds=1) / 30


def table(titles: list[str], rows: list[list[str]]) -> None:
    """Prints Markdown."""
    for row in (titles, ["---"] * len(titles), *rows):
        print(f"| {' | '.join(row)} |", flush=True)
    print(flush=True)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="Folder of MNIST or other images to train on; without one no training.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--counts", type=lambda text: [int(part) for part in text.split(",")], default=[1, 64, 1024])
    parser.add_argument("--batches", type=lambda text: [int(part) for part in text.split(",")], default=[64, 512])
    arguments = parser.parse_args()
    model = becalm.load("mnist", arguments.device)
    card = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else platform.machine()
    print(f"{card}, torch {torch.__version__}\n")
    titles = ["samples", "bare call, ms", "2M / bare", "DDPM / bare", "call in a CUDA graph, ms", "waits of a run"]
    table(titles, [sampling(model, count) for count in arguments.counts])
    if arguments.data is None:
        return
    rows = []
    for batch in arguments.batches:
        taken = [training(arguments.data, batch, graph, model.device) for graph in (False, True)]
        rows.append([str(batch), *(f"{each:.1f}" for each in taken), f"{taken[0] / taken[1]:.2f}"])
    table(["training batch", "kernel by kernel, ms a step", "as a CUDA graph, ms", "ratio"], rows)


if __name__ == "__main__":
    main()
