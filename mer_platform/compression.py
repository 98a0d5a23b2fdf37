"""Compresses pages, JSON and other text on their way to the browser."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

_TEXT = ("text/", "application/json", "image/svg+xml", "application/vnd.oai.openapi")


class CompressText(GZipMiddleware):
    """Compresses complete text answers. Django pads them randomly against attacks that guess secrets by their size.

    Frame packs stay as they are: they are compressed images, fetched in byte ranges. So do streamed downloads.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith(_TEXT):
            return response
        return super().process_response(request, response)
