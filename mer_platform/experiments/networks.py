"""Networks of installed packages that cannot be used: the platform starts without them, and says so."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning

from models_ml.nets.registry import PLUGINS

HINT = "Correct the package or uninstall it, then restart the platform and its workers."


def check_networks(**_: Any) -> Sequence[CheckMessage]:
    """Warn about each package whose network is not available (``manage.py check``, and as the platform starts)."""
    return [Warning(str(problem), hint=HINT, id="experiments.W001") for problem in PLUGINS.problems]


def network_problems() -> list[str]:
    """Return why networks of installed packages are not available, as sentences for a page."""
    return [f"{problem} {HINT}" for problem in PLUGINS.problems]
