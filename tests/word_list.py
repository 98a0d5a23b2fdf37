"""The words that this project avoids, and what it writes instead; STYLE.md shows them as a table."""

import re
from dataclasses import dataclass
from functools import cached_property

# What work, files and marks are counted by; "a frame a second" and "twice a day" are plain English.
UNIT = (
    "annotation attempt axis bar batch bin bucket button cell channel class clip cluster coder coding "
    "colour column configuration core database day device document entry epoch experiment expression "
    "field figure file fold folder frame group host image import job key kind label layer level line "
    "machine mark marking member message metric module name network node object page pair part person "
    "picture pixel place point process project queue question region request row rule run sample seed "
    "setting sheet side stage state step subject table task term test thread unit user value version "
    "video voice window word worker"
).replace(" ", "|")
NOUN = r"(?!(?:of|is|on|to|for|in|at|as|with|by|and|or|from) )[a-z-]+"
TWO_OBJECTS = r"(?<!\bgive\s)(?<!\bgives\s)(?<!\bgave\s)(?<!\bask\s)(?<!\basks\s)(?<!\bcalls\s)(?<!\bmakes\s)(?<!\btakes\s)"


@dataclass(frozen=True)
class Rule:
    """Words to avoid: ``pattern`` finds them in texts in lower case, ``name`` as a part of a name in snake case."""

    avoid: str
    instead: str
    pattern: str
    name: str = ""
    only_shown: bool = False  # in what users see, not in comments and docstrings

    @cached_property
    def in_text(self) -> re.Pattern[str]:
        return re.compile(self.pattern.replace(" ", r"\s+"))

    @cached_property
    def in_name(self) -> re.Pattern[str] | None:
        return re.compile(rf"(?:^|_)(?:{self.name})(?:_|$)") if self.name else None


