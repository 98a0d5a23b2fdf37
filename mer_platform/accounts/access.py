"""Who is an administrator of the installation, and what others may do. Roles in projects are decided in ``projects``."""

from typing import Any

from django.core.exceptions import PermissionDenied

from mer_platform.accounts.models import Installation

_DOINGS = {
    "projects_by": "create projects",
    "accounts_by": "create accounts",
    "imports_by": "read clips and databases from the import folder or the storage",
}


def is_administrator(user: Any) -> bool:
    """Return whether the user administers the installation. A request with a token limited to projects does not."""
    limited = getattr(user, "only_projects", None) is not None
    return bool(user and user.pk and user.is_active and user.is_superuser and not limited)


def require_administrator(user: Any) -> None:
    """Raise PermissionDenied unless the user administers the installation."""
    if not is_administrator(user):
        raise PermissionDenied("Only administrators of the installation may do this.")


def may(user: Any, what: str) -> bool:
    """Return whether the user may do what this field of ``Installation`` decides. A command acts for no one, and may."""
    if not (user and user.pk) or is_administrator(user):
        return True
    return getattr(Installation.current(), what) == Installation.By.EVERYONE


def require_may(user: Any, what: str) -> None:
    """Raise PermissionDenied unless ``may(user, what)``."""
    if not may(user, what):
        raise PermissionDenied(
            f"On this installation, only administrators {_DOINGS[what]}. Ask an administrator."
        )
