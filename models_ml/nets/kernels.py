"""Loops of the fused layers (models_ml/nets/fused.py), compiled for the current CPU at their first call.

One sample's map of one channel fits a core's first-level cache (a padded 32×32 image: 4 KB). So all work on it is done at
once: it is computed, used and overwritten.

Images are padded and flattened, (N, C, (width + 1) · width), with one row more than needed. A map is flattened too and keeps
the row width of the images, so that a tap of a 3×3 kernel is the same image at a fixed distance. The last two columns of a
map have no meaning and are zero.

Two channels are computed at a time, so that each number loaded is used twice.

``make bench NAME=training`` (tests/bench/training.py) measures these loops: per fold and epoch, STSTNet took 32.7 ms of a
core with torch's own operations, and 19.6 ms with the first version of the loops. The price is a compiler (numba) and about
five seconds of compilation at the first training on a machine.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

KERNEL = WINDOW = 3  # of the convolution, stride 1; of the max-pooling, stride 3
# Numbers per patch: 27 taps and a one for the bias, padded to whole vector registers. On one AMD EPYC core with AVX-512,
# ``gradient`` takes 1.36 ms on 32 images and 128 channels of STSTNet's sizes; with 28 numbers per patch it takes 1.62 ms.
LANES = 32
# Patches that ``gradient`` adds at a time, because the sums are loaded and stored once for each group. The same measurement
# takes 5.7, 1.7, 1.4 and 1.8 ms with 1, 2, 4 and 8 patches.
UNROLLED = 4

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]


def _compiled(function: Any) -> Any:
    """Compile once for all processes; once per process where neither NUMBA_CACHE_DIR nor __pycache__ can be written."""
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=_ANY_ORDER)
    except RuntimeError:
        return numba.njit(function, nogil=True, fastmath=_ANY_ORDER)


# Sums may be taken in any order, which allows vector code. "nnan" and "ninf" are left out, so that the losses of a network
# that diverges still become NaN.
_ANY_ORDER = {"reassoc", "contract", "nsz", "arcp"}
# Parts are always inlined. Otherwise the compiler decides, depending on whether the code comes from its cache, and the last
# bits of the results differ (tests/unit/models_ml/nets/test_fused.py).
_part: Any = numba.njit(fastmath=_ANY_ORDER, forceinline=True)
# A sum over what a condition selects becomes vector code only with all of fastmath. Used for gradients, never for a loss.
_part_with_all_fastmath: Any = numba.njit(fastmath=True, forceinline=True)

_ZERO, _ONE, _TWO, _LOWEST = np.float32(0), np.float32(1), np.float32(2), np.float32(-np.inf)


@_compiled
def conv_pool(
    x: Floats,
    width: int,
    weight: Floats,
    bias: Floats,
    sign: Floats,
    counts: Floats,
    padding: int,
    pooled: Floats,
    positions: Indices,
    statistics: Doubles,
    with_map: Doubles,
    with_mask: Doubles,
) -> None:
    """Compute ``y = relu(conv(x))``, its extreme in each window, and the sums that batch normalisation needs.

    Parameters
    ----------
    x
        (N, 3, (width + 1) · width), the images.
    width
        Row width of the images.
    weight
        (C, 3, 9), C even.
    bias
        (C,).
    sign
        (C,), 1 to take the largest number of a window, -1 to take the smallest.
    counts
        (N, members), how often a sample counts in the statistics; (N, 0) for no statistics.
    padding
        Padding of the max-pooling.
    pooled
        (N, C, side²), is filled with the extremes.
    positions
        (N, C, side²), is filled with the positions of the extremes in the map. An extreme that is not positive gets the last
        position, which has no meaning.
    statistics
        (C, 3), zeros; Σ y, Σ y² and the number of positive y are added.
    with_map
        (C, 3, 9), zeros; Σ y · x is added for each tap.
    with_mask
        (C, 3, 9), zeros; Σ x where y > 0 is added for each tap.
    """
    channels, members = len(weight), counts.shape[1]
    maps = np.empty((2, (width - KERNEL + 1) * width), np.float32)
    side = int(np.sqrt(pooled.shape[2]))
    row = np.full(max(WINDOW * side, padding + width), _LOWEST, np.float32)
    origin = np.zeros(len(row), np.float32)
    columns = np.arange(side).astype(np.float32) * np.float32(WINDOW) - np.float32(padding)
    for n in range(len(x)):
        for c in range(0, channels, 2):
            _convolve(x[n], weight[c : c + 2], bias[c : c + 2], width, maps)
            count = counts[n, c * members // channels] if members else _ZERO
            for k in range(2):
                total, square, positive = _rectify(maps[k])
                if count > 0:  # otherwise 0 · inf of a held-out sample that overflows would count
                    statistics[c + k, 0] += count * total
                    statistics[c + k, 1] += count * square
                    statistics[c + k, 2] += count * positive
                _pool(
                    maps[k],
                    width,
                    sign[c + k],
                    padding,
                    side,
                    columns,
                    row,
                    origin,
                    pooled[n, c + k],
                    positions[n, c + k],
                )
            if count > 0:
                _correlate(x[n], maps, width, count, with_map[c : c + 2], with_mask[c : c + 2])


@_compiled
def scale_drop_pool(
    x: Floats, factor: Floats, shift: Floats, drawn: NDArray[np.uint8], threshold: int, out: Floats
) -> None:
    """Compute ``avg_pool(dropout(factor · x + shift))``, 2×2.

    Parameters
    ----------
    x
        (N, C, side²).
    factor
        (C,).
    shift
        (C,).
    drawn
        (N, C, side²), a random byte per number.
    threshold
        A number is dropped where its byte is below this, 0 to 255.
    out
        (N, C, half²), is filled.
    """
    side, half = int(np.sqrt(x.shape[2])), int(np.sqrt(out.shape[2]))
    kept = np.float32(256 / (256 - threshold) / 4)
    scaled = np.empty(x.shape[2], np.float32)
    for n in range(len(x)):
        for c in range(x.shape[1]):
            own, bytes_, times, plus = x[n, c], drawn[n, c], kept * factor[c], kept * shift[c]
            for i in range(len(scaled)):
                scaled[i] = times * own[i] + plus if bytes_[i] >= threshold else _ZERO
            for r in range(half):
                upper, lower = scaled[2 * r * side :], scaled[(2 * r + 1) * side :]
                for q in range(half):
                    out[n, c, r * half + q] = (
                        upper[2 * q] + upper[2 * q + 1] + lower[2 * q] + lower[2 * q + 1]
                    )


@_compiled
def gradient(
    grad: Floats,
    pooled: Floats,
    positions: Indices,
    x: Floats,
    width: int,
    factor: Floats,
    drawn: NDArray[np.uint8],
    threshold: int,
    by_conv: Floats,
    by_norm: Doubles,
) -> None:
    """Compute the gradient of ``scale_drop_pool(conv_pool(x))``, except for the part through the statistics.

    Only one position of each window has a gradient, so only the patch of the image at that position is used.
    ``pooled``, ``positions``, ``x`` and ``width`` are as in ``conv_pool``; ``factor``, ``drawn`` and ``threshold`` are as in
    ``scale_drop_pool``.

    Parameters
    ----------
    grad
        (N, C, half²), the gradient of the output.
    by_conv
        (C, 32), zeros; the gradients of 27 taps and the bias are added. The last four numbers have no meaning.
    by_norm
        (C, 2), zeros; the gradients of factor and shift are added.
    """
    side, half = int(np.sqrt(pooled.shape[2])), int(np.sqrt(grad.shape[2]))
    kept = np.float32(256 / (256 - threshold) / 4)
    patches = np.zeros(((width - KERNEL + 1) * width, LANES), np.float32)
    spread = np.zeros(pooled.shape[2], np.float32)  # stays zero in the last row and column of an odd side
    through = np.empty_like(spread)
    for n in range(len(x)):
        _gather(x[n], width, patches)
        for c in range(pooled.shape[1]):
            own, bytes_ = pooled[n, c], drawn[n, c]
            for r in range(half):
                upper, lower = spread[2 * r * side :], spread[(2 * r + 1) * side :]
                for q in range(half):
                    value = kept * grad[n, c, r * half + q]
                    upper[2 * q] = upper[2 * q + 1] = lower[2 * q] = lower[2 * q + 1] = value
            by_factor, by_shift, times = _ZERO, _ZERO, factor[c]
            for i in range(len(through)):
                value = spread[i] if bytes_[i] >= threshold else _ZERO
                by_factor += value * own[i]
                by_shift += value
                through[i] = value * times
            by_norm[c, 0] += by_factor
            by_norm[c, 1] += by_shift
            _add_patches(through, positions[n, c], patches, by_conv[c])


@_part
def _convolve(x: Floats, weight: Floats, bias: Floats, width: int, maps: Floats) -> None:
    """Compute the maps of two channels, (2, side · width), from an image."""
    first, second = maps[0], maps[1]
    first[:], second[:] = bias[0], bias[1]
    for channel in range(len(x)):
        top, middle, bottom = x[channel], x[channel, width:], x[channel, 2 * width :]
        w, v = weight[0, channel], weight[1, channel]
        for i in range(len(first)):
            a, b = first[i], second[i]
            for k in range(KERNEL):
                a += w[k] * top[i + k] + w[3 + k] * middle[i + k] + w[6 + k] * bottom[i + k]
                b += v[k] * top[i + k] + v[3 + k] * middle[i + k] + v[6 + k] * bottom[i + k]
            first[i], second[i] = a, b
    for end in range(width, len(first) + 1, width):
        for i in range(end - 2, end):
            first[i] = second[i] = _ZERO


@_part
def _rectify(y: Floats) -> Any:
    """Apply ReLU in place. Return Σ y, Σ y² and how many numbers are positive."""
    total, square, positive = _ZERO, _ZERO, _ZERO
    for i in range(len(y)):
        value = _ZERO if y[i] <= 0 else y[i]  # written so that NaN stays NaN
        y[i] = value
        total += value
        square += value * value
        positive += _ONE if value > 0 else _ZERO
    return total, square, positive


@_part
def _pool(
    y: Floats,
    width: int,
    sign: float,
    padding: int,
    side: int,
    columns: Floats,
    row: Floats,
    origin: Floats,
    pooled: Floats,
    positions: Indices,
) -> None:
    """Find the extremes of a map's windows and their positions.

    It first takes the extremes over the rows of a window, for all columns at once, then over its columns. ``columns``
    (side,) holds the first column of each window; ``row`` (filled with the lowest number) and ``origin`` are buffers.
    """
    height = width - KERNEL + 1
    nowhere = np.float32(len(y) - 1)
    inner, inner_origin = row[padding : padding + width], origin[padding : padding + width]
    for r in range(side):
        begin, last = max(r * WINDOW - padding, 0), min(r * WINDOW - padding + WINDOW, height) - 1
        between = min(begin + 1, last)
        top, middle = y[begin * width : begin * width + width], y[between * width : between * width + width]
        bottom = y[last * width : last * width + width]
        # As float32, so that the selection below has the width of the comparison and becomes vector code; exact below 2²⁴.
        at_top, at_middle, at_bottom = (
            np.float32(begin * width),
            np.float32(between * width),
            np.float32(last * width),
        )
        for i in range(len(top)):
            value, at = sign * top[i], at_top
            other = sign * middle[i]
            at = at_middle if other > value else at
            value = other if other > value else value
            other = sign * bottom[i]
            at = at_bottom if other > value else at
            value = other if other > value else value
            inner[i], inner_origin[i] = value, at
        inner[height:] = _LOWEST
        to, to_positions = pooled[r * side : r * side + side], positions[r * side : r * side + side]
        for q in range(len(to)):
            value, at = row[WINDOW * q], origin[WINDOW * q]
            other = row[WINDOW * q + 1]
            at = origin[WINDOW * q + 1] + _ONE if other > value else at
            value = other if other > value else value
            other = row[WINDOW * q + 2]
            at = origin[WINDOW * q + 2] + _TWO if other > value else at
            value = other if other > value else value
            value = sign * value
            to[q], to_positions[q] = value, np.int32(at + columns[q] if value > 0 else nowhere)


@_part_with_all_fastmath
def _correlate(
    x: Floats, maps: Floats, width: int, count: float, with_map: Doubles, with_mask: Doubles
) -> None:
    """Add a sample's part to both sums, (2, 3, 9): for each tap Σ y · x, and Σ x where y > 0."""
    first, second = maps[0], maps[1]
    for channel in range(len(x)):
        for r in range(KERNEL):
            line = x[channel, r * width :]
            a0 = a1 = a2 = b0 = b1 = b2 = _ZERO  # Σ y · x of the row's taps, first and second channel
            m0 = m1 = m2 = n0 = n1 = n2 = _ZERO  # Σ x where y > 0
            for i in range(len(first)):
                left, centre, right = line[i], line[i + 1], line[i + 2]
                a, b = first[i], second[i]
                a0 += a * left
                a1 += a * centre
                a2 += a * right
                b0 += b * left
                b1 += b * centre
                b2 += b * right
                m0 += left if a > 0 else _ZERO
                m1 += centre if a > 0 else _ZERO
                m2 += right if a > 0 else _ZERO
                n0 += left if b > 0 else _ZERO
                n1 += centre if b > 0 else _ZERO
                n2 += right if b > 0 else _ZERO
            taps = slice(KERNEL * r, KERNEL * r + KERNEL)
            _add(with_map[0, channel, taps], count, a0, a1, a2)
            _add(with_map[1, channel, taps], count, b0, b1, b2)
            _add(with_mask[0, channel, taps], count, m0, m1, m2)
            _add(with_mask[1, channel, taps], count, n0, n1, n2)


