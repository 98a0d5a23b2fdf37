"""Durations as people read them."""


def duration_in_words(seconds: float) -> str:
    """Return a duration rounded to a unit that suits it.

    >>> [duration_in_words(seconds) for seconds in (0.4, 45, 600, 7200, 300_000)]
    ['less than a second', 'about 45 s', 'about 10 min', 'about 2 h', 'about 3 days']
    """
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 5400:
        return f"about {seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"about {seconds / 3600:.0f} h"
    return f"about {seconds / 86_400:.0f} days"
