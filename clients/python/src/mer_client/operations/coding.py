"""Annotations: reading, adding, and exchanging them with other tools."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mer_client.api import Api, call, given
from mer_client.operations.files import download
from mer_client.operations.projects import AnyProject, project_id
from mer_client.resources import Annotation, Clip
from mer_client.steps import Pages, Request, Steps

Coders = Literal["names", "me", "consensus"]


def annotations(api: Api, /, **filters: Any) -> Steps[Pages[Annotation]]:
    """Yield annotations that you may see. ``filters`` are those of ``GET /api/v1/annotations/``, such as ``clip=7``."""
    yield from ()
    return Pages(Request("GET", "annotations/", params=filters), Annotation.read)


def annotate(
    api: Api,
    /,
    clip: int | Clip,
    onset: int | None = None,
    apex: int | None = None,
    offset: int | None = None,
    **fields: Any,
) -> Steps[Annotation]:
    """Mark an expression in a clip.

    Frames are counted from 0. ``fields`` are for example ``emotion`` and ``action_units``.
    """
    pk = clip.id if isinstance(clip, Clip) else clip
    body = {"clip": pk, **given(onset=onset, apex=apex, offset=offset), **fields}
    return Annotation.read((yield from call(api, "POST", "annotations/", json=body)))


def change_annotation(api: Api, /, annotation: Annotation, **fields: Any) -> Steps[Annotation]:
    """Change an annotation. Raises Conflict if it was changed since you loaded it; ``data["current"]`` is what it is now."""
    headers = {"If-Match": f'"{annotation.revision}"'}
    path = f"annotations/{annotation.id}/"
    return Annotation.read((yield from call(api, "PATCH", path, json=fields, headers=headers)))


def annotate_bulk(
    api: Api, /, operations: Sequence[Mapping[str, Any]], *, atomic: bool = False
) -> Steps[list[dict[str, Any]]]:
    """Create, update and delete up to 1,000 annotations, and return the result of each operation.

    An operation is for example ``{"op": "create", "clip": 7, "onset": 12}``, ``{"op": "update", "id": 3, "revision": 2,
    "apex": 20}`` or ``{"op": "delete", "id": 4}``. A result has ``status``, ``annotation`` and ``problem``. With ``atomic``,
    nothing is changed if one fails, and the error of the first that failed is raised.
    """
    body = {"operations": [dict(operation) for operation in operations], "atomic": atomic}
    answer = yield from call(api, "POST", "annotations/bulk/", json=body)
    return answer["results"]  # type: ignore[no-any-return]


def export_annotations(
    api: Api, /, to: str | Path, format: str = "csv", *, project: AnyProject | None = None, **filters: Any
) -> Steps[Path]:
    """Store the annotations of a project in a file, and return its path.

    ``format`` is csv, parquet, casme2.csv, casme2.xlsx, samm.csv, samm.xlsx, eaf.zip, label-studio.json or json.
    ``filters``: ``database``, ``clip``, ``coder``, and ``marks="consensus"``.
    """
    pk = yield from project_id(api, project)
    return (yield from download(api, f"projects/{pk}/annotations.{format}", to, params=filters or None))


def import_annotations(
    api: Api,
    /,
    path: str | Path,
    *,
    coders: Coders = "names",
    project: AnyProject | None = None,
    members: dict[str, str] | None = None,
    dry_run: bool = False,
) -> Steps[dict[str, Any]]:
    """Import annotations from a file of another tool, and return the report.

    Parameters
    ----------
    coders
        Whose they are: of the members that the file names, yours, or the consensus.
    members
        The username of a member for a name in the file.
    dry_run
        Only compare the file with the project; nothing is changed.
    """
    pk = yield from project_id(api, project)
    path = Path(path)
    form: dict[str, Any] = {"project": str(pk), "coders": coders}
    if members:
        form["members"] = json.dumps(members)
    files = {"file": (path.name, path.read_bytes())}
    report = yield from call(api, "POST", "annotation-imports/", data=form, files=files)
    if dry_run:
        yield from call(api, "DELETE", f"annotation-imports/{report['id']}/")
        return report  # type: ignore[no-any-return]
    confirmed = yield from call(api, "POST", f"annotation-imports/{report['id']}/confirm/", json={})
    return confirmed  # type: ignore[no-any-return]