@_part
def _add(taps: Doubles, count: float, left: float, centre: float, right: float) -> None:
    taps[0] += count * left
    taps[1] += count * centre
    taps[2] += count * right


@_part
def _gather(x: Floats, width: int, patches: Floats) -> None:
    """Copy the patch of each position of the map, and a one for the bias: (side · width, 32)."""
    for i in range(len(patches) - 2):
        for channel in range(len(x)):
            for r in range(KERNEL):
                for k in range(KERNEL):
                    patches[i, channel * KERNEL * KERNEL + r * KERNEL + k] = x[channel, i + r * width + k]
        patches[i, len(x) * KERNEL * KERNEL] = _ONE


@_part
def _add_patches(of: Floats, at: Indices, patches: Floats, total: Floats) -> None:
    """Compute ``total += Σ of · patch``, ``UNROLLED`` patches at a time."""
    whole = len(of) // UNROLLED * UNROLLED
    for j in range(0, whole, UNROLLED):
        p, q, r, s = patches[at[j]], patches[at[j + 1]], patches[at[j + 2]], patches[at[j + 3]]
        a, b, c, d = of[j], of[j + 1], of[j + 2], of[j + 3]
        for k in range(LANES):
            total[k] += a * p[k] + b * q[k] + c * r[k] + d * s[k]
    for j in range(whole, len(of)):
        for k in range(LANES):
            total[k] += of[j] * patches[at[j], k]
