"""What this machine offers to tests: PostgreSQL, Redis and Chromium."""

import os
import shutil

import psycopg
import redis

DATABASE_URL = "postgres://postgres@127.0.0.1:5432/postgres"
REDIS_URL = "redis://127.0.0.1:6379/15"
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
# Hides newer instructions from PyTorch's own kernels, oneDNN and numba. Their kernels for such a CPU are others, with other
# faults. No effect where there are none to hide.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
}


def all_required() -> bool:
    """Return whether a missing requirement is a failure, as in CI, or is skipped."""
    return os.environ.get("MER_REQUIRE_ALL") == "1"


def service_addresses() -> dict[str, str]:
    """Return DATABASE_URL and REDIS_URL of servers in which tests may create and empty databases."""
    return {
        "DATABASE_URL": os.environ.get("MER_TEST_DATABASE_URL") or DATABASE_URL,
        "REDIS_URL": os.environ.get("MER_TEST_REDIS_URL") or REDIS_URL,
    }


def absent_services() -> list[str]:
    """Return the names of the servers that do not answer."""
    addresses = service_addresses()
    absent = []
    try:
        psycopg.connect(addresses["DATABASE_URL"], connect_timeout=3).close()
    except psycopg.OperationalError:
        absent.append("PostgreSQL")
    try:
        with redis.Redis.from_url(addresses["REDIS_URL"], socket_connect_timeout=3) as client:
            client.ping()
    except redis.ConnectionError:
        absent.append("Redis")
    return absent


def unused_redis(url: str) -> str:
    """Return the URL of an empty database on this Redis server, now taken. Raises LookupError if there is none."""
    base, _, _ = url.rpartition("/")
    for number in range(14, 0, -1):
        with redis.Redis.from_url(f"{base}/{number}") as client:
            # Others look for one at the same time. Emptying the database returns it.
            if not client.dbsize() and client.set("taken-by-tests", "1", nx=True):
                return f"{base}/{number}"
    raise LookupError(f"no database of {base} is empty: flush one of 1 to 14")


def find_chromium() -> str | None:
    named = os.environ.get("MER_CHROMIUM")
    return named or next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
