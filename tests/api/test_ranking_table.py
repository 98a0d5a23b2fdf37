"""The numbers of the figures of an experiment's ranking, as a table and as a file."""

import csv
import io

import numpy as np
import pytest

from tests.bench._dashboards_fill import experiment
from tests.pictures import freeze_pictures

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["ranking", "parallel"])
def test_the_figures_of_the_ranking_come_with_their_numbers(project, alice, client, name):
    pk = experiment(freeze_pictures(project), 6, 0, alice, np.random.default_rng(0))
    client.force_login(alice)
    path = f"/projects/{project.slug}/experiments/{pk}/figures/{name}.json"
    (table,) = client.get(path).json()["tables"]
    assert table["columns"][:2] == ["Rank", "Placement"]
    assert [row[0] for row in table["rows"]] == ["1", "2", "3", "4", "5", "6"]
    assert "95% intervals" in table["caption"]
    rows = list(csv.reader(io.StringIO(client.get(path, {"format": "csv"}).content.decode("utf-8-sig"))))
    scores = [float(row[rows[0].index("UF1")]) for row in rows[1:] if row]
    assert scores == sorted(scores, reverse=True)
