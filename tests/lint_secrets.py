"""``python -m tests.lint_secrets``: no key, token or password of a service in a file of the repository.

Only forms that a secret has for certain: a rule that guesses by randomness would report each hash. A line that must contain
such a form, as an example, ends with “pragma: allowlist secret”.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parent.parent
DETECTORS = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "StripeDetector",
    "TwilioKeyDetector",
)
# Passwords in the address of a server: examples, and those of tests, which no server has.
EXAMPLES = {"password", "secret", "mer", "unused", "geheim"}
# Each of the forms contains one of these. The detectors need minutes for the whole repository, and git a moment.
MARKS = (
    r"A[KS]IA[0-9A-Z]{8}|AccountKey|://[^/ ]+:[^/ ]+@|gh[pousr]_|github_pat_|gl[a-z]{2,6}-|eyJ[A-Za-z0-9]|_authToken|sk-"
    r"|BEGIN [A-Z ]*PRIVATE"
    r"|pypi-|SG\.|xox|hooks.slack|[rs]k_(live|test)|[MNO][A-Za-z0-9_-]{23}\.|\b(AC|SK)[a-z0-9]{32}"
)
LEFT_OUT = ("frontend/static/vendor/", "frontend/package-lock.json", "docs/upstream/")


def found_secrets(paths: Iterable[Path]) -> list[str]:
    """Return a line for each secret in the files: where it is, and of which kind."""
    settings = {"plugins_used": [{"name": name} for name in DETECTORS]}
    found = []
    with transient_settings(settings):
        for path in paths:
            for secret in scan_file(str(path)):
                value = secret.secret_value or ""
                if value not in EXAMPLES and not value.startswith(("$", "{")):
                    found.append(f"{path}:{secret.line_number}: {secret.type}")
    return found


def main() -> int:
    listed = subprocess.run(["git", "grep", "-lIE", MARKS], cwd=ROOT, capture_output=True, text=True)
    names = [name for name in listed.stdout.splitlines() if not name.startswith(LEFT_OUT)]
    found = found_secrets(ROOT / name for name in names)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
