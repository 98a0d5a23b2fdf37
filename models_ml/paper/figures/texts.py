"""How wide texts are in print, and lines that fit."""

import re
from functools import lru_cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import get_font

FONT = "DejaVu Sans"  # it comes with matplotlib, so figures are the same everywhere


NORMAL, BOLD = "normal", "bold"


def font_file(weight: str = NORMAL) -> Path:
    """Return the file of the font of all texts."""
    name = "DejaVuSans-Bold.ttf" if weight == BOLD else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Return the width of one line of text in points."""
    font = get_font(str(font_file()))
    font.set_size(size, 72)
    font.set_text(text)
    width: int = font.get_width_height()[0]
    return width / 64


def wrapped(text: str, width: float, size: float, lines: int = 3) -> str:
    """Return a text in lines of similar length, none wider than ``width`` points.

    If there would be more than ``lines``, the middle of the last one is left out, because names often differ at their ends.
    """
    parts = text.split("\n")
    done = [line for part in parts for line in _lines(part, width, size)]
    if len(done) > lines:
        rest = " ".join(done[lines - 1 :])
        return "\n".join([*done[: lines - 1], _without_middle(rest, width, size)])
    if len(done) > len(parts) == 1:
        low, high = width / len(done), width
        for _ in range(6):
            middle = (low + high) / 2
            low, high = (low, middle) if len(_lines(text, middle, size)) <= len(done) else (middle, high)
        done = _lines(text, high, size)
    return "\n".join(done)


def _without_middle(text: str, width: float, size: float) -> str:
    kept = len(text)
    while kept > 2 and text_width(_ends(text, kept), size) > width:
        kept -= 1
    return _ends(text, kept)


def _ends(text: str, kept: int) -> str:
    """Return the text with only so many of its signs, half from each end.

    >>> _ends("average 2, 3, seed 4", 12)
    'averag…seed 4'
    """
    if kept >= len(text):
        return text
    head = (kept + 1) // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (kept - head) :].lstrip()}"


def _lines(text: str, width: float, size: float) -> list[str]:
    lines, line = [], ""
    for piece in re.findall(r"[^\s/_\-–,]*[/_\-–,]?\s*", text):
        for chunk in _chunks(piece, width, size):
            if line and text_width((line + chunk).rstrip(), size) > width:
                lines.append(line.rstrip())
                line = ""
            line += chunk
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _chunks(piece: str, width: float, size: float) -> list[str]:
    """Cut a piece that is wider than a line."""
    chunks, start = [], 0
    for end in range(1, len(piece) + 1):
        if end - start > 1 and text_width(piece[start:end].rstrip(), size) > width:
            chunks.append(piece[start : end - 1])
            start = end - 1
    return [*chunks, piece[start:]] if piece[start:] else chunks
