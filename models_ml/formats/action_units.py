"""Facial action units as coders write them: ``4+L10``, ``(R6 or R12)+R15``, ``ref(7B)+43``, ``10A/B``, ``L14B?``.

The signs are those of Ekman, Friesen and Hager's Facial Action Coding System (FACS, 2002) and of the published databases:

- Before the number: L or R, only the subject's left or right moves; U, only one side, not stated which; A, both sides move,
  one of them more; T or B, only the top or bottom lip; M, a movement of the head or eyes during an expression (M59).
  B before a unit that is not of the lips means both sides and is left out, as are AU and AD.
- After the number: the intensity from A (trace) to E (maximum), or between two of them (10A/B). L, R, U and T can also
  stand here (10L); B here is always an intensity.
- ``?`` after a unit: the coder is not sure. Parentheses around a unit: the coder set it aside. ``ref(7B)``: the reference,
  that is the neutral face, shows it already. ``6 or 12``: one of the two; "or" binds closer than the separators.
- 0 is the neutral face and stands alone.

The separators are ``+``, a comma, a semicolon, ``/``, ``&``, "and" and a blank. Full-width signs and digits are read as
usual ones. frontend/static/js/labeler/coding/action-units.js reads the same; tests/unit/action_units.json holds for both.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from models_ml.formats.action_unit_grammar import ActionUnit, Choice, Fault, Term, read_terms
from models_ml.formats.plain_text import plain
from models_ml.formats.report import ImportReport

MAX_CHARACTERS = 200
_MOST_WARNINGS = 6  # of one text
_NONE = frozenset({"", "-", "–", "—", "none", "na", "n/a", "nan"})


def parse_action_units(text: str) -> list[Term]:
    """Return the units in ``text`` in the order written, without repeats.

    Raises ValueError with a message that names the first part that cannot be read and what is expected.

    >>> [str(term) for term in parse_action_units("4+l10, AU 12 or 14?")]
    ['4', 'L10', '(12 or 14?)']
    >>> parse_action_units("4+L10+smile")
    Traceback (most recent call last):
    ...
    ValueError: “smile” is not an action unit. Write numbers joined by +, for example 4+L10+R12A.
    """
    terms, faults = _read(text)
    if faults:
        raise ValueError(faults[0].message)
    return terms


def canonical(text: str) -> str:
    """Return ``text`` in the platform's form: units joined by ``+``. Raises ValueError as ``parse_action_units``.

    >>> canonical(" au4, 10l ")
    '4+L10'
    """
    return _join(parse_action_units(text))


def read_units(text: str) -> tuple[str, list[str]]:
    """Return the readable units in the platform's form, and a sentence for each part that is left out.

    >>> read_units("4+smile+R12A")
    ('4+R12A', ['“smile” is not an action unit. Write numbers joined by +, for example 4+L10+R12A.'])
    """
    terms, faults = _read(text)
    return _join(terms), [fault.message for fault in faults]


def import_units(text: str, report: ImportReport, **where: Any) -> str:
    """Return the readable units of a file in the platform's form, and warn of each part that is left out.

    ``where``: fields of ``Problem``, for example file and row.
    """
    units, problems = read_units(text)
    rest = f"Imported as {units}." if units else "Imported without action units."
    shown = problems[:_MOST_WARNINGS]
    if len(problems) > len(shown):
        shown.append(f"{len(problems) - len(shown)} more parts are not action units.")
    for problem in shown:
        report.warning("action-units-unreadable", f"{problem} {rest}", **{"column": "action_units", **where})
    return units


def canonical_if_readable(text: str) -> str:
    """Return ``text`` in the platform's form; unchanged if a part cannot be read. For texts that the platform stored."""
    units, problems = read_units(text)
    return text if problems else units


def are_units(text: str) -> bool:
    """Return whether a word of an annotation tool is meant as action units, also if FACS does not allow them.

    >>> are_units("AU12+25"), are_units("12E+12A"), are_units("happiness"), are_units("")
    (True, True, False, False)
    """
    terms, faults = _read(text)
    return bool(terms or faults) and all(fault.is_unit for fault in faults)


def certain_numbers(text: str) -> frozenset[int]:
    """Return the numbers of the units that the coder is sure of: what agreement between coders compares.

    Units with a question mark, in parentheses, of the reference or in a choice do not count; sides and intensities do not
    matter; 0 is not a unit.

    >>> sorted(certain_numbers("4+R10B+12?+(6 or 7)+ref(43)"))
    [4, 10]
    """
    return frozenset(term.number for term in _read(text)[0] if isinstance(term, ActionUnit) and term.certain)


def _read(text: str) -> tuple[list[Term], list[Fault]]:
    written = " ".join(plain(text).split())
    terms, faults = read_terms("" if written.lower() in _NONE else written)
    return _settle(terms, faults), faults


def _join(terms: Sequence[Term]) -> str:
    return "+".join(map(str, terms))


def _settle(terms: Sequence[Term], faults: list[Fault]) -> list[Term]:
    """Return the terms, each once, that do not contradict each other and can be stored."""
    same: dict[Any, list[Term]] = {}
    for term in terms:
        key = (term.number, term.prefix, term.reference) if isinstance(term, ActionUnit) else term
        if term not in same.setdefault(key, []):
            same[key].append(term)
    kept: list[Term] = []
    for written in same.values():
        # "12" says less than "12B", but nothing else.
        exact = [
            t for t in written if isinstance(t, Choice) or not any(_adds_intensity(o, t) for o in written)
        ]
        if len(exact) == 1:
            kept += exact
        else:
            listed = " and ".join(f"“{term}”" for term in exact)
            faults.append(Fault(f"{listed} contradict each other. Write the unit once.", is_unit=True))
    if len(kept) > 1 and any(isinstance(term, ActionUnit) and term.number == 0 for term in kept):
        faults.append(
            Fault("0 is the neutral face. Leave it out, or leave out the other units.", is_unit=True)
        )
        kept = [term for term in kept if not (isinstance(term, ActionUnit) and term.number == 0)]
    return _short(kept, faults)


def _adds_intensity(unit: Term, other: ActionUnit) -> bool:
    return unit != other and isinstance(unit, ActionUnit) and replace(unit, intensity="") == other


def _short(terms: list[Term], faults: list[Fault]) -> list[Term]:
    """Return the first of the terms, as many as can be stored."""
    length = -1
    for number, term in enumerate(terms):
        length += 1 + len(str(term))
        if length > MAX_CHARACTERS:
            faults.append(
                Fault(
                    f"The action units have more than {MAX_CHARACTERS} characters. Leave out “{term}” and what follows.",
                    is_unit=True,
                )
            )
            return terms[:number]
    return terms
