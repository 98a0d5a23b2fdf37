"""The check of words: what it finds, what it leaves alone, and that STYLE.md shows its list."""

import textwrap

import pytest

from tests.lint_words import STYLE, check, with_table


def words(source: str, path: str = "module.py") -> list[tuple[int, str]]:
    return [(found.line, found.words) for found in check(path, textwrap.dedent(source))]


@pytest.mark.parametrize(
    "text",
    [
        "Computed anew",
        "The workers are told",
        "Changed meanwhile",
        "anna codes no more",
        "The import goes on",
        "Nothing more begins",
        "whatever the threads",
        "The sample lacks an apex",
        "two files that lack a mark",
        "Nobody codes it",
        "one clip a subject",
        "a row a coder",
        "10 bytes a frame",
        "once a request",
        "a file that is no video",
        "all but for the last",
        "the piece in hand",
        "Look whether it answers",
        "for example e.g. this",
        "Log in again",
        "The colors differ",
    ],
)
def test_words_to_avoid_are_found_in_a_string(text):
    assert words(f"message = {text!r}\n")


@pytest.mark.parametrize(
    "text",
    [
        "no more than ten",
        "It begins with a header row",
        "Click on the clip",
        "Gives a clip a name",
        "twice a year",
        "a good deal of noise",
        "The key is `told`",
        "Deal with the rest",
        "three marks a frame apart",
        "prefers-color-scheme",
        "there is no video",
        "no larger than ten",
        "the weights are those of Rec. 601",
    ],
)
def test_plain_english_is_left_alone(text):
    assert words(f"message = {text!r}\n") == []


def test_a_phrase_is_found_across_lines_of_comments_and_strings():
    source = """
        # The platform is no
        # more than a page, and it goes
        # on.
        text = f"the {clip} goes "
        more = (
            "One clip "
            "a subject."
        )
    """
    assert words(source) == [(3, "goes on"), (7, "One clip a subject")]


def test_code_is_no_text():
    source = '''
        def find(row: dict[str, str]) -> str:
            """Return ``told``, as `anew` gives it."""
            return row["told"] + f"{row['meanwhile']} of them"
    '''
    assert words(source) == []


def test_names_are_checked_where_they_are_defined():
    source = """
        class _Teller:
            TOLD_SECONDS = 1
            def look_into(self, begun): ...
        found.told = told(clips_a_subject)
    """
    assert words(source) == [
        (2, "_Teller"),
        (3, "TOLD_SECONDS"),
        (4, "begun"),
        (4, "look_into"),
        (5, "told"),
    ]


def test_a_name_is_reported_once_in_a_file():
    assert words("told = 1\ntold = 2\n") == [(1, "told")]


def test_scripts_are_read_without_their_code():
    source = """
        /** Draws the
         * clip anew. @param {Told} row */
        const key = "anew", label = "Anew", text = `${anew} again`;
    """
    assert words(source, "labeler.js") == [(3, "anew"), (4, "Anew")]


def test_templates_are_read_without_their_tags():
    source = """
        {% if told %}<p id="told">{{ begun }} was begun</p>{% endif %}
        <input aria-invalid="true" href="{% url 'login' %}">
    """
    assert words(source, "page.html") == [(2, "begun")]


def test_documents_are_read_without_their_code():
    source = """
        Run it anew:

        ```
        told = anew
        ```
    """
    assert words(source, "docs/page.md") == [(2, "anew")]


def test_the_style_guide_shows_the_list():
    style = STYLE.read_text()
    assert style == with_table(style)
