"""What tests read from the errors of the API."""

from typing import Any


def field_errors(response: Any) -> dict[str, list[str]]:
    """Return the wrong values of an answer 4xx: ``{"/clips/3": ["…"]}``, and ``{"?page_size": ["…"]}`` for parameters.

    Checks that the answer is problem details.
    """
    body = problem_of(response)
    found: dict[str, list[str]] = {}
    for error in body["errors"]:
        place = f"?{error['parameter']}" if "parameter" in error else error.get("pointer", "")
        found.setdefault(place, []).append(error["detail"])
    return found


def problem_of(response: Any) -> dict[str, Any]:
    """Return the body of an error, after checking that it is complete problem details (RFC 9457)."""
    assert response["Content-Type"] == "application/problem+json", response["Content-Type"]
    body: dict[str, Any] = response.json()
    assert body["status"] == response.status_code
    assert body["detail"]
    assert isinstance(body["detail"], str)
    assert body["title"]
    assert body["code"]
    assert body["request_id"]
    assert body["type"].endswith(f"/api/errors/{body['code']}/")
    for error in body["errors"]:
        assert error["detail"]
        assert error["code"]
    return body


def errors_of(response: Any, field: str) -> list[str]:
    """Return what is wrong with a field of the body or a parameter of the address, or with anything in it.

    ``field`` may lead into a field: ``base.net.kernels``.
    """
    return [
        text
        for place, texts in field_errors(response).items()
        if f"{place.lstrip('/?').replace('/', '.')}.".startswith(f"{field}.")
        for text in texts
    ]
