"""The errors of the REST API, in one form."""

import re
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import ProtectedError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler as drf_exception_handler

NO_MATCH = re.compile(r"No (\w+) matches the given query\.")  # what get_object_or_404 says


class Conflict(exceptions.APIException):
    """Error 409: the object was changed, or is in use. ``extra`` is added to the answer next to ``detail``."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This was changed in the meantime. Load it again."

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.extra = extra


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer the errors of models as DRF answers its own, so that bad input never gives a 500."""
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, ProtectedError):
        used_by = sorted({str(obj) for obj in error.protected_objects})[:3]
        error = Conflict(f"Cannot delete this: it is used by {', '.join(used_by)}.")
    if isinstance(error, Http404) and (match := NO_MATCH.fullmatch(str(error))):
        kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", match[1])
        where = "" if kind == "Project" else " in your projects"
        error = exceptions.NotFound(f"{kind.capitalize()} not found{where}.")
    response = drf_exception_handler(error, context)
    if response is not None and isinstance(error, Conflict):
        response.data = {"detail": str(error.detail), **error.extra}
    return response
