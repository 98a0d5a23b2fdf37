"""Benchmarks: each figure is one JSON line on stdout, together with the reference it is compared with."""

import json
from typing import Literal


def report(
    bench: str,
    value: float,
    unit: str,
    against: str,
    reference: float,
    aim: Literal["at most", "at least"],
    ratio: float = 1,
) -> None:
    """Print one figure. ``ok`` states whether ``value / reference`` is at most, or at least, ``ratio``."""
    achieved = value / reference
    ok = achieved <= ratio if aim == "at most" else achieved >= ratio
    print(
        json.dumps(
            {
                "bench": bench,
                "value": round(value, 3),
                "unit": unit,
                "against": f"{against}: {reference:g} {unit}",
                "ratio": round(achieved, 3),
                "aim": f"{aim} {ratio:g}",
                "ok": ok,
            }
        ),
        flush=True,
    )
