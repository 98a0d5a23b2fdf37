"""Who may not change something is refused before the body is parsed: a large one costs nothing."""

import re

import pytest
from django.urls import reverse

from mer_platform.rest.scopes import area_of
from tests.api.access_lab import Lab
from tests.api.test_access_matrix import LINES, ROUTES, Matrix, Rules

pytestmark = pytest.mark.django_db
BROKEN = b"{" * 100_000
CHANGING = [
    (route, method)
    for route in ROUTES
    for method in route.methods
    if re.match(r"\^?api/v1/", route.pattern) and method in ("POST", "PUT", "PATCH")
]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["without a key", "with a key"])
def test_a_body_that_cannot_be_parsed_is_not_parsed_for_who_may_not_write(headers):
    lab = Lab()
    matrix, wrong = Matrix(lab), []
    for route, method in CHANGING:
        rules = Rules(LINES[route.name])
        url = reverse(route.name, kwargs=matrix._variables(route, rules))
        for actor, statuses in (("expired token", {401}), ("wrong scope", {403}), ("viewer", {403, 404})):
            if rules.allows(method, actor) or area_of(url) == "":
                continue
            client = lab.client(actor, True, area_of(url))
            own = {"Tus-Resumable": "1.0.0", **headers}
            if actor != "viewer":
                own["Authorization"] = client.defaults["HTTP_AUTHORIZATION"]
            send = getattr(client, method.lower())
            answer = send(url, BROKEN, content_type="application/json", headers=own)
            if answer.status_code not in statuses:
                wrong.append(f"{method} {route.name} as {actor}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
