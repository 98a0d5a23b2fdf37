"""Answers that are files."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from mer_platform.rest.schema.described import file_schema


def file_answer(
    media_type: str, description: str = "The file.", *, code: int = 200
) -> dict[tuple[int, str], Any]:
    """Return the ``responses`` of an operation that answers with a file."""
    return {(code, media_type): OpenApiResponse(file_schema(media_type), description)}
