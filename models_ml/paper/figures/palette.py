"""Colours, hatches, markers and dashes that distinguish series in colour, for the colour-blind, and in grey.

The colours are samples of *batlow* (Crameri, Shephard and Heron, "The misuse of colour in science communication", Nature
Communications 11, 5444, 2020), whose lightness rises evenly: series differ in grey as much as in colour. Hatches, markers
and dashes distinguish them once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Colour = tuple[float, float, float]  # red, green and blue from 0 to 1

_BATLOW: Sequence[Colour] = tuple(
    (r / 255, g / 255, b / 255)
    for r, g, b in (
        (1, 25, 89), (16, 63, 96), (28, 90, 98), (60, 109, 86), (104, 123, 62),
        (157, 137, 43), (210, 147, 67), (248, 161, 123), (253, 183, 188), (250, 204, 250),
    )
)  # fmt: skip
LIGHTEST_LINE = 0.5  # of the scale: a lighter line is too faint on paper
LIGHTEST_FILL = 1.0
HATCHES = ("", "/////", "...", "\\\\\\\\\\", "xxxxx", "-----", "|||||", "oo")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: Sequence[tuple[float, ...]] = (
    (), (4, 1.5), (1, 1.2), (5, 1.2, 1, 1.2), (7, 2), (3, 1, 1, 1, 1, 1), (2, 2), (8, 1.5, 2, 1.5),
)  # fmt: skip

INK = "#000000"
# What the pages' colours become on white paper. Series colours (--data-1 and so on) come from the palette above.
TOKENS = {
    "--page": "#ffffff", "--surface": "#ffffff", "--sunken": "#f2f4f5", "--raised": "#ffffff", "--hover": "#edf1f3",
    "--line": "#d0d5d9", "--line-strong": "#78868f", "--ink": INK, "--ink-muted": "#404a52", "--ink-faint": "#5d6b75",
    "--accent": "#103f60", "--accent-soft": "#d5e4ea", "--good": "#1a6634", "--good-soft": "#dcebe0",
    "--warn": "#7a4b00", "--warn-soft": "#f5e8cd", "--bad": "#a03a00", "--bad-soft": "#f8dfd0", "--bad-solid": "#a03a00",
    "--below": "#d98236", "--above": "#103f60",
    "--idle-soft": "#e6ebee", "--onset": "#103f60", "--apex": "#a8410a", "--offset": "#7536ac",
}  # fmt: skip
SEQUENTIAL = ("#f7f9fb", "#c9dbe5", "#8fb3c6", "#4f86a3", "#1f5a7e", "#103f60")  # of heat maps, light to dark
DIVERGING = (
    "#d98236",
    "#e9b684",
    "#f7f7f5",
    "#6b8aa3",
    "#103f60",
)  # below and above differ in grey at their ends


@dataclass(frozen=True)
class Series:
    """How one series looks. ``fill`` is for areas, ``line`` for lines, which must be darker."""

    fill: Colour
    line: Colour
    hatch: str
    marker: str
    dash: tuple[float, ...]


def series(index: int, count: int) -> Series:
    """Return the look of one of ``count`` series. Beyond eight, hatches, markers and dashes repeat in other colours."""
    share = index / max(count - 1, 1)
    if count == 1:
        return Series(_at(0.2), _at(0.2), "", MARKERS[0], ())
    place = index % len(HATCHES)
    return Series(
        _at(0.04 + (LIGHTEST_FILL - 0.04) * share),
        _at(LIGHTEST_LINE * share),
        HATCHES[place],
        MARKERS[place],
        DASHES[place],
    )


def _at(place: float) -> Colour:
    """Return batlow at a place from 0 to 1."""
    exact = min(max(place, 0.0), 1.0) * (len(_BATLOW) - 1)
    low = min(int(exact), len(_BATLOW) - 2)
    share = exact - low
    red, green, blue = (a + (b - a) * share for a, b in zip(_BATLOW[low], _BATLOW[low + 1], strict=True))
    return red, green, blue


def luminance(colour: Sequence[float]) -> float:
    """Return the relative luminance of a colour, from 0 (black) to 1 (white), as WCAG 2 defines it.

    >>> luminance((1.0, 1.0, 1.0))
    1.0
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return round(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2], 12)


def ink_on(colour: Sequence[float]) -> str:
    """Return black or white, the one that contrasts more with the colour.

    >>> ink_on((1.0, 1.0, 0.5)), ink_on((0.0, 0.1, 0.3))
    ('#000000', '#ffffff')
    """
    return INK if (luminance(colour) + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"
