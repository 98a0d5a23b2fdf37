"""What an API token may do: the scope that each address of the API needs, declared in one place."""

import re

EVERYTHING = "*"
AREAS = {
    "projects": "projects, their members and webhooks",
    "clips": "databases, clips, flow pictures, uploads and imports of databases",
    "labels": "annotations, assignments, consensus and agreement",
    "runs": "composite versions, features, experiments and runs",
    "models": "models",
    "scoring": "scoring batches",
}
SCOPES = {
    f"{area}:{verb}": f"{verb.capitalize()} {text}"
    for area, text in AREAS.items()
    for verb in ("read", "write")
}
NONE = ""  # any token may
# The area of each address, by its first words without ids: the longest entry counts. An address without an entry refuses
# every token but one that may do everything, and fails a test.
_AREA_OF = {
    "": NONE,  # the list of addresses
    "me": NONE,
    "me/tokens": EVERYTHING,  # a token must not make one that may do more
    "projects": "projects",
    "webhooks": "projects",
    "webhook-deliveries": "projects",
    "workers": "projects",
    "databases": "clips",
    "subjects": "clips",
    "withdrawals": "clips",
    "clips": "clips",
    "flow-pictures": "clips",
    "uploads": "clips",
    "imports": "clips",
    "import-folders": "clips",
    "installation": EVERYTHING,
    "annotations": "labels",
    "annotation-imports": "labels",
    "assignments": "labels",
    "consensus": "labels",
    "clips/suggestions": "labels",
    "projects/agreement": "labels",
    "projects/queue": "labels",
    "projects/spot": "labels",
    "projects/annotations.csv": "labels",
    "projects/annotations.parquet": "labels",
    "projects/leaderboard": "runs",
    "composite-versions": "runs",
    "composites": "runs",
    "runs": "runs",
    "experiments": "runs",
    "tags": "runs",
    "saved-views": "runs",
    "attributions": "runs",
    "run-config-schema": "runs",
    "paper-bundles": "runs",
    "feature-exports": "runs",
    "models": "models",
    "scoring-batches": "scoring",
    "scoring-batches/assign": "labels",  # it makes assignments
}
_SAFE = ("GET", "HEAD", "OPTIONS")
_PREFIX = "/api/v1/"


def area_of(path: str) -> str | None:
    """Return the area of an address, or None if none is declared.

    >>> area_of("/api/v1/projects/3/queue/"), area_of("/api/v1/clips/{id}/frames.bin")
    ('labels', 'clips')
    """
    parts = [
        part
        for part in path.removeprefix(_PREFIX).split("/")
        if part and not re.fullmatch(r"\d+|\{.*\}", part)
    ]
    for count in (2, 1) if parts else (0,):
        if (area := _AREA_OF.get("/".join(parts[:count]))) is not None:
            return area
    return None


def scope_of(method: str, path: str) -> str | None:
    """Return the scope that a request needs; “” if any token will do, and None if the address declares none."""
    area = area_of(path)
    if area in AREAS:
        return f"{area}:{'read' if method in _SAFE else 'write'}"
    return area


def allows(scopes: list[str], needed: str) -> bool:
    """Return whether the scopes include the needed one. Who may write an area may read it.

    >>> allows(["runs:write"], "runs:read"), allows(["runs:read"], "runs:write"), allows(["*"], "clips:write")
    (True, False, True)
    """
    return needed == NONE or bool({needed, needed.replace(":read", ":write"), EVERYTHING} & set(scopes))
