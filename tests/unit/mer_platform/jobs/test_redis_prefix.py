"""Several installations on one Redis: each with its own prefix of all keys."""

import os

import pytest
import redis
from kombu import Connection

from mer_platform.jobs.broker import broker_settings

ADDRESS = os.environ.get("REDIS_URL")


@pytest.mark.services
@pytest.mark.skipif(not ADDRESS, reason="needs Redis")
def test_all_keys_of_an_installation_begin_with_its_prefix(settings):
    settings.REDIS_URL, settings.REDIS_PREFIX = ADDRESS, "lab-of-the-test:"
    stated = broker_settings()
    server = redis.Redis.from_url(str(ADDRESS))
    before = set(server.keys())
    with Connection(stated["broker_url"], transport_options=stated["broker_transport_options"]) as connection:
        queue = connection.SimpleQueue("queue-of-the-test")
        queue.put({"due": 1})
        added = set(server.keys()) - before
        assert added
        assert all(key.startswith(b"lab-of-the-test:") for key in added)
        queue.get(timeout=5).ack()
        queue.close()
    server.delete(*added)
