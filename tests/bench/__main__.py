"""``make bench NAME=…``: run one module of this folder (each has a ``main()``); without a name, list them."""

import importlib
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in NAMES:
        importlib.import_module(f"tests.bench.{sys.argv[1]}").main()
    elif sys.argv[1:]:
        sys.exit(f'Benchmark "{sys.argv[1]}" not found. Choose one of: {", ".join(NAMES)}.')
    else:
        for name in NAMES:
            doc = importlib.import_module(f"tests.bench.{name}").__doc__ or ""
            print(f"make bench NAME={name:12} {doc.splitlines()[0]}")
