"""Loops of the fused layers (models_ml/nets/fused.py), compiled for the CPU at hand when they are first called.

A sample's map of one channel fits a core's first cache. So everything that happens to it happens at once: it is computed,
looked at and forgotten. Pictures come padded and flat, (N, C, (width + 1) · width), with one row more than they need; a map
is flat too and keeps the pictures' row width, so that a tap of a 3×3 kernel is the same picture, some places further. Its
last two columns stand for nothing and are zero.

Two channels are computed at a time: what was loaded is used twice.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

KERNEL = WINDOW = 3  # of the convolution, stride 1; of the max-pooling, stride 3
LANES = 32  # a patch's 27 taps and its one, filled up to whole vector registers
UNROLLED = 4  # pooled places at a time

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Places = NDArray[np.int32]


def _compiled(function: Any) -> Any:
    """Compiled once for all processes; where no folder can be written (NUMBA_CACHE_DIR, __pycache__), once for each."""
    try:
        return numba.njit(function, cache=True, nogil=True, fastmath=_ANY_ORDER)
    except RuntimeError:
        return numba.njit(function, nogil=True, fastmath=_ANY_ORDER)


# Sums may be taken in any order. Without "nnan" and "ninf", a network that diverges is still seen to do so.
_ANY_ORDER = {"reassoc", "contract", "nsz", "arcp"}
# Parts are always made one with what calls them: left to itself, the compiler does so or not depending on whether the code
# comes from its cache, and the last bits with it.
_part: Any = numba.njit(fastmath=_ANY_ORDER, forceinline=True)
# A sum of what a condition selects becomes vector code only with all liberties. It gives gradients, never a loss.
_part_at_liberty: Any = numba.njit(fastmath=True, forceinline=True)

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
    places: Places,
    statistics: Doubles,
    with_map: Doubles,
    with_mask: Doubles,
) -> None:
    """``y = relu(conv(x))``; its extreme in each window, and what batch normalisation has to know of it.

    Parameters
    ----------
    x : (N, 3, (width + 1) · width)
    weight, bias : (C, 3, 9), (C,); C even
    sign : (C,), 1 where the largest number of a window is wanted, -1 for the smallest
    counts : (N, members), how often a sample counts in the statistics; (N, 0) where there are none to take
    padding : of the max-pooling
    pooled, places : (N, C, side²), to be filled: the extremes, and where in the map they stood; its last place, which
        stands for nothing, for those that are not positive
    statistics : (C, 3), zeros, to be added to: Σ y, Σ y² and how many y are positive
    with_map, with_mask : (C, 3, 9), zeros, to be added to: by tap Σ y · x and Σ x where y > 0
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
                if count > 0:  # else 0 times what has overflowed would count
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
                    places[n, c + k],
                )
            if count > 0:
                _correlate(x[n], maps, width, count, with_map[c : c + 2], with_mask[c : c + 2])


