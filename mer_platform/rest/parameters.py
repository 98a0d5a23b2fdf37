"""Parameters of addresses, and bodies, that an operation does not take are refused, with the names of those it takes.

What an operation takes is what its description says: that of the schema, with filters, pages and what mixins add. It is
made when a request with parameters comes for the first time, and kept for the life of the process.
"""

import re
from functools import cache
from math import inf
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.views import APIView

from mer_platform.rest.errors import ParametersRefused, Refused
from mer_platform.rest.json_parser import is_storable
from mer_platform.rest.schema.lock import DESCRIBING
from mer_platform.rest.strict import one_of
from models_ml.wording import given

MOST_CHARACTERS = 4_000  # of one value
MOST_VALUES = 1_000  # of a parameter that can be repeated
MOST_NAMED = 20
MOST_DIGITS = 18  # of a whole number
_WHOLE = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}")
_TOO_LONG = re.compile(rf"-?[0-9]{{{MOST_DIGITS + 1},}}")
_CHECKED = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PARSED = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")


class Taken:
    """What an operation takes.

    Attributes
    ----------
    parameters
        The schemas of its parameters, by name.
    has_body
        Whether it takes a body.
    """

    def __init__(self, parameters: dict[str, dict[str, Any]], has_body: bool) -> None:
        self.parameters = parameters
        self.has_body = has_body


class KnownParameters(APIView):
    """Part of ``ApiView``: refuses parameters and bodies that the operation does not take."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in _CHECKED:
            return
        sends_body = request.method not in ("GET", "HEAD") and _has_body(request)
        if not request.query_params and not sends_body:
            return
        match: Any = request.resolver_match
        method = "GET" if request.method == "HEAD" else str(request.method)
        taken = taken_by(match.func, match.route, method)
        if taken is None:
            return
        if request.query_params:
            check_parameters(request, taken.parameters)
        if sends_body and not taken.has_body:
            self.before_body()
            if request.data:
                refuse_body(request.data)

    def before_body(self) -> Any:
        """Look up the row of the address, so that who may not change it is refused before a body is read."""
        view: Any = self
        if (getattr(view, "lookup_url_kwarg", None) or getattr(view, "lookup_field", None)) in self.kwargs:
            view.get_object()


def refuse_body(data: Any) -> None:
    """Raise Refused for a body that the operation does not take."""
    wrong = [ErrorDetail("This request takes no body: leave it out.", "unknown_field")]
    names = list(data)[:20] if isinstance(data, dict) else []
    raise Refused(
        {str(name): wrong for name in names} or wrong, sentence="This request takes no body: leave it out."
    )


def taken_by(callback: Any, route: str, method: str) -> Taken | None:
    """Return what an operation takes; None if its address does not take the method."""
    with DESCRIBING:
        return _described(callback, route, method)


@cache
def _described(callback: Any, route: str, method: str) -> Taken | None:
    generator = SchemaGenerator()
    if method not in generator.endpoint_inspector_cls().get_allowed_methods(callback):
        return None
    view = generator.create_view(callback, method)
    path = "/" + generator.endpoint_inspector_cls().get_path_from_regex(route)
    path = generator.coerce_path(path, method, view)
    view.request = spectacular_settings.GET_MOCK_REQUEST(method, path, view, None)
    operation = view.schema.get_operation(path, route, "/api/v1/", method, generator.registry)
    if operation is None:  # it is not part of the description
        return None
    parameters = {
        parameter["name"]: parameter["schema"]
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }
    return Taken(parameters, "requestBody" in operation)


def check_parameters(request: Request, known: dict[str, dict[str, Any]]) -> None:
    """Raise ParametersRefused for parameters that are not known, are given twice, or are not what they must be."""
    errors: dict[str, list[ErrorDetail]] = {}
    wrong: ErrorDetail | None
    names = f"Known: {', '.join(sorted(known))}." if known else "This address takes none."
    for name, values in request.query_params.lists():
        if name not in known:
            wrong = ErrorDetail(f"There is no such parameter. {names}", "unknown_parameter")
        elif not (wrong := _wrong_values(values, known[name])):
            continue
        errors[name[:100]] = [wrong]
        if len(errors) == MOST_NAMED:
            break
    if errors:
        raise ParametersRefused(errors)


def _wrong_values(values: list[str], schema: dict[str, Any]) -> ErrorDetail | None:
    """Return what is wrong with the values of a parameter in ways that its description rules out."""
    many = schema.get("type") == "array"
    if len(values) > 1 and not many:
        return ErrorDetail(f"Is given {len(values):,} times: give it once.", "repeated")
    if len(values) > MOST_VALUES:
        return ErrorDetail(f"Can be given at most {MOST_VALUES:,} times.", "max_length")
    one = schema.get("items", {}) if many else schema
    for value in values:
        if len(value) > MOST_CHARACTERS:
            return ErrorDetail(f"Must have at most {MOST_CHARACTERS:,} characters.", "max_length")
        if not is_storable(value):
            return ErrorDetail(f"Must not contain NUL characters: {given(value)}.", "invalid_value")
        if one.get("type") == "integer" and _TOO_LONG.fullmatch(value):
            return ErrorDetail(f"Must have at most {MOST_DIGITS} digits: {given(value)}.", "out_of_range")
        if one.get("type") == "integer" and not _WHOLE.fullmatch(value):
            return ErrorDetail(f"Must be a whole number, not {given(value)}.", "wrong_type")
        if one.get("type") == "boolean" and value not in ("true", "false"):
            return ErrorDetail(f"Must be true or false, not {given(value)}.", "wrong_type")
        if "enum" in one and value not in (known := [str(each) for each in one["enum"]]):
            return ErrorDetail(f"Must be {one_of(known)}, not {given(value)}.", "invalid_choice")
        if one.get("type") == "integer" and not one.get("minimum", -inf) <= int(value) <= one.get(
            "maximum", inf
        ):
            return ErrorDetail(_range(one), "out_of_range")
    return None


def _range(schema: dict[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return f"Must be {most:,} or less."
    return f"Must be {least:,} or more." if most is None else f"Must be from {least:,} to {most:,}."


def _has_body(request: Request) -> bool:
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    return kind in _PARSED and request.META.get("CONTENT_LENGTH", "") not in ("", "0")
