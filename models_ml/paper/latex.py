"""Texts in LaTeX, as pdflatex can set them."""

import unicodedata

_LETTERS = "αβγδεζηθκλμνξπρστφχψωΔΘΛΣΦΨΩ"
_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "Delta Theta Lambda Sigma Phi Psi Omega"
)
_GREEK = {letter: f"$\\{name}$" for letter, name in zip(_LETTERS, _NAMES.split(), strict=True)}
_ESCAPED = {
    "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
    "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}", ">": "\\textgreater{}",
    "|": "\\textbar{}", '"': "\\textquotedbl{}", "\N{MINUS SIGN}": "$-$", "–": "--", "—": "---", "“": "``", "”": "''",
    "‘": "`", "’": "'", "…": "\\ldots{}", "×": "$\\times$", "±": "$\\pm$", "≤": "$\\leq$", "≥": "$\\geq$",
    "≠": "$\\neq$", "≈": "$\\approx$", "→": "$\\rightarrow$", "·": "$\\cdot$", "²": "$^2$", "³": "$^3$",
    "\N{NO-BREAK SPACE}": "~", "½": "$\\frac{1}{2}$", "µ": "$\\mu$", "°": "$^\\circ$", "\n": " ", "\t": " ", "\r": " ",
    "[": "{[}", "]": "{]}", "*": "{*}", **_GREEK,
}  # fmt: skip
_LAST_SET = 0x17F  # of Latin Extended-A, whose letters the font encoding T1 mostly has
_NOT_IN_T1 = set("ĦħĿŀŉŦŧĸſĐĲĳŊŋ¤¦ª¬­¯´¸¹º¼¾¨¢£¥©®¶")


def latex_text(text: str, unknown: set[str]) -> str:
    """Return a text with all signs escaped that LaTeX would read as a command.

    A sign that pdflatex cannot set is transliterated, or becomes a question mark and is added to ``unknown``.

    >>> latex_text("50% of “a_1” − é α", set())
    "50\\\\% of ``a\\\\_1'' $-$ é $\\\\alpha$"
    """
    return "".join(_sign(sign, unknown) for sign in unicodedata.normalize("NFC", text))


def _sign(sign: str, unknown: set[str]) -> str:
    if sign in _ESCAPED:
        return _ESCAPED[sign]
    if " " <= sign <= "~" or (sign >= "¡" and ord(sign) <= _LAST_SET and sign not in _NOT_IN_T1):
        return sign
    plain = "".join(c for c in unicodedata.normalize("NFKD", sign) if " " <= c <= "~")
    if plain:
        return "".join(_ESCAPED.get(c, c) for c in plain)
    if unicodedata.category(sign)[0] in "CM":
        return ""
    unknown.add(sign)
    return "?"
