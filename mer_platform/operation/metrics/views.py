"""The address /metrics, for those whom MER_METRICS_TOKEN or MER_METRICS_FROM names."""

import os
from ipaddress import ip_address, ip_network
from secrets import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mer_platform.operation.metrics.requests import COUNTED
from mer_platform.operation.metrics.stored import Stored


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Return all metrics in Prometheus's text format. 404 for everyone who may not read them."""
    if not may_read(request):
        raise Http404
    counted = COUNTED
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    stored = CollectorRegistry()
    stored.register(Stored())
    return HttpResponse(generate_latest(counted) + generate_latest(stored), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """Return whether the request has the token, or comes from one of the networks.

    The address is the connection's own: a header can be written by anyone.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in ip_network(network) for network in settings.METRICS_FROM)
