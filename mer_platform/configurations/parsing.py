"""Configurations from JSON, with everything that is wrong in them by field."""

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from pydantic import ValidationError as ConfigError

from models_ml.attribution.config import AttributionConfig
from models_ml.config import FeatureConfig, RunConfig, SweepConfig, field_path
from models_ml.wording import in_words

MOST_ERRORS = 200


def parse_config(data: Any) -> RunConfig:
    """Return the validated configuration of a run.

    Raises ValidationError with every error by field: ``{"net.kernels.1": […]}``.
    """
    try:
        return RunConfig.model_validate(data)
    except ConfigError as error:
        raise ValidationError(errors_by_field(error)) from error


def parse_features(data: Any) -> FeatureConfig:
    """Return the validated feature settings. Raises ValidationError with every error by field: ``{"size": […]}``."""
    try:
        return FeatureConfig.model_validate(data)
    except ConfigError as error:
        raise ValidationError(errors_by_field(error)) from error


def parse_attribution(data: Any) -> AttributionConfig:
    """Return the validated settings of an attribution. Raises ValidationError with every error by field."""
    try:
        return AttributionConfig.model_validate(data)
    except ConfigError as error:
        raise ValidationError(errors_by_field(error)) from error


def parse_sweep(data: Any) -> SweepConfig:
    """Return the validated sweep. Raises ValidationError with every error by field: ``{"grid.net.kernels.2": […]}``."""
    try:
        return SweepConfig.model_validate(data)
    except ConfigError as error:
        errors = errors_by_field(error)
    # A sweep makes its runs only if its seeds are right, so the runs are checked without them.
    if all(field.startswith("seeds") for field in errors):
        try:
            SweepConfig.model_validate({**data, "seeds": ()})
        except ConfigError as error:
            errors |= errors_by_field(error)
    raise ValidationError(errors)


def errors_by_field(error: ConfigError) -> dict[str, list[str]]:
    """Return what is wrong by the path of the setting: ``net.kernels.1``. Of very many, the last one counts the rest."""
    found: dict[str, list[str]] = {}
    details = error.errors(include_url=False)
    for detail in details[:MOST_ERRORS]:
        found.setdefault(field_path(detail["loc"]), []).append(in_words(detail))
    if (more := len(details) - MOST_ERRORS) > 0:
        found[field_path(details[MOST_ERRORS - 1]["loc"])].append(f"Another {more:,} values are wrong, too.")
    return found


def read_json(path: Path | None) -> Any:
    """Return the content of a command's JSON file; {} without one. Raises CommandError."""
    if path is None:
        return {}
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        raise CommandError(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}."
        ) from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # another encoding, or numbers and nesting beyond the parser's limits
        raise CommandError(f"{path} is not JSON text.") from error
