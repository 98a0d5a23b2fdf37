"""The address of the description: made once per process, then sent from memory."""

import hashlib
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from mer_platform.rest.schema.lock import DESCRIBING


class SchemaView(SpectacularAPIView):
    """The description of the API in OpenAPI 3.1: as YAML, or as JSON with ``?format=json``. It needs no sign-in."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the description. With the ETag of an earlier answer in `If-None-Match`, the answer is 304."""
        renderer: Any = request.accepted_renderer
        with DESCRIBING:  # the second of two first visitors waits for the first
            content, tag = _rendered(renderer.media_type, type(renderer))
        headers = {"ETag": tag, "Cache-Control": "public, max-age=300", "Vary": "Accept"}
        if tag in request.headers.get("If-None-Match", ""):
            return HttpResponse(status=304, headers=headers)
        ending = renderer.format.rpartition("-")[2]
        headers["Content-Disposition"] = f'inline; filename="mer-platform.{ending}"'
        return HttpResponse(content, content_type=renderer.media_type, headers=headers)


_made: dict[str, tuple[bytes, str]] = {}


def _rendered(media_type: str, renderer: type[BaseRenderer]) -> tuple[bytes, str]:
    """Return the description in the format of a renderer, with its tag."""
    if media_type not in _made:
        rendered: Any = renderer().render(_document(), renderer_context={})
        content = bytes(rendered)
        _made[media_type] = content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return _made[media_type]


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return document
