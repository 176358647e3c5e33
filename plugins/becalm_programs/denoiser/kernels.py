"""What the bipartite network does between its products of matrices, each in one pass over entries or rows.

R = N S or M S rows of numbers in the network's width W: S samples of each entry, or row, side by side.
"""

from typing import Any

import numpy as np

from becalm_programs.compiled import wide, wide_part
from becalm_programs.problem.product_kernel import gather

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_END = np.float32(7.9)
"""Where a tanh is 1 in float32."""
# Coefficients of the odd polynomial over the even one that is nearest to tanh, as in Eigen's ptanh.
_ODD = tuple(
    np.float32(number)
    for number in (
        4.89352455891786e-3,
        6.37261928875436e-4,
        1.48572235717979e-5,
        5.12229709037114e-8,
        -8.60467152213735e-11,
        2.00018790482477e-13,
        -2.76076847742355e-16,
    )
)
_EVEN = tuple(
    np.float32(number)
    for number in (4.89352518554385e-3, 2.26843463243900e-3, 1.18534705686654e-4, 1.19825839466702e-6)
)


@wide
def enter(encoded: Any, time: Any, x: Any, likely: Any, weight: Any, h: Any) -> None:
    """What an entry begins with, h (N, S, W): what is known of it (N, W) and of the time (W,), and its x and its chance
    to be 1 (N, S), each times a row of ``weight`` (2, W).
    """
    for entry in range(h.shape[0]):
        for sample in range(h.shape[1]):
            own, chance = x[entry, sample], likely[entry, sample]
            for j in range(h.shape[2]):
                h[entry, sample, j] = encoded[entry, j] + time[j] + own * weight[0, j] + chance * weight[1, j]


@wide
def normalise(eps: Any, h: Any, shift: Any, weight: Any, bias: Any, normal: Any) -> None:
    """The first half of ``normal`` (R, 2 W): layer norms of rows h (R, W), moved by ``shift`` (W,) before."""
    width = h.shape[1]
    for row in range(h.shape[0]):
        total = _ZERO
        for j in range(width):
            moved = h[row, j] + shift[j]
            normal[row, j] = moved
            total += moved
        _scale(normal, row, 0, total, weight, bias, eps)


@wide
def to_rows(
    samples: int, start: Any, column: Any, value: Any, down: Any, encoded: Any, state: Any, weight: Any, rows: Any
) -> None:
    """silu of what rows hear, (M, S W): of entries by a CSR matrix, of ``down`` (N, S W); of themselves (M, W); and of
    their state (M, S, 4), times ``weight`` (4, W).
    """
    width = encoded.shape[1]
    for row in range(rows.shape[0]):
        total = rows[row]
        for sample in range(samples):
            own = total[sample * width : (sample + 1) * width]
            of = state[row, sample]
            for j in range(width):
                own[j] = encoded[row, j] + of[0] * weight[0, j] + of[1] * weight[1, j]
                own[j] += of[2] * weight[2, j] + of[3] * weight[3, j]
        gather(start[row], start[row + 1], column, value, down, total)
        for j in range(len(total)):
            total[j] = _silu(total[j])


@wide
def to_entries(
    eps: Any, start: Any, column: Any, value: Any, rows: Any, weight: Any, bias: Any, total: Any, normal: Any
) -> None:
    """The second half of ``normal`` (N S, 2 W): layer norms of what entries hear of ``rows`` (M, S W) by a CSR matrix.

    Args:
        total: (S W,) to work in.
    """
    width, samples = len(weight), len(total) // len(weight)
    for entry in range(len(start) - 1):
        for j in range(len(total)):
            total[j] = _ZERO
        gather(start[entry], start[entry + 1], column, value, rows, total)
        for sample in range(samples):
            row, of_sample = entry * samples + sample, _ZERO
            for j in range(width):
                heard = total[sample * width + j]
                normal[row, width + j] = heard
                of_sample += heard
            _scale(normal, row, width, of_sample, weight, bias, eps)


@wide
def activate(z: Any, bias: Any) -> None:
    """silu of rows z (R, W), moved by the bias (W,), in place."""
    for row in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[row, j] = _silu(z[row, j] + bias[j])


@wide
def leave(z: Any, bias: Any, weight: Any, logit: Any) -> None:
    """The sum (R,) of silu of each row of z (R, W), moved by the bias (W,), times ``weight`` (W,)."""
    for row in range(z.shape[0]):
        total = _ZERO
        for j in range(z.shape[1]):
            total += _silu(z[row, j] + bias[j]) * weight[j]
        logit[row] = total


@wide_part
def _scale(normal: Any, row: int, first: int, total: Any, weight: Any, bias: Any, eps: Any) -> None:
    """Columns of a row from ``first`` on, W in all, become their layer norm; their sum is known."""
    # By place and not by part: of parts of arrays it is not known that they are apart, and it took three times as long.
    square, width = _ZERO, np.float32(len(weight))
    mean = total / width
    for j in range(len(weight)):
        apart = normal[row, first + j] - mean
        square += apart * apart
    scale = _ONE / np.sqrt(square / width + eps)
    for j in range(len(weight)):
        normal[row, first + j] = (normal[row, first + j] - mean) * scale * weight[j] + bias[j]


@wide_part
def _silu(x: Any) -> Any:
    """x / (1 + exp(-x)) by a tanh, to a few last places of 1."""
    half = min(max(_HALF * x, -_END), _END)
    square = half * half
    odd = _ODD[6]
    odd = odd * square + _ODD[5]
    odd = odd * square + _ODD[4]
    odd = odd * square + _ODD[3]
    odd = odd * square + _ODD[2]
    odd = odd * square + _ODD[1]
    odd = odd * square + _ODD[0]
    even = ((_EVEN[3] * square + _EVEN[2]) * square + _EVEN[1]) * square + _EVEN[0]
    return _HALF * x * (_ONE + half * odd / even)
