"""The page on which administrators see how much each project stores."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mer_platform.accounts.access import require_administrator
from mer_platform.deletion.kinds import KINDS
from mer_platform.deletion.models import Removal, StorageUse


@login_required
@require_GET
def storage_use(request: HttpRequest) -> HttpResponse:
    """Show the last count of each project by kind, the largest first, and of files that no row refers to."""
    require_administrator(request.user)
    by_project: dict[int | None, list[StorageUse]] = {}
    for use in StorageUse.objects.select_related("project"):
        by_project.setdefault(use.project_id, []).append(use)
    orphans = [use for use in by_project.pop(None, []) if use.files]
    projects = [_row(uses) for uses in by_project.values()]
    context = {
        "rows": sorted(projects, key=lambda row: -row["bytes"]),
        "orphans": [(_title(use.kind), use) for use in orphans],
        "orphan_bytes": sum(use.bytes for use in orphans),
        "total": sum(row["bytes"] for row in projects),
        "removals": Removal.objects.count(),
    }
    return render(request, "deletion/storage.html", context)


def _row(uses: list[StorageUse]) -> dict[str, Any]:
    kinds = sorted((use for use in uses if use.files), key=lambda use: -use.bytes)
    return {
        "name": uses[0].project.name if uses[0].project else "",
        "counted_at": min(use.counted_at for use in uses),
        "files": sum(use.files for use in kinds),
        "bytes": sum(use.bytes for use in kinds),
        "kinds": [(_title(use.kind), use) for use in kinds],
    }


def _title(kind: str) -> str:
    return KINDS[kind].title if kind in KINDS else "unfinished files"
