"""What serializers compute for all rows of a list together, so that a list takes as many queries as a single row."""

from typing import Any

from rest_framework.serializers import BaseSerializer, ListSerializer


def rows_of(serializer: BaseSerializer[Any]) -> list[Any]:
    """Return all rows that a serializer shows: those of the page, or the single one."""
    shown: Any = (
        serializer.parent.instance if isinstance(serializer.parent, ListSerializer) else serializer.instance
    )
    return list(shown) if isinstance(shown, list | tuple) else [shown]
