"""The areas of the API: each operation belongs to one, by the first part of its path."""

_CLIPS = "Clips"
_ANNOTATION = "Annotation"
_IMPORTS = "Imports"
_DATASETS = "Datasets"
_EXPERIMENTS = "Experiments"
_RUNS = "Runs"
_MODELS = "Models"
_SCORING = "Scoring"
_EXPORTS = "Exports"
_PROJECTS = "Projects"
_ACCOUNT = "Account"
_WEBHOOKS = "Webhooks"
_PLATFORM = "Platform"

AREAS = {
    _PROJECTS: "Projects, their members and what they contain.",
    _CLIPS: "Databases, subjects, clips and flow pictures: upload, frames, optical flow.",
    _ANNOTATION: "Annotations of coders, assignments, agreement and consensus.",
    _IMPORTS: "Databases as their makers publish them, on their way into a project.",
    _DATASETS: "Frozen composite versions, their samples and features.",
    _EXPERIMENTS: "Experiments: many runs, launched together, ranked and explained.",
    _RUNS: "Runs, their folds, predictions, comparison and tags.",
    _MODELS: "Models of finished runs.",
    _SCORING: "Scoring batches: what a model says about clips.",
    _EXPORTS: "Files of features, and bundles of tables and figures for papers.",
    _WEBHOOKS: "Addresses of other programs that the platform calls.",
    _ACCOUNT: "You, and your tokens.",
    _PLATFORM: "Workers, and what the platform can do.",
}
_OF = {
    "databases": _CLIPS,
    "subjects": _CLIPS,
    "clips": _CLIPS,
    "flow-pictures": _CLIPS,
    "uploads": _CLIPS,
    "annotations": _ANNOTATION,
    "annotation-imports": _ANNOTATION,
    "assignments": _ANNOTATION,
    "consensus": _ANNOTATION,
    "imports": _IMPORTS,
    "import-folders": _IMPORTS,
    "composites": _DATASETS,
    "composite-versions": _DATASETS,
    "experiments": _EXPERIMENTS,
    "runs": _RUNS,
    "tags": _RUNS,
    "saved-views": _RUNS,
    "attributions": _RUNS,
    "models": _MODELS,
    "scoring-batches": _SCORING,
    "paper-bundles": _EXPORTS,
    "feature-exports": _EXPORTS,
    "webhooks": _WEBHOOKS,
    "webhook-deliveries": _WEBHOOKS,
    "me": _ACCOUNT,
    "tokens": _ACCOUNT,
    "projects": _PROJECTS,
    "members": _PROJECTS,
}


def area_of(parts: list[str]) -> str:
    """Return the area of a path.

    >>> area_of(["runs", "compare"])
    'Runs'
    """
    return _OF.get(parts[0] if parts else "", _PLATFORM)
