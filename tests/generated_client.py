"""A client that openapi-python-client generates from the API's description, without a network."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from tests.api.api_schema import api_schema

PACKAGE = "mer_generated"
# Files of these types are bytes for the client.
_FILES = (
    "application/vnd.apache.parquet", "application/zip", "application/offset+octet-stream", "image/png", "image/jpeg",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/csv", "text/markdown", "application/x-ndjson",
)  # fmt: skip
_CONFIG: dict[str, Any] = {
    "package_name_override": PACKAGE,
    "post_hooks": [],
    "literal_enums": True,
    "content_type_overrides": dict.fromkeys(_FILES, "application/octet-stream"),
}


def generate(folder: Path) -> str:
    """Generate the client into a folder, from which it can be imported. Return what the generator warns of."""
    schema, config = folder / "schema.json", folder / "config.yml"
    schema.write_text(json.dumps(api_schema()))
    config.write_text(yaml.safe_dump(_CONFIG))
    command = [
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        schema,
        "--config",
        config,
    ]
    done = subprocess.run(
        [*command, "--meta", "none", "--output-path", folder / PACKAGE],
        capture_output=True, text=True, timeout=120, check=True, cwd=folder,
    )  # fmt: skip
    importlib.invalidate_caches()
    return "\n".join(
        line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("Generating")
    )


def generated_operations() -> set[str]:
    """Return the names of the operations that the client in the path has a module for."""
    package = importlib.import_module(f"{PACKAGE}.api")
    return {path.stem for folder in package.__path__ for path in Path(folder).glob("*/*.py")} - {"__init__"}


class Generated:
    """The modules of the generated client, by the names of operations and components."""

    def __init__(self, url: str, token: str) -> None:
        client = importlib.import_module(f"{PACKAGE}.client")
        self._client = client.AuthenticatedClient(base_url=url, token=token, timeout=60)
        self.models: ModuleType = importlib.import_module(f"{PACKAGE}.models")
        self.File = importlib.import_module(f"{PACKAGE}.types").File

    def call(self, operation: str, *path: Any, **arguments: Any) -> Any:
        """Call ``area.operation``. Return the answer with status code and parsed content."""
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        return module.sync_detailed(*path, client=self._client, **arguments)

    def __call__(self, operation: str, *path: Any, **arguments: Any) -> Any:
        """Return the parsed content of the answer, which must be a success."""
        answer = self.call(operation, *path, **arguments)
        assert answer.status_code < 400, (operation, answer.status_code, answer.content[:500])
        return answer.parsed
