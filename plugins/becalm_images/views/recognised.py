"""Images and how well each class explains them: bars of the denoising error above the smallest one."""

from collections.abc import Sequence

from torch import Tensor

from becalm.plugin.report import Picture

MOST = 12
_COLUMNS = 4
_TRUE, _OTHER = "#d33f3f", "#1d4ed8"


def recognised(
    images: Tensor, labels: Sequence[int], chosen: Sequence[int], error: Tensor, names: Sequence[str]
) -> Picture:
    """The first twelve of them.

    Args:
        images: (N, C, H, W) uint8. labels, chosen: Classes, what they are and what they were taken for.
        error: (N, K) of each class. names: K of them.
    """
    from matplotlib.figure import Figure

    count = min(len(images), MOST)
    rows = -(-count // _COLUMNS)
    figure = Figure(figsize=(2.6 * _COLUMNS, 1.7 * rows + 0.3), layout="constrained")
    figure.suptitle("denoising error by class, % above the smallest: red is the label", size=9)
    grid = figure.subplots(rows, 2 * _COLUMNS, squeeze=False)
    for axes in grid.flat[2 * count :]:
        axes.set_axis_off()
    for number, (shown, bars) in enumerate(
        zip(grid.flat[0 : 2 * count : 2], grid.flat[1 : 2 * count : 2], strict=True)
    ):
        image, true, taken = images[number].permute(1, 2, 0).cpu().numpy(), labels[number], chosen[number]
        shown.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray_r")
        shown.set_axis_off()
        shown.set_title(names[true] if true == taken else f"{names[true]} as {names[taken]}", size=8)
        behind = 100 * (error[number] / error[number].min() - 1)
        bars.bar(range(len(names)), behind, color=[_TRUE if k == true else _OTHER for k in range(len(names))])
        bars.set(xticks=range(len(names)) if len(names) <= 10 else [])
        bars.tick_params(labelsize=6)
        if len(names) <= 10:
            bars.set_xticklabels(names, rotation=90 if max(map(len, names)) > 1 else 0)
    return Picture.of_figure(figure)
