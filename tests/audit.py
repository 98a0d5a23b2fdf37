"""``python -m tests.audit``: fail if a pinned library has a published vulnerability; say loudly if none can be looked up."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the exit status and the lines to print, for a report of pip-audit."""
    libraries = report["dependencies"]
    unknown = [library["name"] for library in libraries if "skip_reason" in library]
    if len(unknown) == len(libraries):
        return 0, ["!!! SKIPPED: the audit of the libraries: the service knows none of them !!!"]
    lines = [
        f"{library['name']} {library['version']}: {known['id']}, "
        f"fixed in {', '.join(known['fix_versions']) or 'no version yet'}"
        for library in libraries
        for known in library.get("vulns", [])
    ]
    failed = 1 if lines else 0
    if unknown:
        lines.append(f"!!! not audited, because the service does not know them: {', '.join(unknown)} !!!")
    return failed, lines or [f"No vulnerability is known of {len(libraries)} libraries."]


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        program = str(Path(sys.executable).with_name("pip-audit"))
        asked = [program, "-r", "requirements.txt", "--no-deps", "--disable-pip", "--timeout", "10"]
        try:
            done = subprocess.run(
                [*asked, "-f", "json", "-o", str(report)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
            errors = done.stderr.strip()[-300:]
        except subprocess.TimeoutExpired:
            errors = f"no answer within {SECONDS} s"
        if not report.exists():
            print(f"!!! SKIPPED: the audit of the libraries: the service cannot be reached ({errors}) !!!")
            return 0
        failed, lines = verdict(json.loads(report.read_text()))
    print("\n".join(lines))
    return failed


if __name__ == "__main__":
    sys.exit(main())
