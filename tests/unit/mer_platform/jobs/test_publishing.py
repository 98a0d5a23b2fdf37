"""A broker that is away delays no request."""

import threading

import pytest

from mer_platform.jobs.publishing import Publisher


def refuse() -> None:
    raise ConnectionRefusedError("connection refused")


def test_a_message_is_sent_before_send_returns():
    sent: list[int] = []
    Publisher().send(lambda: sent.append(1))
    assert sent == [1]


def test_after_a_refusal_the_broker_is_left_alone_for_a_while_and_then_tried_again():
    publisher = Publisher()
    with pytest.raises(ConnectionRefusedError):
        publisher.send(refuse)
    sent: list[int] = []
    for _ in range(100):
        with pytest.raises(ConnectionError, match="a moment ago"):
            publisher.send(lambda: sent.append(1))
    assert publisher.is_away()
    publisher._paused_until = 0
    publisher.send(lambda: sent.append(2))
    assert (sent, publisher.is_away()) == ([2], False)


def test_a_stalled_broker_costs_one_request_the_patience_and_the_next_ones_nothing():
    publisher, answer = Publisher(patience=0.02), threading.Event()
    with pytest.raises(ConnectionError, match=r"within 0\.02 s"):
        publisher.send(answer.wait)
    with pytest.raises(ConnectionError, match="a moment ago"):
        publisher.send(refuse)
    answer.set()
    publisher._thread.shutdown()  # waits until the message has arrived
    assert not publisher.is_away()


def test_threads_that_send_at_once_wait_in_line():
    publisher, sent = Publisher(patience=60), []
    threads = [
        threading.Thread(target=publisher.send, args=(lambda number=number: sent.append(number),))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == list(range(20))
