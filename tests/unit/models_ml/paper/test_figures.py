"""Charts on paper: embedded fonts, a journal's sizes, and series that stay distinct in grey and to the colour-blind."""

import base64
import io
import re
import subprocess
import sys
import zlib
from itertools import combinations
from threading import Thread

import numpy as np
import plotly.graph_objects as go
import pytest
from defusedxml import ElementTree
from fontTools.ttLib import TTFont
from PIL import Image

from models_ml.paper.figures import FORMATS, WIDTHS_MM, UnsupportedFigure, render
from models_ml.paper.figures.palette import DIVERGING, HATCHES, SEQUENTIAL, ink_on, luminance, series
from tests.unit.models_ml.paper.charts import CHARTS, cells, grouped, lines

TEXT = "{http://www.w3.org/2000/svg}text"
MM_PER_POINT = 25.4 / 72
TOLERANCE_MM = 0.1


def texts_of(svg: bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(TEXT)]


@pytest.mark.parametrize("columns", WIDTHS_MM)
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_has_the_width_of_columns_and_a_height_of_a_page(name, columns):
    svg = render(CHARTS[name], "svg", columns).decode()
    width, height = (float(n) * MM_PER_POINT for n in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    assert abs(width - WIDTHS_MM[columns]) < TOLERANCE_MM
    assert 20 < height < 231
    assert not re.search(r"<image", svg)


@pytest.mark.parametrize("columns", WIDTHS_MM)
@pytest.mark.parametrize("name", CHARTS)
def test_nothing_of_a_chart_is_cut_off(name, columns):
    """The outermost pixels are white: no text or line reaches the edge."""
    image = Image.open(io.BytesIO(render(CHARTS[name], "png", columns))).convert("L")
    pixels = np.asarray(image)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert edges.min() == 255


def test_a_png_has_enough_dots_and_says_how_many():
    image = Image.open(io.BytesIO(render(CHARTS["bars"], "png", 1, "Scores of run #1.")))
    assert image.width / WIDTHS_MM[1] * 25.4 >= 300
    assert round(image.info["dpi"][0]) == 400
    assert image.info["Description"] == "Scores of run #1."


def test_an_svg_has_texts_and_the_font_for_them():
    svg = render(CHARTS["confusion"], "svg", 1, "True and predicted <classes>")
    found = texts_of(svg)
    assert {"negative", "predicted", "true"} <= set(found)
    [font] = re.findall(r"font/woff;base64,([^)]*)\)", svg.decode())
    signs = TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap()
    assert {ord(sign) for text in found for sign in text} <= set(signs)
    assert "True and predicted &lt;classes&gt;" in svg.decode()


def test_a_pdf_embeds_its_font_as_truetype_and_has_no_picture():
    pdf = render(CHARTS["bars"], "pdf", 2, "A caption")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"/Subtype /Image" not in pdf
    assert b"A caption" in pdf
    streams = [zlib.decompress(part) for part in re.findall(rb"stream\n(x.*?)endstream", pdf, re.DOTALL)]
    assert any(b" Tf" in stream for stream in streams)  # texts are texts, not paths


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_chart_gives_the_same_bytes(form):
    first = render(grouped(3), form, 1, "A caption")
    render(CHARTS["lines"], form, 2)
    assert render(grouped(3), form, 1, "A caption") == first


def test_no_text_is_smaller_than_seven_points():
    for chart in CHARTS.values():
        sizes = re.findall(r"font-size: ([\d.]+)px", render(chart, "svg", 1).decode())
        assert sizes
        assert min(map(float, sizes)) >= 7


def test_long_names_differ_after_they_are_shortened():
    found = texts_of(render(CHARTS["many dots"], "svg", 1))
    names = [text for text in found if text.startswith("SPP")]
    assert len(set(names)) == len(names) == 40


def test_texts_that_do_not_fit_their_cells_give_way_to_a_scale():
    many = texts_of(render(CHARTS["many cells"], "svg", 1))
    few = texts_of(render(cells(["a", "b"], ["c", "d"]), "svg", 1))
    assert "0.000" in few
    assert "0.000" not in many
    assert "0.2" in many  # a tick of the scale


def test_a_number_on_an_axis_of_categories_is_a_position():
    figure = go.Figure(go.Heatmap(z=[[0.1, 0.9]], x=["2", "3"], y=["1"], showscale=False))
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category")
    for place, text in enumerate(("left", "right")):
        figure.add_annotation(x=place, y=0, text=text, showarrow=False, font={"color": "var(--ink-on-0.1)"})
    assert {"left", "right"} <= set(texts_of(render(figure, "svg", 1)))


def test_a_name_is_neither_markup_nor_mathematics():
    figure = go.Figure(go.Bar(x=["$a_1$ & <3", "A<br>B", "名前"], y=[1, 2, 3]))
    found = texts_of(render(figure, "svg", 2))
    assert "$a_1$ & <3" in found
    assert {"A", "B"} <= set(found)


@pytest.mark.parametrize(
    ("figure", "what"),
    [
        (go.Figure(go.Pie(values=[1, 2])), "pie"),
        (go.Figure(), "no data"),
        (go.Figure(go.Scatter(x=[1], y=[1], marker={"symbol": "hexagram"}, mode="markers")), "hexagram"),
        (go.Figure(go.Bar(x=["2026-01-01"], y=[1])).update_xaxes(type="date"), "date"),
        (go.Figure(go.Scatter(y=[1, 2], x=[1, 2], line={"color": "var(--unheard)"})), "--unheard"),
    ],
)
def test_what_cannot_be_drawn_is_named(figure, what):
    with pytest.raises(UnsupportedFigure, match=what):
        render(figure, "svg")


def test_matrices_share_one_scale_and_hatch_what_is_below_its_middle():
    svg = render(CHARTS["matrices"], "svg", 2)
    found = texts_of(svg)
    assert found.count("share of the true class") == 1
    assert found.count("80%") == 6
    assert "+100%" in found
    assert b"<pattern" in svg


def test_figures_are_rendered_from_several_threads():
    some = ("bars", "lines", "confusion", "parallel")
    expected = {name: render(CHARTS[name], "svg") for name in some}
    found: dict[str, bytes] = {}

    def draw(name: str) -> None:
        found[name] = render(CHARTS[name], "svg")

    threads = [Thread(target=draw, args=[name]) for name in some]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_matplotlib_is_loaded_only_to_render():
    code = "import sys, models_ml.paper.figures, mer_platform.figure_files; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# What people without red, green or blue cones see (Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009; severity 1).
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def lightness(colour) -> float:
    """Return L* of CIELAB, from 0 to 100."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def in_eyes(colour, kind):
    linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]])
    seen = np.clip(np.array(BLINDNESS[kind]) @ linear, 0, 1)
    return np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("count", range(2, 9))
def test_series_differ_in_grey_and_to_the_colour_blind(count):
    looks = [series(index, count) for index in range(count)]
    step = 60 / (count - 1) * 0.6
    for first, second in combinations(looks, 2):
        assert abs(lightness(first.fill) - lightness(second.fill)) > step
        for kind in BLINDNESS:
            assert (
                abs(lightness(in_eyes(first.fill, kind)) - lightness(in_eyes(second.fill, kind))) > step / 2
            )
        assert first.hatch != second.hatch
        assert (first.marker, first.dash) != (second.marker, second.dash)


def test_lines_are_dark_enough_on_paper():
    for count in range(1, 9):
        for index in range(count):
            assert 1.05 / (luminance(series(index, count).line) + 0.05) >= 3


def test_the_scale_of_heat_maps_becomes_steadily_darker():
    steps = [lightness([int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)]) for c in SEQUENTIAL]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] - steps[-1] > 70
    assert len(DIVERGING) % 2 == 1


def test_ink_is_readable_on_each_colour():
    for red in np.linspace(0, 1, 6):
        for green in np.linspace(0, 1, 6):
            for blue in np.linspace(0, 1, 6):
                under = luminance((red, green, blue))
                ink = luminance((0, 0, 0) if ink_on((red, green, blue)) == "#000000" else (1, 1, 1))
                high, low = max(under, ink), min(under, ink)
                assert (high + 0.05) / (low + 0.05) >= 4.5


def test_bars_are_hatched_only_to_distinguish_them():
    assert "hatch" not in render(lines(1), "svg").decode()
    one = go.Figure(go.Bar(x=["a"], y=[1]))
    assert "<pattern" not in render(one, "svg").decode()
    assert len(re.findall("<pattern", render(grouped(3), "svg").decode())) == 2
    assert len(HATCHES) == 8
