"""The figures of docs/results.md: the four variants, sampler x steps, guidance scale, long chain, classic baseline.

    python benchmarks/mnist.py [--compile] [--precision bf16] [--only headline,samplers,guidance,chain,baseline]
    python benchmarks/mnist.py variants [--count 10000] [--precision bf16] [--checkpoint FILE] [--rows conditional]

The first writes the page; the second prints one table, the four ways to draw from one checkpoint. Each row is stored as
soon as it is done (mnist_table.py), so an interrupted run goes on where it stopped, and ``--only`` and ``--rows`` let
two processes share the work. No data are needed: the judge holds what samples are compared with. The baseline is
trained by

    becalm images train --config benchmarks/recipes/mnist-classic.toml --half --out runs/mnist-classic.safetensors

and ``--short`` is a copy of the bundled recipe's checkpoint at its step 1500, before its cool-down.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnist_table import Cell, Setting, machine, per_class, table

import becalm
from becalm.files.atomic import write_atomic
from becalm_images.judge.find import find
from becalm_images.judge.judge import load_judge

PAGE = Path("docs/results.md")
PLAIN: dict[str, Any] = {"guidance": 1.0, "guidance_high": 1.0}
NOISY: dict[str, Any] = {**PLAIN, "sampler": "dpmppsde", "steps": 25, "guidance": 0.0}
CLASSIFIER: dict[str, Any] = {**NOISY, "classifier_guidance": 3.0}
SHARP: dict[str, Any] = {"guidance": 2.25, "guidance_high": 0.75}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "unconditional": NOISY,
    "classifier": CLASSIFIER,
    "conditional": PLAIN,
}
"""The four ways to draw from one checkpoint, as users ask for them: balanced, without a class, with the class from a
classifier alone, with the class alone."""


def cells(scale: float) -> Iterator[Cell]:
    """All rows of the page, cheapest evidence first."""

    def many(count: int) -> int:
        return max(100, int(count * scale))

    two_m: dict[str, Any] = {"sampler": "dpmpp2m", "steps": 20, **PLAIN}
    for name, fields in VARIANTS.items():
        yield Cell("headline", name, many(10_000), fields)
    yield Cell("headline", "sharp", many(10_000), SHARP)
    for sampler in ("dpmpp2m", "dpmpp3m", "unipc", "ddim", "heun", "dpmppsde", "ddpm"):
        for steps in (5, 10, 20):
            shown = (steps + 1) // 2 if sampler == "heun" else steps
            yield Cell("samplers", sampler, many(500), {"sampler": sampler, "steps": shown, **PLAIN})
    for sampler in ("ddim", "ddpm"):
        yield Cell("samplers", sampler, many(500), {"sampler": sampler, "steps": 50, **PLAIN})
    for guidance in (0.0, 1.0, 1.25, 1.5, 2.0, 3.0):
        yield Cell("guidance", f"classifier-free {guidance:g}", many(500), {**two_m, "guidance": guidance})
    for guidance in (1.5, 2.0, 3.0):
        fields = {**two_m, "guidance": guidance, "guidance_high": 0.7}
        yield Cell("guidance", f"classifier-free {guidance:g} at t <= .7", many(500), fields)
    for weight in (0.5, 1.5, 3.0, 6.0):
        fields = {**CLASSIFIER, "classifier_guidance": weight}
        yield Cell("guidance", f"unconditional, classifier {weight:g}", many(500), fields)
    yield Cell("chain", "dpmpp2m", many(300), two_m)
    yield Cell("chain", "ddpm", many(300), {"sampler": "ddpm", "steps": 1000, **PLAIN})
    classic = {"sampler": "ddpm", "steps": 400, **PLAIN}
    yield Cell("baseline", "classic recipe, its own 400 DDPM steps", many(300), classic, "baseline")
    yield Cell("baseline", "classic recipe, 20 steps of 2M", many(300), two_m, "baseline")
    yield Cell("baseline", "ours after the same training steps, 20 steps of 2M", many(300), two_m, "short")
    yield Cell("baseline", "ours as bundled, 20 steps of 2M", many(300), two_m)


def page(setting: Setting, wanted: list[Cell], count: int) -> str:
    """docs/results.md."""
    titles = {
        "headline": f"Bundled checkpoint, {count:,} samples",
        "samplers": "Sampler and steps (conditional, guidance 1)",
        "guidance": "Guidance: accuracy against recall (2M, 20 steps)",
        "chain": "Against the long chain",
        "baseline": "Against the classic tutorial's recipe: same network, same 1,500 training steps",
    }
    checkpoint = setting.models["ours"].digest[:16]
    lines = ["# Results on MNIST", ""]
    lines += ["Made by `make results` (`benchmarks/mnist.py`), seed 0; nothing here is typed by hand.", ""]
    lines += [f"Network arithmetic: {setting.arithmetic}. A guided step is one call with twice the batch."]
    lines += ["In brackets the ends of the 95 % interval. FID falls with the number of samples, and recall by nearest"]
    lines += ["neighbours grows where they are few: compare within a table, and with the row of as many real images."]
    lines += [f"Judge {setting.judge.digest[:16]}, checkpoint {checkpoint}; {machine()}.", ""]
    for group, title in titles.items():
        rows = [cell for cell in wanted if cell.group == group and setting.find(cell) is not None]
        if rows:
            lines += [f"## {title}", "", *table(setting, rows), ""]
        if rows and group == "headline":
            lines += [*per_class(setting, rows), ""]
    return "\n".join(lines)


def main() -> None:
    """Fills the store and writes the page, or prints the variants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("page", "variants"), default="page")
    parser.add_argument("--checkpoint", default="mnist")
    parser.add_argument("--baseline", default="runs/mnist-classic.safetensors")
    parser.add_argument("--short", default="runs/mnist-1500.safetensors")
    parser.add_argument("--only", default="headline,samplers,guidance,chain,baseline")
    parser.add_argument("--scale", type=float, default=1.0, help="Factor of every number of samples of the page.")
    parser.add_argument("--count", type=int, default=10_000, help="Samples of each variant.")
    parser.add_argument("--rows", default="default,unconditional,classifier,conditional", help="Which variants.")
    parser.add_argument("--classifier", help="Another classifier: a file.")
    parser.add_argument(
        "--classifier-fields", type=json.loads, default={}, help='The row classifier otherwise: {"steps": 25, ...}.'
    )
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true", help="Compile the networks first: faster, same quality.")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    arguments = parser.parse_args()
    ours = becalm.load(arguments.checkpoint, arguments.device)
    if arguments.classifier is not None:
        ours = replace(ours, domain=ours.domain.model_copy(update={"classifier": arguments.classifier}))
    models = {"ours": ours}
    for name, place in (("baseline", arguments.baseline), ("short", arguments.short)):
        if arguments.what == "page" and Path(place).exists():
            models[name] = becalm.load(place, arguments.device)
    if arguments.compile:
        models = {name: model.compiled() for name, model in models.items()}
    arithmetic = arguments.precision + (", compiled" if arguments.compile else "")
    setting = Setting(models, load_judge(find("mnist-judge")), arguments.precision, arithmetic)
    if arguments.what == "variants":
        print_variants(setting, arguments)
        return
    wanted = [cell for cell in cells(arguments.scale) if cell.model in models]
    for cell in wanted:
        if cell.group in arguments.only.split(","):
            setting.fill(cell)
    write_atomic(PAGE, page(setting, wanted, int(10_000 * arguments.scale)).encode())
    print(f"{PAGE} written")


def print_variants(setting: Setting, arguments: argparse.Namespace) -> None:
    """Fills the rows that are asked for, and prints all that are there."""
    fields = {**VARIANTS, "classifier": {**CLASSIFIER, **arguments.classifier_fields}}
    wanted = [Cell("variants", name, arguments.count, fields[name]) for name in VARIANTS]
    chosen = arguments.rows.split(",")
    for name in chosen:
        if name not in VARIANTS:
            raise SystemExit(f"--rows must be of {', '.join(VARIANTS)}, got {name!r}")
    for cell in wanted:
        if cell.name in chosen:
            setting.fill(cell)
    model = setting.models["ours"]
    print(f"\nCheckpoint {model.digest[:16]}, judge {setting.judge.digest[:16]}, {setting.arithmetic}, {machine()}\n")
    print("\n".join(table(setting, [cell for cell in wanted if setting.find(cell) is not None])))


if __name__ == "__main__":
    main()
