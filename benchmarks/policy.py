"""What a policy costs per chunk: p50 and p95 of ``plan``, and how much of it is beyond the bare network calls.

    python benchmarks/policy.py [CHECKPOINT ...] [--steps N] [--rounds 200] [--batch 1024] [--device cpu]

Without a checkpoint: an untrained perceptron of the bundled Push-T policy's size (3.3 M parameters). The overhead is
that of ``act`` with everything it does (history, features, noise, sampler, decoding, clipping) over the network called
as often on inputs of the same shapes. Both take turns in one run, so that a busy machine slows both alike; one thread.
"""

import argparse
import platform
import time
from collections.abc import Callable

import numpy as np
import torch

from becalm.level import NoiseLevel
from becalm.model import Model
from becalm.objective import Objective
from becalm.schedule import Flow
from becalm_policies.control.policy import Policy, load, policy
from becalm_policies.demonstrations.observe import PushT
from becalm_policies.demonstrations.statistics import Statistics
from becalm_policies.domain import Policies
from becalm_policies.networks.condition import Observed


def untrained(device: torch.device) -> Model[Observed]:
    """A fresh policy of the bundled size, with made-up statistics."""
    rng = np.random.default_rng(0)
    observations = rng.uniform(0, 512, (64, 5))
    observe = PushT()
    statistics = Statistics.of(
        observations,
        observe(observations),
        rng.uniform(0, 512, (64, 16, 2)),
        spread=False,
        examples=np.zeros((0, 2, 5)),
    )
    domain = Policies(
        observe=observe,
        observation_size=5,
        action_size=2,
        action_low=(0.0, 0.0),
        action_high=(512.0, 512.0),
        statistics=statistics,
    )
    network = domain.network().to(device).eval().requires_grad_(False)
    return Model(domain, Flow(), Objective(prediction="flow"), network, domain.codec(), device, {})


def calls(actor: Policy, observations: np.ndarray) -> list[tuple[torch.Tensor, NoiseLevel, Observed]]:
    """The inputs of the network calls that one chunk takes."""
    seen: list[tuple[torch.Tensor, NoiseLevel, Observed]] = []
    hook = actor.model.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    actor.plan(observations)
    hook.remove()
    return seen


def alternate(
    runs: dict[str, Callable[[], object]], rounds: int, before: Callable[[], object]
) -> dict[str, np.ndarray]:
    """Seconds of each, (rounds,), taking turns; ``before`` runs ahead of each and takes no part."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 5):
        for name, run in runs.items():
            before()
            start = time.perf_counter()
            run()
            if number >= 5:  # The first rounds warm caches and allocators.
                seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def measure(actor: Policy, batch: int, rounds: int) -> dict[str, np.ndarray]:
    """Seconds of a chunk of ``batch`` environments: acting, and the network alone."""
    device = actor.model.device
    rng = np.random.default_rng(1)
    statistics = actor.domain.statistics
    low, high = np.array(statistics.observation_low), np.array(statistics.observation_high)  # type: ignore[union-attr]
    observations = rng.uniform(low, high, (batch, len(low)))
    inputs = calls(actor, np.repeat(observations[:, None], actor.domain.history, axis=1))
    network = actor.model.network
    everyone = np.ones(batch, bool)

    def empty() -> None:
        actor.reset(everyone)  # Empties the queues, so that every act plans; it is an episode's work, not a step's.

    def chunk() -> None:
        actor.act(observations)  # Ends on the host: the actions are an array.

    @torch.no_grad()
    def bare() -> None:
        for x, level, cond in inputs:
            network(x, level, cond)
        if device.type == "cuda":
            torch.cuda.synchronize()

    actor.reset(numbers=np.arange(batch))
    return alternate({"act": chunk, "network": bare}, rounds, empty)


def report(title: str, actor: Policy, batches: list[int], rounds: int) -> None:
    parameters = sum(weight.numel() for weight in actor.model.network.parameters())
    print(f"\n{title}: {parameters / 1e6:.2f} M parameters, {actor.request.sampler}, {actor.request.steps} steps")
    for batch in batches:
        seconds = measure(actor, batch, rounds if batch == 1 else max(rounds // 20, 5))
        chunk, network = seconds["act"] * 1e3, seconds["network"] * 1e3
        (p50, p95), (n50, n95) = np.percentile(chunk, [50, 95]), np.percentile(network, [50, 95])
        print(
            f"  batch {batch:<5} act p50 {p50:.2f} p95 {p95:.2f} ms a chunk   network p50 {n50:.2f} p95 {n95:.2f} ms   "
            f"act / network {p50 / n50:.3f} (of sums {chunk.sum() / network.sum():.3f})"
        )
        if batch > 1:
            print(
                f"  {'':<11} {batch / p50 * 1e3:.0f} chunks a second, {batch * actor.execute / p50 * 1e3:.0f} actions"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description="Latency and overhead of acting.")
    parser.add_argument("checkpoints", nargs="*", metavar="CHECKPOINT", help="names or files; default: untrained")
    parser.add_argument("--steps", type=int, help="sampler steps; default: the policy's own")
    parser.add_argument("--rounds", type=int, default=200, help="repetitions at batch 1")
    parser.add_argument("--batch", type=int, default=1024, help="size of the large batch; 0 for none")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, 1 thread, torch {torch.__version__}, {options.device}")
    batches = [1, options.batch] if options.batch else [1]
    for name in options.checkpoints:
        report(name, load(name, steps=options.steps, device=options.device), batches, options.rounds)
    if not options.checkpoints:
        model = untrained(torch.device(options.device))
        report("untrained", policy(model, steps=options.steps or 2), batches, options.rounds)


if __name__ == "__main__":
    main()
