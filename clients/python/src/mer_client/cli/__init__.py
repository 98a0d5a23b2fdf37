"""``mer``: the platform on the command line."""

import sys


def main() -> None:
    """Run ``mer``."""
    try:
        from mer_client.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "click"):
            raise
        sys.exit("The command line needs two more packages: run `pip install mer-client[cli]`.")
    run()
