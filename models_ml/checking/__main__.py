"""``python -m models_ml.checking NAME``: check a network, print a report. Exits with 1 if one fails, 2 if none can run."""

import sys
import time
import traceback

from models_ml.checking.networks import CheckFailed, checks_of
from models_ml.nets.registry import NET_CONFIGS, PLUGINS


def main(name: str) -> int:
    """Check a network, print one line per check, and return the exit status."""
    if name not in NET_CONFIGS:
        for problem in PLUGINS.problems:
            if problem.entry_point.startswith(f"{name} = "):
                print(problem, file=sys.stderr)
                return 2
        known = ", ".join(NET_CONFIGS)
        print(f"There is no network “{name}”. Choose one of {known}.", file=sys.stderr)
        return 2
    config = NET_CONFIGS[name]
    print(f"{config.title} ({PLUGINS.packages.get(name, 'part of the platform')})")
    failed = total = 0
    for check in checks_of(name):
        total += 1
        started = time.perf_counter()
        error = ""
        try:
            check.run()
        except CheckFailed as reason:
            error = str(reason)
        except Exception as reason:  # the network's own code can raise anything
            error = f"{type(reason).__name__}: {reason}\n{_last_line(reason)}"
        seconds = time.perf_counter() - started
        print(f"{'FAILED' if error else 'passed'}  {check.title}  ({seconds:.1f} s)", flush=True)
        if error:
            failed += 1
            print("        " + error.replace("\n", "\n        "), flush=True)
    print(f"{total - failed} of {total} checks passed." if failed else f"All {total} checks passed.")
    return 1 if failed else 0


def _last_line(error: BaseException) -> str:
    """Return where an exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {frames[-1].filename}, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give the name of one network, for example: python -m models_ml.checking sssnet")
    sys.exit(main(sys.argv[1]))
