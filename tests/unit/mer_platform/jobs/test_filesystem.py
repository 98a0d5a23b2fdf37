"""The embedded broker with parallel writers and readers: every message arrives complete, exactly once."""

from concurrent.futures import ThreadPoolExecutor
from queue import Empty
from threading import Barrier, Event

import pytest
from kombu import Connection, Exchange, Queue

from mer_platform.jobs.filesystem import SCHEME

MESSAGES, WRITERS = 200, 4


@pytest.fixture
def connect(tmp_path):
    for folder in ("messages", "processed", "control"):
        (tmp_path / folder).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "processed_folder": str(tmp_path / "processed"),
        "control_folder": str(tmp_path / "control"),
    }
    return lambda: Connection(f"{SCHEME}://localhost//", transport_options=options)


def test_every_message_arrives_complete_and_once(connect):
    queue = Queue("work", Exchange("work"), routing_key="work")
    written = Event()

    def write(writer: int) -> None:
        with connect() as connection:
            producer = connection.Producer()
            for number in range(MESSAGES):
                producer.publish(
                    [writer, number], exchange=queue.exchange, routing_key="work", declare=[queue]
                )

    def read() -> list[tuple[int, int]]:
        got = []
        with connect() as connection:
            simple = connection.SimpleQueue(queue)
            while True:
                last = written.is_set()
                try:
                    message = simple.get_nowait()
                except Empty:
                    if last:
                        return got
                    continue
                got.append(tuple(message.payload))
                message.ack()

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for writer in [pool.submit(write, n) for n in range(WRITERS)]:
            writer.result()
        written.set()
        got = [pair for reader in readers for pair in reader.result()]
    assert sorted(got) == [(w, n) for w in range(WRITERS) for n in range(MESSAGES)]


def test_the_first_messages_of_several_threads_are_not_dropped(connect, tmp_path):
    for number in range(10):  # without the lock, three of four are dropped
        queue = Queue(f"first{number}", Exchange(f"first{number}"), routing_key="first")
        together = Barrier(4)

        def publish(queue: Queue = queue, together: Barrier = together) -> None:
            with connect() as connection:
                producer = connection.Producer()
                together.wait()
                producer.publish([], exchange=queue.exchange, routing_key="first", declare=[queue])

        with ThreadPoolExecutor(4) as pool:
            for written in [pool.submit(publish) for _ in range(4)]:
                written.result()
        assert len(list((tmp_path / "messages").glob(f"*.{queue.name}.msg"))) == 4


def test_queues_bound_at_the_same_moment_are_all_bound(connect):
    exchange = Exchange("shared", type="direct")

    def bind(number: int) -> None:
        with connect() as connection:
            Queue(f"queue{number}", exchange, routing_key="all")(connection.channel()).declare()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bind, range(16)))
    with connect() as connection:
        assert len(connection.channel().get_table("shared")) == 16
