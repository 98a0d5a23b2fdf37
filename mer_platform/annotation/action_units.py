"""Facial action units as coders write them: ``4+L10``, ``R12A+14``, ``6C+12``.

They follow Ekman and Friesen's Facial Action Coding System (FACS): a number; before it the side, if only one side moves
(L or R, the subject's own left or right); after it the intensity, from A (trace) to E (maximum). Coding sheets also contain
``AU4``, ``1 + 2``, ``4,7`` and ``12L``, which are read as well.
"""

import re
from dataclasses import dataclass
from typing import Literal

Side = Literal["", "L", "R"]

# FACS (2002): main codes, head and eye positions, miscellaneous actions and gross behaviours.
NUMBERS = frozenset(
    {
        *range(1, 29),
        *range(29, 47),
        *range(50, 59),
        *range(61, 70),
        *range(70, 75),
        *(80, 81, 82, 84, 85, 91, 92, 97, 98),
    }
) - {3}
_UNIT = re.compile(r"(?:AU)?\s*([LRB]?)\s*(\d{1,2})\s*([LR]?)\s*([A-E]?)", re.IGNORECASE)
_SEPARATORS = re.compile(r"[+,;/&]|\band\b")


@dataclass(frozen=True, order=True)
class ActionUnit:
    """One unit: its number, the side that moves ("" for both) and its intensity ("" if it is not coded)."""

    number: int
    side: Side = ""
    intensity: str = ""

    def __str__(self) -> str:
        return f"{self.side}{self.number}{self.intensity}"


def parse_action_units(text: str) -> list[ActionUnit]:
    """Return the units in ``text`` in the order written, without repeats.

    Raises ValueError with a message that names the part that cannot be read and what is expected.

    >>> [str(unit) for unit in parse_action_units("4+L10, R12A")]
    ['4', 'L10', 'R12A']
    >>> parse_action_units("4+L10+smile")
    Traceback (most recent call last):
    ...
    ValueError: “smile” is not an action unit. Write numbers joined by +, for example 4+L10+R12A.
    """
    units: list[ActionUnit] = []
    for part in _SEPARATORS.split(text):
        written = part.strip()
        if not written:
            continue
        match = _UNIT.fullmatch(written)
        if match is None or (match[1] and match[3]):
            raise ValueError(
                f"“{written}” is not an action unit. Write numbers joined by +, for example 4+L10+R12A."
            )
        number = int(match[2])
        if number not in NUMBERS:
            raise ValueError(f"FACS has no action unit {number} (“{written}”).")
        side = (match[1] or match[3]).upper()
        unit = ActionUnit(number, "" if side == "B" else side, match[4].upper())  # type: ignore[arg-type]
        if unit not in units:
            units.append(unit)
    return units


def canonical(text: str) -> str:
    """Return ``text`` in the platform's form: units joined by ``+``. Raises ValueError as ``parse_action_units``.

    >>> canonical(" au4, 10l ")
    '4+L10'
    """
    return "+".join(str(unit) for unit in parse_action_units(text))
