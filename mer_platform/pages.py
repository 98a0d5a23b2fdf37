"""Pages that belong to no app: changing the password, the API's documentation and errors, and the health check."""

from csp.decorators import csp_update
from django.contrib.auth.views import PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.db import connection
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView

from mer_platform.rest.problems import TITLES


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


def error_kinds(request: HttpRequest, code: str = "") -> JsonResponse:
    """Return the kinds of errors of the API, or one of them: the `type` of an error leads here."""
    if code and code not in TITLES:
        raise Http404
    wanted = [code] if code else list(TITLES)
    kinds = [
        {"code": name, "title": TITLES[name], "type": request.build_absolute_uri(f"/api/errors/{name}/")}
        for name in wanted
    ]
    return JsonResponse(kinds[0] if code else {"errors": kinds})
