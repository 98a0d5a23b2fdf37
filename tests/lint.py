"""``make lint``: all checks of the code that do not run the platform. A failure does not stop the other checks."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.surroundings import all_required

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
PYTHON_CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "mypy of the client": ["mypy", "--config-file", "clients/python/pyproject.toml"],
    "import contracts": ["lint-imports"],
    "migrations": ["python", "manage.py", "makemigrations", "--check", "--dry-run"],
    "Django": ["python", "manage.py", "check", "--fail-level", "WARNING"],
    "templates": ["python", "-m", "tests.lint_templates"],
    "secrets": ["python", "-m", "tests.lint_secrets"],
    "words": ["python", "-m", "tests.lint_words"],
}


def main() -> int:
    failed = []
    with tempfile.TemporaryDirectory() as data:  # settings create the data folder, which must not be ./var
        environment = {**os.environ, "MER_DATA_DIR": data}
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.pop(name, None)
        for title, (program, *arguments) in PYTHON_CHECKS.items():
            print(f"━━━ {title} ━━━", flush=True)
            command = [str(Path(sys.executable).with_name(program)), *arguments]
            if subprocess.run(command, cwd=ROOT, env=environment).returncode:
                failed.append(title)
    print("━━━ JavaScript types ━━━", flush=True)
    if not javascript():
        failed.append("JavaScript types")
    print(f"FAILED: {', '.join(failed)}" if failed else "All checks passed.")
    return 1 if failed else 0


def javascript() -> bool:
    """Check the types in JavaScript, and install TypeScript if needed. Skipped with a message if there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        print("!!! SKIPPED: the types in JavaScript: npm not found !!!")
        return not all_required()
    if not (FRONTEND / "node_modules" / ".bin" / "tsc").exists():
        locked = (FRONTEND / "package-lock.json").exists()
        install = [npm, "ci" if locked else "install", "--no-audit", "--no-fund", "--loglevel=error"]
        if subprocess.run(install if locked else [*install, "--no-package-lock"], cwd=FRONTEND).returncode:
            return False
    return subprocess.run([npm, "run", "--silent", "check"], cwd=FRONTEND).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