RULES = [
    Rule("anew", "again", r"\banew\b", "anew"),
    Rule(
        "tell, told",
        "show, report, say; distinguish (for *tell apart*)",
        r"\b(tell|tells|told|telling)\b",
        "tells|told|teller",
    ),
    Rule("mend, mended", "fix, fixed", r"\bmend(s|ed|ing)?\b", "mend|mended"),
    Rule("meanwhile", "since then, in the meantime (or leave it out)", r"\bmeanwhile\b", "meanwhile"),
    Rule("no more, any more", "no longer", r"\bno more\b(?! than| [a-z]+s\b)|\bany ?more\b(?! than)"),
    Rule(
        "goes on, go on",
        "continues, continue",
        r"\b(go|goes|going|went|gone) on\b(?! (the|top|a|its own|disk|one|both)\b)",
    ),
    Rule(
        "begun; begin (of work)",
        "started; start",
        r"\bbegun\b|\b(jobs?|runs?|folds?|tasks?|experiments?|training|imports?|work|workers?|nothing|nothing more|checks?)"
        r"( that| which)?( has| have| will| can| may| does| do)?( not)? (begins?|began)\b(?! with)",
        "begun",
    ),
    Rule(
        "whatever, whoever, wherever",
        "any, anyone, anywhere; rewrite the sentence",
        r"\b(whatever|whoever|whomever|wherever|whosever)\b",
        "whatever|whoever|wherever",
    ),
    Rule("likewise", "also", r"\blikewise\b", "likewise"),
    Rule(
        "lacks, lacking",
        "is missing, does not have",
        r"\black(s|ing|ed)\b|\b(that|which|who|or|and|they|we|you|it|not|to|may|still) lack\b|\black (a|an|any|the)\b",
    ),
    Rule(
        "somebody, nobody",
        "someone, no one; better: name the role",
        r"\b(some|no|any)body\b",
        "somebody|nobody|anybody",
    ),
    Rule("at work", "running", r"\bat work\b", "at_work"),
    Rule(
        "deal, dealt (of work)",
        "assign, assigned",
        r"\b(dealt|deals?|dealing)\b(?! with)(?<!good\sdeal)(?<!great\sdeal)",
        "deal|dealt",
    ),
    Rule(
        "a fold a subject, once a request",
        "one fold per subject, once per request",
        rf"{TWO_OBJECTS}\b(an?|one|two|three|four|five|[0-9]+|several|many) {NOUN} an? ({UNIT})\b(?! apart)"
        rf"|\b(once|one|twice|ones) an? ({UNIT})\b"
        rf"|\b(seconds|bytes|pixels|clips|folds|times|seeds|samples|rows|frames|lines|points|annotations) an? ({UNIT})\b",
        rf"(?<![a-z0-9]_)([a-z]+s|once|one_[a-z]+|[a-z]+_once)_an?_({UNIT})$",
    ),
    Rule(
        "the one … the other",
        "repeat the noun",
        r"\bthe one\b[^.;:\0]{1,60}\bthe other\b",
    ),
    Rule(
        "what is no video",
        "what is not a video",
        r"(?<!there\s)\b(is|are|was|were) no (?!longer\b|more\b|one\b|less\b|such\b|way\b|need\b|[a-z]+er than)[a-z]+",
    ),
    Rule("user name", "username", r"\buser names?\b", "user_name"),
    Rule("but for", "except for", r"\bbut for\b"),
    Rule("in vain", "without effect", r"\bin vain\b", "in_vain"),
    Rule("beside, besides", "next to; also, apart from", r"\bbesides?\b", "beside|besides"),
    Rule(
        "hand out, hand in", "provide, submit", r"\b(?<!by\s)hand(s|ed|ing)? (out|in)\b", "hand_out|hand_in"
    ),
    Rule("held against", "compared with", r"\b(held|hold|holds|holding)( \w+)? against\b", "held_against"),
    Rule(
        "look into, look whether",
        "check",
        r"\blook(s|ed|ing)? (into|whether|if)\b",
        "look_into|looks_into|look_whether",
    ),
    Rule(
        "thereby, therein, whereof, hitherto",
        "rewrite the sentence",
        r"\b(there|where)(by|in|of|upon|with|at|to|from)\b|\bhitherto\b|\bhence(forth)?\b|\bthus\b",
        "thereby|therein|whereof|whereupon|hitherto",
    ),
    Rule(
        "upon, amid, amongst, whilst, lest, shall",
        "on, in, among, while, so that … not, will",
        r"\b(upon|amid|amidst|amongst|whilst|lest|shall|unto|ere|aught|nought)\b",
    ),
    Rule(
        "heed, heeds, heedless", "follow, obey, use; regardless of", r"\bheed(s|ed|ing|less)?\b", "heed|heeds"
    ),
    Rule("seldom", "rarely", r"\bseldom\b", "seldom"),
    Rule("of its own accord", "by itself, automatically", r"\bof (its|their|his) own accord\b"),
    Rule("in hand, at hand", "current; available", r"\b(in|at) hand\b", "in_hand|at_hand"),
    Rule("another's, the like", "someone else's; similar", r"\banother[’']s\b|\b(and|or) the like\b"),
    Rule("heard of (a process)", "seen, connected", r"\bheard (of|from)\b"),
    Rule("there where", "where", r"\bthere,? where\b"),
    Rule("some minutes, some seconds", "a few minutes, a few seconds", r"\bsome (minutes|seconds|hours)\b"),
    Rule("e.g., i.e.", "for example, that is", r"\b(e\.g|i\.e)\b"),
    Rule(
        "log in, log out",
        "sign in, sign out",
        r"\blog(s|ged|ging)? (in|out)\b(?! (the|a|detail)\b)|(?<!-)\blogins?\b(?!-)",
    ),
    Rule(
        "invalid, illegal, please, sorry",
        "say what was expected and what was given",
        r"(?<![-:])\b(invalid|illegal|please|sorry|oops)\b(?! cross-device| next size)",
        only_shown=True,
    ),
    Rule(
        "color, behavior, normalize, canceled",
        "colour, behaviour, normalise, cancelled",
        r"(?<![-/])\b(colors?|colored|behaviors?|(normal|organ|recogn|summar|visual|initial|synchron|minim|maxim)iz(e|es|ed|ing|ation)"
        r"|analyz(e|es|ed|ing)|cancel(ed|ing)|favorites?)\b(?![-/])(?<!nonverbal\sbehavior)",
    ),
]
