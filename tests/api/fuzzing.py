"""Random requests by schemathesis to the platform in this process, each answer compared with the description."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis.specs.openapi import checks

from tests.api.api_schema import api_schema

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_HOST = "http://testserver"
_OWN = (
    "Content-Length",
    "Accept-Encoding",
)  # headers that the client of tests sets; compressed answers say nothing new


class Undo(Exception):
    """Ends a transaction without an error."""


def operations() -> Iterator[Any]:
    """Yield each operation of the description."""
    schema = schemathesis.openapi.from_dict(api_schema())
    for found in schema.get_all_operations():
        operation = found.ok()
        if (
            operation.definition.raw["operationId"] != "uploads_update"
        ):  # the bytes of files are not generated
            yield operation


def call(client: APIClient, case: Any) -> schemathesis.Response:
    """Send a case to the platform in this process. Return the answer as schemathesis knows it."""
    prepared = requests.Request(**_plain(case.as_transport_kwargs(base_url=_HOST))).prepare()
    parts = urlsplit(prepared.url or "")
    headers = {name: _text(value) for name, value in prepared.headers.items() if name not in _OWN}
    kind = headers.pop("Content-Type", "application/octet-stream")
    body = prepared.body or b""
    answer = client.generic(
        prepared.method or "GET",
        parts.path,
        data=body.encode() if isinstance(body, str) else body,
        content_type=kind,
        headers=headers,
        QUERY_STRING=parts.query,
    )
    return schemathesis.Response(
        status_code=answer.status_code,
        headers={name: [value] for name, value in answer.items()},
        content=b"".join(answer.streaming_content) if answer.streaming else answer.content,
        request=prepared,
        elapsed=0.0,
        verify=False,
        message=answer.reason_phrase,
        encoding="utf-8",
    )


def fuzz(client: APIClient, operation: Any, ids: Mapping[str, Any], examples: int, number: int) -> int:
    """Send random requests to an operation; every other one names rows that exist. Return how many were sent.

    Each request is undone. Raises AssertionError or the failures of schemathesis if an answer is not as described.
    """
    sent = 0
    usual = operation.as_strategy()
    known = {name: ids[name] for name in _path_names(operation) if name in ids}
    own = ids.get(operation.path.split("/")[3], {})
    known |= {name: own["id"] for name in _path_names(operation) if name == "id" and own}
    fitting = operation.as_strategy(path_parameters=known) if known else usual

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=st.one_of(fitting, usual), real=st.booleans())
    def run(case: Any, real: bool) -> None:
        nonlocal sent
        if real and isinstance(case.body, dict):
            case.body.update({key: ids["fields"][key] for key in case.body if key in ids["fields"]})
        try:
            with transaction.atomic():
                sent += 1
                answer = call(client, case)
                case.validate_response(answer, checks=CHECKS)
                raise Undo
        except Undo:
            pass

    run()
    return sent


def _path_names(operation: Any) -> list[str]:
    return [parameter.name for parameter in operation.path_parameters]


def _plain(kwargs: dict[str, Any]) -> dict[str, Any]:
    names = ("method", "url", "headers", "files", "data", "json", "params", "cookies")
    return {name: value for name, value in kwargs.items() if name in names}


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
