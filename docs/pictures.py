"""The pictures of docs/ideas.md, by the code they are about: ``python docs/pictures.py [NAME ...] [--out FOLDER]``.

All data are mixtures of Gaussians, whose denoiser is exact, so nothing is trained and nothing is by luck.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from becalm.denoiser import Denoiser, GaussianMixture
from becalm.guidance import ClassifierFree, Descend
from becalm.level import NoiseLevel
from becalm.sampler import DDIM, DDPM, DPMpp2M, DPMpp3M, Euler, Heun, Sampler, UniPC, sample
from becalm.schedule import Cosine, Flow, Karras, Linear, NoiseSchedule, levels, levels_at, time_of_ratio

FOLDER = Path(__file__).parent / "images"
_INK, _RED, _BLUE, _GREEN = "#111827", "#d33f3f", "#1d4ed8", "#2f855a"
_PAIR = GaussianMixture(
    weights=torch.tensor([0.35, 0.65], dtype=torch.float64),
    means=torch.tensor([[-1.5], [1.0]], dtype=torch.float64),
    stds=torch.tensor([0.15, 0.35], dtype=torch.float64),
)


def schedules() -> Figure:
    """Signal and noise over time, and their ratio, for four schedules."""
    figure, (left, middle, right) = _figure(3)
    t = torch.linspace(0, 1, 301, dtype=torch.float64)
    for (name, schedule), colour in zip(_SCHEDULES.items(), (_INK, _RED, _BLUE, _GREEN), strict=True):
        level = schedule(t)
        if name != "Karras":  # Its alpha is 1, its sigma goes to 80.
            left.plot(t, level.alpha, color=colour, label=name)
            middle.plot(t, level.sigma, color=colour)
        right.plot(t, level.log_snr.clamp(-11, 11), color=colour, label=name)
    left.set(xlabel="t", title="alpha: signal")
    middle.set(xlabel="t", title="sigma: noise")
    right.set(xlabel="t", title="log alpha²/sigma²", ylim=(-11, 11))
    right.legend(fontsize=7, frameon=False)
    return figure


def denoiser() -> Figure:
    """The mean clean sample as a function of the noisy one, at four levels."""
    figure, (left, right) = _figure(2)
    x = torch.linspace(-3, 3, 400, dtype=torch.float64)[:, None]
    for time, colour in ((0.9, _RED), (0.6, _GREEN), (0.35, _BLUE), (0.1, _INK)):
        [level, _] = levels_at(Cosine(), [time])
        left.plot(x[:, 0], _PAIR.log_density(x, level).exp(), color=colour, label=f"t = {time}")
        right.plot(x[:, 0], _PAIR(x, level)[:, 0], color=colour)
    left.set(xlabel="x", title="density of x")
    left.legend(fontsize=8, frameon=False)
    right.set(xlabel="x", title="denoise(x, level) = E[x0 | x]")
    for mean in _PAIR.means[:, 0]:
        right.axhline(float(mean), color="0.8", linewidth=0.8, zorder=0)
    return figure


def paths() -> Figure:
    """The same 40 starts under DDIM, which adds no noise on the way, and under DDPM, which does."""
    figure, axes = _figure(2)
    path = levels(Cosine(), 120)
    times = [float(level.t) for level in path]
    start = torch.randn(40, 1, generator=_seeded(1), dtype=torch.float64)
    for axis, sampler, title in zip(axes, (DDIM(), DDPM()), ("ddim: an ODE", "ddpm: noise comes back"), strict=True):
        _backdrop(axis, path)
        generator = _seeded(2)
        noise = _noise(generator)
        walked = [start, *(step.x for step in sampler(_PAIR, start, path, None, noise=noise))]
        axis.plot(times, torch.cat(walked, 1).T, color=_INK, linewidth=0.5, alpha=0.7)
        axis.set(xlim=(1, 0), ylim=(-3, 3), xlabel="t, from noise to data", title=title)
    axes[0].set_ylabel("x")
    return figure


def orders() -> Figure:
    """Distance from the exact solution of the ODE over the number of network calls."""
    figure, (axis,) = _figure(1, width=5.6, height=3.4)
    # On one Gaussian the solution is known: (x - alpha m) / sqrt(alpha^2 s^2 + sigma^2) stays as it is.
    data = GaussianMixture(torch.ones(1).double(), torch.tensor([[0.7]]).double(), torch.tensor([0.4]).double())
    start = torch.tensor([[1.3], [-0.8], [0.1]], dtype=torch.float64)
    samplers: dict[str, tuple[Sampler, int]] = {
        "ddim": (DDIM(), 1),
        "euler": (Euler(), 1),
        "heun": (Heun(), 2),
        "dpmpp2m": (DPMpp2M(), 1),
        "dpmpp3m": (DPMpp3M(), 1),
        "unipc": (UniPC(2), 1),
    }
    for (name, (sampler, calls)), marker in zip(samplers.items(), "ox^sDv", strict=True):
        counts, errors = [], []
        for steps in (4, 8, 16, 32, 64, 128):
            path = _even(steps)
            first, last = (((level.alpha * 0.4) ** 2 + level.sigma**2).sqrt() for level in (path[0], path[-1]))
            exact = path[-1].alpha * 0.7 + last / first * (start - path[0].alpha * 0.7)
            counts.append(steps * calls)
            errors.append(float((sample(sampler(data, start, path, None)) - exact).abs().max()))
        axis.loglog(counts, errors, marker=marker, markersize=4, linewidth=1, label=name)
    axis.set(xlabel="network calls", ylabel="largest error")
    axis.legend(fontsize=8, frameon=False)
    return figure


def guidance() -> Figure:
    """Samples of one of three classes at four scales of classifier-free guidance."""
    figure, axes = _figure(4, width=9, height=2.6, square=True)
    angle = torch.tensor([0.5, 2.6, 4.7], dtype=torch.float64)
    means = 1.2 * torch.stack([angle.cos(), angle.sin()], 1)
    data = GaussianMixture(torch.ones(3).double() / 3, means, torch.full((3,), 0.55, dtype=torch.float64))
    start = torch.randn(600, 2, generator=_seeded(3), dtype=torch.float64)
    first = torch.zeros(600, dtype=torch.long)
    real = data.draw(1500, _seeded(4))
    for axis, scale in zip(axes, (0.0, 1.0, 2.0, 5.0), strict=True):
        guided = ClassifierFree(scale, drop=lambda cond: torch.full_like(cond, -1))(data)
        drawn = sample(DPMpp2M()(guided, start, levels(Cosine(), 30), first))
        _scatter(axis, real, drawn, f"scale {scale:g}")
    return figure


def energy() -> Figure:
    """Descend on an energy that is low outside of a disc: at x, at the estimate, and through the denoiser."""
    figure, axes = _figure(4, width=9, height=3.0, square=True)
    data = GaussianMixture(torch.ones(1).double(), torch.zeros(1, 2).double(), torch.ones(1).double())
    start = torch.randn(600, 2, generator=_seeded(5), dtype=torch.float64)
    ways: list[tuple[str, Denoiser[None]]] = [("no guidance", data)]
    ways += [
        ("noisy, scale 1", Descend(_inside, 1.0, "noisy")(data)),
        ("clean, scale 1", Descend(_inside, 1.0, "clean")(data)),
        ("through, scale 1", Descend(_inside, 1.0, "through")(data)),
    ]
    for axis, (title, denoise) in zip(axes, ways, strict=True):
        drawn = sample(DDIM()(denoise, start, levels(Cosine(), 60), None))
        inside = float((_inside(drawn, None, None) > 0).double().mean())
        _scatter(axis, None, drawn, f"{title}\n{inside:.0%} inside")
        turn = torch.linspace(0, 2 * torch.pi, 100)
        axis.plot(0.6 + 0.8 * turn.cos(), 0.8 * turn.sin(), color=_RED, linewidth=1.2)
    return figure


def _inside(x: Tensor, level: NoiseLevel | None, cond: None) -> Tensor:
    """How deep a point is within the disc about (.6, 0) of radius .8; one number per sample."""
    centre = torch.tensor([0.6, 0.0], dtype=x.dtype)
    return (0.8 - (x - centre).square().sum(1).add(1e-12).sqrt()).clamp(min=0)


def _figure(count: int, width: float = 8.0, height: float = 2.8, *, square: bool = False) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, count, squeeze=False)[0])
    for axis in axes:
        axis.title.set_fontsize(10)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        if square:
            axis.set(aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xticks=[], yticks=[])
    return figure, axes


def _backdrop(axis: Axes, path: list[NoiseLevel]) -> None:
    """The density of x at every level, as a picture behind the lines."""
    x = torch.linspace(-3, 3, 200, dtype=torch.float64)[:, None]
    density = torch.stack([_PAIR.log_density(x, level).exp() for level in path], 1)
    shade = (density / density.amax(0)).numpy()
    axis.imshow(shade, extent=(1, 0, -3, 3), origin="lower", aspect="auto", cmap="Blues", alpha=0.7)


def _scatter(axis: Axes, below: Tensor | None, drawn: Tensor, title: str) -> None:
    if below is not None:
        axis.scatter(*below.T, s=2, color="0.8", linewidths=0)
    axis.scatter(*drawn.T, s=3, color=_BLUE, linewidths=0)
    axis.set_title(title, fontsize=10)


def _even(steps: int) -> list[NoiseLevel]:
    """Levels evenly spaced in log SNR, from noisy to nearly clean: the last step to clean would hide the order."""
    log_snr = torch.linspace(-4.0, 3.0, steps + 1, dtype=torch.float64)
    times = time_of_ratio(Cosine(), (-log_snr / 2).exp())
    return [Cosine()(t) for t in times]


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _noise(generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    return lambda x: torch.randn(x.shape, generator=generator, dtype=x.dtype)


_SCHEDULES: dict[str, NoiseSchedule] = {"Cosine": Cosine(), "Linear": Linear(), "Flow": Flow(), "Karras": Karras()}
PICTURES: dict[str, Callable[[], Figure]] = {
    drawn.__name__: drawn for drawn in (schedules, denoiser, paths, orders, guidance, energy)
}


def main(words: list[str]) -> None:
    """Draws all pictures, or those named."""
    folder = FOLDER
    if "--out" in words:
        place = words.index("--out")
        folder, words = Path(words[place + 1]), [*words[:place], *words[place + 2 :]]
    for name in words or PICTURES:
        path = folder / f"idea-{name}.png"
        buffer = io.BytesIO()
        PICTURES[name]().savefig(buffer, format="png", dpi=100)
        # A palette is enough for lines and points, and a third of the size.
        Image.open(buffer).convert("RGB").quantize(64).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
