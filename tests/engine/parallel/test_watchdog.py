"""The bound of a wait: it counts from the beginning of each, grows with the usual time, and can be left out."""
import threading
import time

import pytest

from light_head_rcnn.engine.parallel.watchdog import Watchdog

LONG = 60  # seconds in which even a busy machine notices that a bound is crossed


class Ends:
    """The messages of a watchdog that thinks that it ends the process."""

    def __init__(self):
        self.messages, self._there = [], threading.Event()

    def end(self, message):
        self.messages.append(message)
        self._there.set()

    def wait(self):
        assert self._there.wait(LONG)


@pytest.fixture
def ends():
    return Ends()


def test_a_wait_that_is_too_long_ends_the_process(ends):
    with Watchdog(0.05, ends.end).watch("step 3"):
        ends.wait()
    assert len(ends.messages) == 1 and ends.messages[0].startswith("step 3 has not ended within 0 s")


def test_waits_that_are_short_enough(ends):
    watchdog = Watchdog(1, ends.end)
    for number in range(4):
        with watchdog.watch(f"step {number}"):
            time.sleep(0.35)
    time.sleep(1.1)  # nothing is waited for here
    with watchdog.watch("a test", usual=0.5):
        time.sleep(1.3)
    assert ends.messages == []


def test_an_inner_wait_gives_way_to_the_outer_one(ends):
    watchdog = Watchdog(1, ends.end)
    with watchdog.watch("outer"):
        with watchdog.watch("inner"):
            pass
        ends.wait()
    assert [message.split()[0] for message in ends.messages] == ["outer"]


def test_no_bound(ends):
    with Watchdog(0, ends.end).watch("step 1"):
        time.sleep(0.05)
    assert ends.messages == []


def test_steps_may_take_ten_times_as_long_as_the_latest_ones(ends):
    watchdog = Watchdog(0.3, ends.end)
    with watchdog.watch_step(1):
        time.sleep(0.7)  # of 3.3
    for number in range(2, 9):
        with watchdog.watch_step(number):
            pass
    assert ends.messages == []
    with watchdog.watch_step(9):
        ends.wait()
    assert [message.split(" has")[0] for message in ends.messages] == ["step 9"]
