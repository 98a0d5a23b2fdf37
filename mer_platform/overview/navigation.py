"""Which tab of a project's navigation a page belongs to."""

from django.http import HttpRequest

TABS_OF_PAGES = {
    "project": "overview",
    "clips": "clips",
    "clip": "clips",
    "clip-delete": "clips",
    "subject-delete": "clips",
    "database-delete": "clips",
    "paper-bundle": "runs",
    "batch-delete": "scoring",
    "run-register": "runs",
    "model-delete": "models",
}
TABS_OF_PACKAGES = {
    "clips": "clips",
    "imports": "clips",
    "annotation.exchange": "clips",
    "annotation": "coding",
    "composites": "composites",
    "features": "composites",
    "exports": "composites",
    "experiments": "runs",
    "registry": "models",
    "scoring": "scoring",
}


def current_tab(request: HttpRequest) -> dict[str, str]:
    """Give every page ``tab``: by its name, or by the package of its view. A view may set another one."""
    match = getattr(request, "resolver_match", None)
    if match is None:
        return {"tab": ""}
    page = match.url_name or ""
    if page in TABS_OF_PAGES:
        return {"tab": TABS_OF_PAGES[page]}
    package = match.func.__module__.removeprefix("mer_platform.")
    while package and package not in TABS_OF_PACKAGES:
        package = package.rpartition(".")[0]
    tab = TABS_OF_PACKAGES.get(package, "")
    return {"tab": "experiments" if tab == "runs" and "experiment" in page else tab}