@_compiled
def scale_drop_pool(
    x: Floats, factor: Floats, shift: Floats, drawn: NDArray[np.uint8], threshold: int, out: Floats
) -> None:
    """``avg_pool(dropout(factor · x + shift))``, 2×2.

    Parameters
    ----------
    x : (N, C, side²)
    factor, shift : (C,)
    drawn, threshold : (N, C, side²); what is below the threshold, of 256, is dropped
    out : (N, C, half²), to be filled
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
    places: Places,
    x: Floats,
    width: int,
    factor: Floats,
    drawn: NDArray[np.uint8],
    threshold: int,
    by_conv: Floats,
    by_norm: Doubles,
) -> None:
    """Of ``scale_drop_pool(conv_pool(x))``, but for what goes through the statistics.

    Only one place of a window has a gradient: the patch of the picture under it is looked up.

    Parameters
    ----------
    grad : (N, C, half²)
    pooled, places, x, width : as in ``conv_pool``
    factor, drawn, threshold : as in ``scale_drop_pool``
    by_conv : (C, 32), zeros, to be added to: 27 taps, the bias, and four without meaning
    by_norm : (C, 2), zeros, to be added to: factor and shift
    """
    side, half = int(np.sqrt(pooled.shape[2])), int(np.sqrt(grad.shape[2]))
    kept = np.float32(256 / (256 - threshold) / 4)
    patches = np.zeros(((width - KERNEL + 1) * width, LANES), np.float32)
    spread = np.zeros(pooled.shape[2], np.float32)  # stays zero where an odd side has a rest
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
            _add_patches(through, places[n, c], patches, by_conv[c])


@_part
def _convolve(x: Floats, weight: Floats, bias: Floats, width: int, maps: Floats) -> None:
    """Two channels' maps, (2, side · width), of a picture."""
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
    """ReLU in place; Σ y, Σ y² and how many are positive."""
    total, square, positive = _ZERO, _ZERO, _ZERO
    for i in range(len(y)):
        value = _ZERO if y[i] <= 0 else y[i]  # in this order, NaN stays NaN
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
    places: Places,
) -> None:
    """Extremes of a map's windows and their places.

    ``columns`` (side,) says where windows begin; ``row`` and ``origin`` are there to work in, ``row`` begins lowest.

    First over the rows of a window, all columns at once, then over its columns.
    """
    height = width - KERNEL + 1
    nowhere = np.float32(len(y) - 1)
    inner, inner_origin = row[padding : padding + width], origin[padding : padding + width]
    for r in range(side):
        begin, last = max(r * WINDOW - padding, 0), min(r * WINDOW - padding + WINDOW, height) - 1
        between = min(begin + 1, last)
        top, middle = y[begin * width : begin * width + width], y[between * width : between * width + width]
        bottom = y[last * width : last * width + width]
        # As floats, so that the selection below is of one width with the comparison; exact below 2²⁴.
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
        to, to_places = pooled[r * side : r * side + side], places[r * side : r * side + side]
        for q in range(len(to)):
            value, at = row[WINDOW * q], origin[WINDOW * q]
            other = row[WINDOW * q + 1]
            at = origin[WINDOW * q + 1] + _ONE if other > value else at
            value = other if other > value else value
            other = row[WINDOW * q + 2]
            at = origin[WINDOW * q + 2] + _TWO if other > value else at
            value = other if other > value else value
            value = sign * value
            to[q], to_places[q] = value, np.int32(at + columns[q] if value > 0 else nowhere)


@_part_at_liberty
def _correlate(
    x: Floats, maps: Floats, width: int, count: float, with_map: Doubles, with_mask: Doubles
) -> None:
    """Adds to both, (2, 3, 9), what a sample has: by tap Σ y · x and Σ x where y > 0."""
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
    """The patch under every place of the map, and a one for the bias: (side · width, 32)."""
    for i in range(len(patches) - 2):
        for channel in range(len(x)):
            for r in range(KERNEL):
                for k in range(KERNEL):
                    patches[i, channel * KERNEL * KERNEL + r * KERNEL + k] = x[channel, i + r * width + k]
        patches[i, len(x) * KERNEL * KERNEL] = _ONE


@_part
def _add_patches(of: Floats, at: Places, patches: Floats, total: Floats) -> None:
    """``total += Σ of · patch``, several at a time: between two of them the sum would be stored and loaded."""
    whole = len(of) // UNROLLED * UNROLLED
    for j in range(0, whole, UNROLLED):
        p, q, r, s = patches[at[j]], patches[at[j + 1]], patches[at[j + 2]], patches[at[j + 3]]
        a, b, c, d = of[j], of[j + 1], of[j + 2], of[j + 3]
        for k in range(LANES):
            total[k] += a * p[k] + b * q[k] + c * r[k] + d * s[k]
    for j in range(whole, len(of)):
        for k in range(LANES):
            total[k] += of[j] * patches[at[j], k]
