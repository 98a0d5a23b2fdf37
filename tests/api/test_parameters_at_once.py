"""What operations take is read from their description by many requests at once, right after a start."""

from concurrent.futures import ThreadPoolExecutor

from django.urls import resolve

from mer_platform.rest import parameters

PATHS = ["/api/v1/clips/", "/api/v1/runs/", "/api/v1/experiments/", "/api/v1/annotations/", "/api/v1/models/"]


def test_threads_that_ask_at_once_get_the_same():
    asked = [(resolve(path), method) for path in PATHS for method in ("GET", "POST")]
    alone = [parameters.taken_by(match.func, match.route, method) for match, method in asked]
    parameters._described.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: parameters.taken_by(one[0].func, one[0].route, one[1]), asked * 8))
    for index, taken in enumerate(found):
        assert vars(taken) == vars(alone[index % len(asked)])
