"""What the names of ELAN's tiers mean: their role, and the word that a name gives to all annotations of its tier."""

import re
from dataclasses import dataclass

from models_ml.formats.spans import Role

# Only with AU or AD: "L1" and "R2" are usual names of tiers for languages and speakers.
_UNIT = re.compile(
    r"(?:aus?|ad|action unit) ?(?P<before>[lrutb](?= ?\d))? ?(?P<number>\d{1,2})(?: ?(?P<after>l|r|left|right))?"
)
# What a tier says about an expression or its stimulus, but not which expression, emotion or unit it is.
_REMARKS = re.compile(
    r"intensity|strength|valence|arousal|confidence|certainty|rating|comment|note|remark|stimul|induc|elicit|target|report"
)
_KINDS = re.compile(r"(?:(?P<micro>me|mes|micro ?expressions?)|(?P<macro>mae|maes|macro ?expressions?))")
_ROLES: tuple[tuple[str, Role], ...] = (
    (r"phase", "phase"),
    (r"emotion|\bemo\b|label|\baffect\b", "emotion"),
    (r"\bkind\b|\btype\b|^micro$|^macro$|micro ?macro|\bmicro or macro\b", "kind"),
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
    >>> [read_tier_name(name).unit for name in ("AU4", "AU 12", "AU10_L", "au_l14")]
    ['4', '12', 'L10', 'L14']
    >>> read_tier_name("R2"), read_tier_name("Emotion intensity")
    (None, None)
    >>> [read_tier_name(name).role for name in ("Expr", "ME", "Micro-expression", "ME_AU", "Emotion", "Expression type")]
    ['expression', 'expression', 'expression', 'unit', 'emotion', 'kind']
    """
    plain = re.sub(r"[_\W]+", " ", title.lower()).strip()
    if plain in ("onset", "apex", "offset"):
        return TierName("phase", word=plain)
    if unit := _UNIT.fullmatch(plain):
        side = unit["before"] or (unit["after"] or "")[:1]
        return TierName("unit", unit=f"{side.upper()}{int(unit['number'])}")
    if kind := _KINDS.fullmatch(plain):
        return TierName("expression", word=str(kind.lastgroup))
    if _REMARKS.search(plain):
        return None
    return next((TierName(role) for pattern, role in _ROLES if re.search(pattern, plain)), None)
