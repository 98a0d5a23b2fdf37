import plotly.graph_objects as go

from mer_platform.experiments.figures import add_cell_texts


def test_texts_stand_on_their_cells_also_if_categories_look_like_numbers():
    figure = go.Figure()
    add_cell_texts(figure, ["30", "40"], ["0.1"], [["a", "b"]], [[0.2, None]])
    (text,) = figure.layout.annotations
    assert (text.x, text.y, text.text) == (0, 0, "a")  # Plotly would read “30” as the position 30
