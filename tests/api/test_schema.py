"""The API's schema is complete and valid."""

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def test_the_schema_is_served_and_valid(client, tmp_path):
    assert client.get("/api/schema/").status_code == 200
    call_command("spectacular", "--validate", "--file", str(tmp_path / "schema.yml"))
    text = (tmp_path / "schema.yml").read_text()
    for path in ("/api/v1/experiments/estimate/", "/api/v1/runs/compare/", "/api/v1/imports/{id}/items/"):
        assert path in text
    assert "For comparison with these papers only" in " ".join(text.split())
