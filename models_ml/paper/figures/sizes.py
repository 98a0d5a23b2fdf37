"""The sizes and the forms of figures in journals."""

FORMATS = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}  # with their media types
# One column: IEEE 88.9 mm, Elsevier 90 mm, Nature 89 mm, Springer 84 mm. Two columns: 180 to 190 mm.
WIDTHS_MM = {1: 88.0, 2: 180.0}
COLUMNS = tuple(WIDTHS_MM)
LARGEST_HEIGHT_MM = 230.0  # of a page, with room for the caption
DOTS_PER_INCH = 400  # journals ask for 300 or more; the picture of 600 would take 2.25 times the memory
POINTS_PER_MM = 72 / 25.4
POINTS_PER_PIXEL = (
    0.56  # from a chart on a page, whose text is 13 px high, to paper, where it has 7.25 points
)

TEXT = 7.25  # points; journals ask for at least 7
SMALLEST_TEXT = 7.0
