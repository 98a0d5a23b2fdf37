"""Fonts inside SVG files: the signs that a file uses, as an @font-face rule, so that it looks the same everywhere."""

import base64
import io
import re
from functools import lru_cache
from xml.etree import ElementTree

from fontTools import subset
from fontTools.ttLib import TTFont

from models_ml.paper.figures.texts import BOLD, FONT, NORMAL, font_file

_TEXT = "{http://www.w3.org/2000/svg}text"


def embed_font(svg: str) -> str:
    """Return the SVG with the signs of its texts embedded. Its texts stay texts, which can be searched and edited."""
    signs: dict[str, set[str]] = {}
    for element in ElementTree.fromstring(svg).iter(_TEXT):  # noqa: S314 (our own text)
        weight = (
            BOLD
            if re.search(r"font:[^;]*(bold|700)|font-weight: (bold|700)", element.get("style", ""))
            else NORMAL
        )
        signs.setdefault(weight, set()).update("".join(element.itertext()))
    rules = "".join(
        f"@font-face{{font-family:'{FONT}';font-weight:{weight};"
        f"src:url(data:font/woff;base64,{_subset(''.join(sorted(used)), weight)}) format('woff')}}"
        for weight, used in sorted(signs.items())
        if "".join(used).strip()
    )
    return re.sub(r"(<defs>\s*<style[^>]*>)", rf"\g<1>{rules}", svg, count=1)


@lru_cache(maxsize=64)
def _subset(signs: str, weight: str) -> str:
    """Return the font with only these signs as WOFF in base64."""
    options = subset.Options(flavor="woff", hinting=False, desubroutinize=True, notdef_outline=True)
    options.recalc_timestamp = False
    # Without kerning and ligatures, browsers set the text as it was measured.
    options.drop_tables += ["FFTM", "MATH", "GDEF", "GPOS", "GSUB"]
    with TTFont(font_file(weight), recalcTimestamp=False) as font:
        chosen = subset.Subsetter(options)
        chosen.populate(text=signs)
        chosen.subset(font)
        file = io.BytesIO()
        font.flavor = "woff"
        font.save(file)
    return base64.b64encode(file.getvalue()).decode()
