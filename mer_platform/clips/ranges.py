"""HTTP byte ranges (RFC 9110, section 14) of a stored file. The frame player fetches frames in this way."""

import re
from collections.abc import Iterator
from typing import IO

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)

CHUNK_BYTES = 1 << 18


def ranged_response(
    request: HttpRequest, file: IO[bytes], size: int, etag: str, content_type: str
) -> HttpResponseBase:
    """Return the whole file (200), the requested range (206), or the answer that it is unchanged (304) or absent (416).

    ``?first=…&last=…`` in the address requests these bytes as a resource of its own (200). A page can preload it with a
    link, which cannot send a ``Range`` header.
    """
    part = part_of(request.GET.get("first"), request.GET.get("last"), size)
    quoted = f'"{etag}"' if part is None else f'"{etag}-{part[0]}-{part[1]}"'
    headers = {
        "ETag": quoted,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    if request.headers.get("If-None-Match") == quoted:
        file.close()
        return HttpResponseNotModified(headers=headers)
    first, last, status = 0, size - 1, 200
    asked = request.headers.get("Range")
    if part is not None:
        first, last = part
    elif asked and request.headers.get("If-Range", quoted) == quoted:
        span = parse_range(asked, size)
        if span is None:
            file.close()
            return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        if span != (0, -1):
            first, last = span
            status = 206
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    headers["Content-Length"] = str(last - first + 1)
    return StreamingHttpResponse(
        _read(file, first, last - first + 1), status=status, headers=headers, content_type=content_type
    )


def part_of(first: str | None, last: str | None, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of the part that an address names; None if it names no existing part.

    >>> part_of("0", "99", 1000), part_of("990", "5000", 1000)
    ((0, 99), (990, 999))
    >>> part_of(None, None, 1000), part_of("x", "9", 1000), part_of("1000", "1001", 1000), part_of("9", "3", 1000)
    (None, None, None, None)
    """
    if not (first and last and re.fullmatch(r"[0-9]{1,18}", first) and re.fullmatch(r"[0-9]{1,18}", last)):
        return None
    begin, end = int(first), min(int(last), size - 1)
    return (begin, end) if begin <= end else None


def parse_range(text: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte of a single range; None if it cannot be satisfied; (0, -1) if it is to be ignored.

    >>> parse_range("bytes=0-99", 1000), parse_range("bytes=-10", 1000), parse_range("bytes=990-", 1000)
    ((0, 99), (990, 999), (990, 999))
    >>> parse_range("bytes=1000-", 1000) is None, parse_range("bytes=0-1,5-6", 1000)
    (True, (0, -1))
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", text.strip())
    if match is None or match.groups() == ("", ""):
        return (0, -1)
    start, end = match.groups()
    if not start:
        first, last = max(0, size - int(end)), size - 1
        return (first, last) if int(end) else None
    first, last = int(start), min(int(end) if end else size - 1, size - 1)
    if first >= size:
        return None
    return (first, last) if first <= last else (0, -1)


def _read(file: IO[bytes], first: int, length: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            length -= len(chunk)
            yield chunk
