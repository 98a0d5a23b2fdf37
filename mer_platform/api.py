"""The REST API's errors: all have one form."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import ProtectedError
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import exception_handler as drf_exception_handler


class Conflict(exceptions.APIException):
    """409: somebody or something was there first. ``extra`` goes into the answer beside ``detail``."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "This was changed meanwhile."

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.extra = extra


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answers, and the same form for the errors of models: never a 500 for bad input."""
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, ProtectedError):
        used_by = sorted({str(obj) for obj in error.protected_objects})[:3]
        error = Conflict(f"This is still used by {', '.join(used_by)} and cannot be deleted.")
    response = drf_exception_handler(error, context)
    if response is not None and isinstance(error, Conflict):
        response.data = {"detail": str(error.detail), **error.extra}
    return response
