"""Pages that belong to no app: changing the password, the API documentation and the health check."""

from csp.decorators import csp_update
from django.contrib.auth.views import PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView


class PasswordChange(SuccessMessageMixin, PasswordChangeView):
    success_url = reverse_lazy("home")
    success_message = "Password changed."


# Swagger UI sets style attributes. Its scripts are served by the platform.
@method_decorator(csp_update({"style-src": ["'unsafe-inline'"]}), name="dispatch")
class ApiDocs(SpectacularSwaggerSplitView):
    """The API documentation."""


def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database answers, for process managers and the compose file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
