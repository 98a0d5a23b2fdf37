"""Projects and the databases in them."""

from __future__ import annotations

from typing import Any

from mer_client.api import Api, call, every, given
from mer_client.errors import MerError
from mer_client.resources import Database, Project
from mer_client.steps import Pages, Request, Steps

AnyProject = int | str | Project
AnyDatabase = int | str | Database


def projects(api: Api, /) -> Steps[Pages[Project]]:
    """Yield your projects."""
    yield from ()
    return Pages(Request("GET", "projects/"), Project.read)


def project(api: Api, /, project: AnyProject) -> Steps[Project]:
    """Return a project by its id, its name, or the short name in its addresses."""
    if isinstance(project, Project):
        return project
    if isinstance(project, int):
        return Project.read((yield from call(api, "GET", f"projects/{project}/")))
    found = yield from every(api, (yield from projects(api)))
    for one in found:
        if project in (one.slug, one.name):
            return one  # type: ignore[no-any-return]
    names = ", ".join(f"“{one.slug}”" for one in found) or "none"
    raise MerError(f"There is no project “{project}”. Your projects are: {names}.")


def project_id(api: Api, /, one: AnyProject | None) -> Steps[int]:
    """Return the id of a project; of your only one if none is given."""
    if isinstance(one, int):
        return one
    if isinstance(one, Project):
        return one.id
    if one is not None:
        return (yield from project(api, one)).id
    found = yield from every(api, (yield from projects(api)))
    if len(found) == 1:
        return found[0].id  # type: ignore[no-any-return]
    names = ", ".join(f"“{one.slug}”" for one in found) or "none"
    raise MerError(f"Say which project. Your projects are: {names}.")


def create_project(api: Api, /, name: str, description: str = "") -> Steps[Project]:
    """Create a project, of which you are the owner."""
    body = {"name": name, "description": description}
    return Project.read((yield from call(api, "POST", "projects/", json=body)))


def databases(api: Api, /, project: AnyProject | None = None) -> Steps[Pages[Database]]:
    """Yield the databases of a project."""
    pk = yield from project_id(api, project)
    return Pages(Request("GET", "databases/", params={"project": pk}), Database.read)


def database_id(api: Api, /, database: AnyDatabase, project: AnyProject | None) -> Steps[tuple[int, int]]:
    """Return the ids of a database and of its project."""
    if isinstance(database, int):
        database = Database.read((yield from call(api, "GET", f"databases/{database}/")))
    if isinstance(database, Database):
        return database.id, database.project
    pk = yield from project_id(api, project)
    found = yield from every(api, (yield from databases(api, pk)))
    for one in found:
        if one.name == database:
            return one.id, pk
    names = ", ".join(f"“{one.name}”" for one in found) or "none"
    raise MerError(f"There is no database “{database}” in this project. Its databases are: {names}.")


def create_database(
    api: Api,
    /,
    name: str,
    *,
    project: AnyProject | None = None,
    fps: float | None = None,
    emotions: list[str] | None = None,
    fps_for_videos: bool | None = None,
) -> Steps[Database]:
    """Create a database. ``fps`` is the recording rate of frame images; ``emotions`` are what coders choose from."""
    pk = yield from project_id(api, project)
    body: dict[str, Any] = {"project": pk, "name": name}
    body |= given(fps=fps, emotions=emotions, fps_for_videos=fps_for_videos)
    return Database.read((yield from call(api, "POST", "databases/", json=body)))
