"""Signs that look like nothing or like a usual sign, as copied texts and other keyboards have them."""

# Never part of a name, unlike the zero-width joiners; the ranges are marks of the writing direction.
_INVISIBLE = dict.fromkeys(
    (0x00AD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
)
# As East Asian keyboards type digits and signs.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def plain(value: object) -> str:
    """Return a value as text without invisible characters and full-width signs; not for names, which may contain them.

    >>> plain("４＋Ｌ１０"), plain("４６")
    ('4+L10', '46')
    """
    return str(value).translate(_INVISIBLE | _FULL_WIDTH)


def visible(text: str) -> str:
    """Return a text without invisible characters."""
    return text.translate(_INVISIBLE)
