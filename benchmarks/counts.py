"""What a sample costs at small and odd counts: a whole ``model.sample`` over bare calls of its network on as many rows.

    python benchmarks/counts.py [--steps 10] [--rounds 5]

Two networks: the bundled digits, and an untrained ``unet2d-small``, which diffusers has as well; beside the latter
stands diffusers' own pipeline on the exported network. On a CPU becalm calls networks on chunks of 16, so that a sample
does not depend on its batch; a last chunk is as short as keeps the bits. Repetitions take turns, and medians of
processor time are compared. One thread.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import becalm
from becalm.model import Model
from becalm.objective import Objective
from becalm.schedule import Cosine, levels
from becalm_images.domain import Images
from becalm_images.interchange.pipeline_folder import pipeline

COUNTS = (1, 4, 16, 17, 64, 65)


def exportable() -> Model[Tensor]:
    """An untrained model whose network diffusers has as well; with weights everywhere, or it would answer 0."""
    domain = Images(architecture="unet2d-small")  # type: ignore[arg-type]
    torch.manual_seed(0)
    network = domain.network().eval().requires_grad_(False)
    for weight in network.parameters():
        weight += 0.02 * torch.randn_like(weight)
    config = {"domain": domain.name, "settings": domain.model_dump(mode="json")}
    return Model(domain, Cosine(), Objective(), network, domain.codec(), torch.device("cpu"), config)


def bare(model: Model[Tensor], count: int, steps: int) -> Callable[[], object]:
    """The network calls of a run, and nothing else."""
    x, labels = torch.randn(count, *model.domain.shape()), torch.full((count,), 7)
    level = levels(model.schedule, 2)[1].to(x)

    @torch.no_grad()
    def run() -> None:
        for _ in range(steps):
            model.network(x, level, labels)

    return run


def theirs(model: Model[Tensor], count: int, steps: int) -> Callable[[], object]:
    """A run of diffusers' pipeline on the exported network."""
    import diffusers

    with tempfile.TemporaryDirectory() as folder:
        for name, content in pipeline(model, 7).files().items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        diffusers.utils.logging.disable_progress_bar()
        pipe: Any = diffusers.DDIMPipeline.from_pretrained(folder, low_cpu_mem_usage=False)
    pipe.set_progress_bar_config(disable=True)
    return partial(pipe, count, torch.Generator().manual_seed(0), num_inference_steps=steps, output_type="np")


def medians(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor seconds of each, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if number:  # The first round warms caches, and asks which short chunks keep the bits.
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of whole runs over bare network calls on as many rows.")
    parser.add_argument("--steps", type=int, default=10, help="sampler steps")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"1 thread, {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}")
    fields: dict[str, Any] = {"steps": options.steps, "label": 7, "guidance": 1.0, "sampler": "ddim", "batch": 64}
    for name, model in (("digits", becalm.load("mnist", "cpu")), ("unet2d-small", exportable())):
        print(f"\n{name}: whole run over bare calls")
        for count in COUNTS:
            runs = {
                "bare": bare(model, count, options.steps),
                "becalm": partial(model.sample, count=count, **fields),
            }
            if name != "digits" and count in (1, 16, 64):
                runs["diffusers"] = theirs(model, count, options.steps)
            found = medians(runs, options.rounds)
            ratios = "  ".join(f"{kind} {seconds / found['bare']:.2f}" for kind, seconds in found.items())
            print(f"  {count:3} samples: {ratios}   ({found['bare'] / options.steps * 1e3:.1f} ms a call)", flush=True)


if __name__ == "__main__":
    main()
