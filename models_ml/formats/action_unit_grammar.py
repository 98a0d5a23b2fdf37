"""The signs of facial action units and how they are put together: see action_units.py, which explains them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

Prefix = Literal["", "L", "R", "U", "A", "T", "B", "M"]

# Main codes, head and eye positions, miscellaneous actions and gross behaviours; 0 is the neutral face.
NUMBERS = frozenset({0, 1, 2, *range(4, 47), *range(50, 75), 80, 81, 82, 83, 84, 85, 91, 92, 97, 98})
LIPS = frozenset({8, 18, 22, 23, 24, 28, 32, 37})  # T and B: only one of the lips
MOVEMENTS = frozenset({55, 56, 57, 59, 60, 61, 62, 68, 69, 83})
ONLY_MOVEMENTS = frozenset({59, 60, 83})  # FACS knows these numbers only with their M

_QUOTED = 60  # characters of a text in a message
_DEEPEST = 4  # parentheses in parentheses
_SIGN = re.compile(
    r"(?P<between>[+,;/&、]|and\b)|(?P<or>or\b)|(?P<doubt>\( ?\?+ ?\)|\?+)|(?P<open>\()|(?P<ref>ref ?\()|(?P<close>\))",
    re.IGNORECASE | re.ASCII,
)
# Letters that stand apart from the number belong to it only if no other number follows: "12 B", but not "12 B 4".
_END = r"(?=$|[ +,;/&、()?]|A[UD])"
_UNIT = re.compile(
    r"(?P<ref>ref ?)?(?:A[UD] ?)?(?P<before>[LRUATBM](?= ?[0-9]))?(?P<gap> ?)(?P<number>[0-9]{1,3})"
    rf"(?: (?=[LRUTA-E])(?P<after2>[LRUT])?(?P<least2>[A-E])?(?: ?/ ?(?P<most2>[A-E]))?{_END}(?! ?[0-9])"
    r"|(?P<after>[LRUT])?(?P<least>[A-E])?"
    rf"(?:(?:/| ?/ ?(?=[A-E](?! ?[0-9])))(?P<most>[A-E]))?{_END}|{_END})",
    re.IGNORECASE | re.ASCII,
)
_UNREADABLE = re.compile(r".+?(?= ?(?:[+,;/&、()]|\b(?:and|or)\b|$))", re.IGNORECASE | re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class ActionUnit:
    """One unit: its number and the signs around it. ``intensity``: "", a letter, or two ("A/B")."""

    number: int
    prefix: Prefix = ""
    intensity: str = ""
    doubtful: bool = False
    set_aside: bool = False
    reference: bool = False

    def __str__(self) -> str:
        text = f"{self.prefix}{self.number}{self.intensity}"
        text = f"ref({text})" if self.reference else text
        text = f"{text}?" if self.doubtful else text
        return f"({text})" if self.set_aside else text

    @property
    def certain(self) -> bool:
        """Whether the coder states that the expression shows this unit."""
        return self.number != 0 and not (self.doubtful or self.set_aside or self.reference)


@dataclass(frozen=True)
class Choice:
    """Units of which the expression shows one; the coder does not know which."""

    options: tuple[ActionUnit, ...]

    def __str__(self) -> str:
        return f"({' or '.join(map(str, self.options))})"


Term = ActionUnit | Choice


@dataclass(frozen=True)
class Fault:
    """Why a part is left out. ``is_unit``: it has the form of a unit."""

    message: str
    is_unit: bool = False


@dataclass(frozen=True)
class _Token:
    """``kind``: unit, unreadable, between, or, doubt, open, ref (an opening parenthesis after "ref"), close."""

    kind: str
    start: int
    end: int
    match: re.Match[str] | None


def read_terms(text: str) -> tuple[list[Term], list[Fault]]:
    """Return the units in a text of usual signs as written, also repeated ones, and what is left out."""
    parser = _Parser(text, list(_tokens(text)))
    return parser.sequence(0), parser.faults


def _tokens(text: str) -> Iterator[_Token]:
    at, after_unit = 0, False
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        kind = "unreadable"
        if match := _SIGN.match(text, at):
            kind = str(match.lastgroup)
        elif match := _UNIT.match(text, at):
            # In "12 A 4", the A may belong to either number.
            kind = "unreadable" if after_unit and match["before"] and match["gap"] else "unit"
        end = (match or _UNREADABLE.match(text, at)).end()  # type: ignore[union-attr]  # it matches any character
        yield _Token(kind, at, end, match)
        at, after_unit = end, kind == "unit"


@dataclass
class _Parser:
    text: str
    tokens: list[_Token]
    faults: list[Fault] = field(default_factory=list)
    at: int = 0

    def sequence(self, depth: int) -> list[Term]:
        """Return the terms up to the end or, in parentheses, up to the closing one, which stays."""
        terms: list[Term] = []
        while self._next not in ("end", "close") or (self._next == "close" and not depth):
            if self._next == "between":
                self.at += 1
                continue
            first, faults = self.at, len(self.faults)
            found = [] if self._next == "or" else self._term(depth)
            terms += self._choice(found, first, faults, depth) if self._next == "or" else found
        return terms

    @property
    def _next(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else "end"

    def _written(self, first: int) -> str:
        """Return the text from this token to the last one that was read, for a message."""
        return _short(self.text[self.tokens[first].start : self.tokens[self.at - 1].end])

    def _choice(self, option: list[Term], first: int, faults: int, depth: int) -> list[Term]:
        """Return units joined by "or" as one term; ``option`` is the first of them, at token ``first``."""
        found = [option]
        while self._next == "or":
            self.at += 1
            ends = self._next in ("end", "between", "or", "close")
            found.append([] if ends else self._term(depth))
        if len(self.faults) == faults and all(len(terms) == 1 for terms in found):
            options = [unit for terms in found for unit in _options(terms[0])]
            plain = tuple(dict.fromkeys(replace(unit, set_aside=False) for unit in options))
            return [Choice(plain) if len(plain) > 1 else plain[0]]
        # 6 alone must not remain of "6 or smile": the coder did not state it.
        del self.faults[faults:]
        self.faults.append(
            Fault(
                f"“{self._written(first)}” is not a choice between action units. Write one unit on each side of “or”, "
                "for example 6 or R12."
            )
        )
        return []

    def _term(self, depth: int) -> list[Term]:
        """Return the unit or parentheses that start here, with the question marks that follow."""
        first, token = self.at, self.tokens[self.at]
        self.at += 1
        if token.kind == "unit" and token.match:
            found = self._unit(token.match)
        elif token.kind in ("open", "ref"):
            found = self._parentheses(first, depth)
        else:
            found = []
            self.faults.append(Fault(self._unreadable(token)))
        while self._next == "doubt":
            self.at += 1
            found = [_marked(term, doubtful=True) for term in found]
        return found

    def _unreadable(self, token: _Token) -> str:
        written = _short(self.text[token.start : token.end])
        if token.kind == "close":
            return f"“{written}” closes no parenthesis. Write “(” before it, or leave it out."
        if token.kind == "doubt":
            return f"“{written}” follows no action unit. Write it after a number, for example 12?."
        return f"“{written}” is not an action unit. Write numbers joined by +, for example 4+L10+R12A."

    def _parentheses(self, first: int, depth: int) -> list[Term]:
        faults = len(self.faults)
        inner = self.sequence(depth + 1) if depth < _DEEPEST else []
        if self._next != "close":
            self.at = len(self.tokens)
            del self.faults[faults:]
            self.faults.append(
                Fault(
                    f"Cannot read the parentheses of “{self._written(first)}”. Write one pair around a unit, "
                    "for example (12)."
                )
            )
            return []
        self.at += 1
        if self.tokens[first].kind == "ref":
            return [_marked(term, reference=True) for term in inner]
        return [replace(term, set_aside=True) if isinstance(term, ActionUnit) else term for term in inner]

    def _unit(self, match: re.Match[str]) -> list[Term]:
        letters = {
            name: (match[name] or match[f"{name}2"] or "").upper() for name in ("after", "least", "most")
        }
        before, number = (match["before"] or "").upper(), int(match["number"])
        wrong = _wrong(number, before, letters)
        if wrong:
            self.faults.append(Fault(wrong.format(written=f"“{match[0]}”"), is_unit=number < 100))
            return []
        prefix = before or letters["after"]
        if prefix == "B" and number not in LIPS:
            prefix = ""
        if number in ONLY_MOVEMENTS:
            prefix = "M"
        intensity = "/".join(sorted({letters["least"], letters["most"]} - {""}))
        return [ActionUnit(number, prefix, intensity, reference=bool(match["ref"]))]  # type: ignore[arg-type]


def _wrong(number: int, before: str, letters: dict[str, str]) -> str:
    """Return what FACS does not allow in a unit, with a place for the unit as written; "" if nothing."""
    prefix = before or letters["after"]
    if number not in NUMBERS:
        return f"FACS has no action unit {number} ({{written}})."
    if before and letters["after"]:
        return "{written} names two sides. Write one of them before the number, for example L10."
    if letters["most"] and not letters["least"]:
        return "{written} has only one of two intensities. Write both, for example 10A/B."
    if number == 0 and (prefix or letters["least"]):
        return "{written} has a side or an intensity, but 0 is the neutral face. Write 0."
    if prefix == "T" and number not in LIPS:
        return f"{{written}}: T is only for units of the lips ({_listed(LIPS)}). Leave out the T."
    if prefix == "M" and number not in MOVEMENTS:
        return f"{{written}}: M is only for movements of the head or eyes ({_listed(MOVEMENTS)}). Leave out the M."
    if number in ONLY_MOVEMENTS and prefix not in ("", "M"):
        return f"{{written}}: {number} is a movement of the head or eyes. Write M{number}."
    return ""


def _short(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _options(term: Term) -> tuple[ActionUnit, ...]:
    return term.options if isinstance(term, Choice) else (term,)


def _marked(term: Term, *, doubtful: bool = False, reference: bool = False) -> Term:
    """Return a term with these signs added to each of its units."""
    units = tuple(
        replace(unit, doubtful=unit.doubtful or doubtful, reference=unit.reference or reference)
        for unit in _options(term)
    )
    return Choice(units) if isinstance(term, Choice) else units[0]
