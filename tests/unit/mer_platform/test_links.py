"""Addresses of rows in the API."""

import pytest
from django.urls import reverse, set_script_prefix

from mer_platform.rest.links import address_of


@pytest.mark.parametrize(
    ("route", "arguments"),
    [
        ("clip-detail", {"pk": 7}),
        ("clip-detail", {"pk": 10**12}),
        ("project-member-detail", {"project_pk": 3, "pk": 31}),
        ("clip", {"slug": "a-lab", "pk": 0}),
        ("clip-detail", {"pk": "7"}),
    ],
)
def test_an_address_is_what_reverse_returns(route, arguments):
    for _ in range(2):
        assert address_of(route, arguments) == reverse(route, kwargs=arguments)


def test_an_address_follows_the_prefix_under_which_the_platform_is_served():
    before = address_of("clip-detail", {"pk": 7})
    set_script_prefix("/mer/")
    try:
        assert address_of("clip-detail", {"pk": 7}) == f"/mer{before}"
    finally:
        set_script_prefix("/")
