"""The Celery application and its one message: a job is due in this queue.

Web processes send the message; ``workers`` registers the task that receives it. The broker is Redis if ``REDIS_URL`` is
set, otherwise files in the data folder.
"""

import logging
from typing import Any

from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from mer_platform.jobs import filesystem
from mer_platform.jobs.publishing import REQUEST_PATIENCE_SECONDS, Publisher

log = logging.getLogger(__name__)
publisher = Publisher()

WORK = "mer.work"
UPKEEP = "mer.upkeep"
QUEUES = ("ingest", "features", "training", "scoring")  # any worker serves these
GPU_QUEUE = "gpu"  # training on a GPU
WEBHOOK_QUEUE = "webhooks"  # requests to other programs, served by a light process of its own


def broker_settings() -> dict[str, Any]:
    if settings.REDIS_URL:
        return {
            "broker_url": settings.REDIS_URL,
            "broker_transport_options": {
                "socket_timeout": 5,
                "socket_connect_timeout": 5,
                "global_keyprefix": settings.REDIS_PREFIX,
            },
        }
    root = settings.DATA_DIR / "broker"
    for folder in ("messages", "processed", "control"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": f"{filesystem.SCHEME}://localhost//",
        "broker_transport_options": {
            "data_folder_in": str(root / "messages"),
            "data_folder_out": str(root / "messages"),
            "processed_folder": str(root / "processed"),
            "control_folder": str(root / "control"),
            "store_processed": False,
            "polling_interval": 0.05,  # half of it is what a job waits for on average, once per STAY_SECONDS
        },
    }


app = Celery("mer_platform", set_as_current=True)
app.conf.update(
    **broker_settings(),
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    # A message is only a hint and is acknowledged on receipt. The job's row is what survives a killed worker.
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    task_default_queue="upkeep",
    task_create_missing_queues=True,
    beat_schedule={
        "upkeep": {"task": UPKEEP, "schedule": settings.UPKEEP_SECONDS, "options": {"queue": "upkeep"}}
    },
    beat_schedule_filename=str(settings.DATA_DIR / "celerybeat-schedule"),
    timezone="UTC",
)


def be_quick() -> None:
    """Prepare a process in which people wait: load what sends now, and later wait only briefly for the broker."""
    app.finalize()
    app.connection_for_write().transport  # noqa: B018 - loads the library of the broker, and opens no connection
    publisher.patience = REQUEST_PATIENCE_SECONDS


def announce(queue: str) -> bool:
    """Announce to the workers of a queue that a job is due; the worker that receives the message claims the next job.

    Return False if the broker does not answer soon. No job is lost: upkeep announces it again.
    """
    try:
        publisher.send(lambda: app.send_task(WORK, args=[queue], queue=queue, retry=False))
    except (OperationalError, OSError) as error:
        log.warning("cannot announce a job in the queue %s (%s); upkeep will announce it", queue, error)
        return False
    return True
