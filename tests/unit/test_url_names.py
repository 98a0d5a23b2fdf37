"""No two addresses share a name with different arguments: a link would lead to the one that was registered last."""

from collections import defaultdict

from django.urls import URLPattern, URLResolver, get_resolver


def named(resolver: URLResolver, found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the addresses by name: those of the API without the ending that names a format."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            named(pattern, found)
        elif isinstance(pattern, URLPattern) and pattern.name and "format" not in str(pattern.pattern):
            found[pattern.name].add(pattern.lookup_str + str(sorted(pattern.pattern.converters)))
    return found


def test_each_name_of_an_address_belongs_to_one_view() -> None:
    shared = {
        name: views for name, views in named(get_resolver(), defaultdict(set)).items() if len(views) > 1
    }
    assert shared == {}
