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
        tag = response.get("ETag", "")
        answer = super().process_response(request, response)
        if tag.startswith('"') and answer.get("Content-Encoding") == "gzip":
            # Django makes the tag weak, and If-Match never matches a weak one. The compressed form of a content has a strong
            # tag of its own instead (RFC 9110, section 8.8.3.3), which rest/conditional.py reads. Only its padding differs
            # from time to time, which no one sees, because these answers are not sent in ranges.
            answer["ETag"] = f'{tag[:-1]}-gzip"'
        return answer
