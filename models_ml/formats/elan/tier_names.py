"""What the names of ELAN's tiers mean: their role, and the word that a name gives to all annotations of its tier."""

import re
from dataclasses import dataclass

from models_ml.formats.spans import Role

_UNIT = re.compile(
    r"(?:(?:aus?|ad|action unit) ?(?P<before>[lrutb](?= ?\d))? ?|(?P<alone>[lr]|m(?=\d\d)))(?P<number>\d{1,2})"
    r"(?: ?(?P<after>l|r|left|right))?"
)
_KINDS = re.compile(r"(?:(?P<micro>me|mes|micro ?expressions?)|(?P<macro>mae|maes|macro ?expressions?))")
_ROLES: tuple[tuple[str, Role], ...] = (
    (r"phase", "phase"),
    (r"\bkind\b|\btype\b|^micro$|^macro$|micro ?macro|\bmicro or macro\b", "kind"),
    (r"emotion|\bemo\b|label|\baffect\b", "emotion"),
    (r"expression|\bexprs?\b|\bfe\b", "expression"),
    (r"\baus?\b|action ?units?|\bfacs\b", "unit"),
    (r"\bmissing\b", "missing"),
)


@dataclass(frozen=True)
class TierName:
    """What a tier's name says.

    ``unit`` is the action unit of a tier for one unit, whose texts are intensities. ``word`` is the phase or the kind of all
    annotations of the tier.
    """

    role: Role
    word: str = ""
    unit: str = ""


def read_tier_name(title: str) -> TierName | None:
    """Return what a tier's name says, without "@coder" and "#2"; None if the tier does not describe expressions.

    >>> read_tier_name("Apex"), read_tier_name("speech")
    (TierName(role='phase', word='apex', unit=''), None)
    >>> [read_tier_name(name).unit for name in ("AU4", "AU 12", "AU10_L", "R12", "au_l14")]
    ['4', '12', 'L10', 'R12', 'L14']
    >>> [read_tier_name(name).role for name in ("Expr", "ME", "Micro-expression", "ME_AU", "Emotion", "Expression type")]
    ['expression', 'expression', 'expression', 'unit', 'emotion', 'kind']
    """
    plain = re.sub(r"[_\W]+", " ", title.lower()).strip()
    if plain in ("onset", "apex", "offset"):
        return TierName("phase", word=plain)
    if unit := _UNIT.fullmatch(plain):
        side = unit["before"] or unit["alone"] or (unit["after"] or "")[:1]
        return TierName("unit", unit=f"{side.upper()}{int(unit['number'])}")
    if kind := _KINDS.fullmatch(plain):
        return TierName("expression", word=str(kind.lastgroup))
    return next((TierName(role) for pattern, role in _ROLES if re.search(pattern, plain)), None)
