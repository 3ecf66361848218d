"""The bound of a wait: it counts from the beginning of each, grows with the usual time, and can be left out."""
import time

from light_head_rcnn.engine.parallel.watchdog import Watchdog


def test_a_wait_that_is_too_long_ends_the_process():
    messages = []
    watchdog = Watchdog(0.05, messages.append)
    with watchdog.watch("step 3"):
        time.sleep(0.3)
    assert len(messages) == 1 and messages[0].startswith("step 3 has not ended within 0 s")


def test_waits_that_are_short_enough():
    messages = []
    watchdog = Watchdog(0.2, messages.append)
    for number in range(10):
        with watchdog.watch(f"step {number}"):
            time.sleep(0.05)
    time.sleep(0.3)  # nothing is waited for here
    with watchdog.watch("a test", usual=0.1):
        time.sleep(0.4)
    assert messages == []


def test_an_inner_wait_gives_way_to_the_outer_one():
    messages = []
    watchdog = Watchdog(0.2, messages.append)
    with watchdog.watch("outer"):
        with watchdog.watch("inner"):
            pass
        time.sleep(0.4)
    assert [message.split()[0] for message in messages] == ["outer"]


def test_no_bound():
    messages = []
    with Watchdog(0, messages.append).watch("step 1"):
        time.sleep(0.05)
    assert messages == []


def test_steps_may_take_ten_times_as_long_as_the_latest_ones():
    messages = []
    watchdog = Watchdog(0.05, messages.append)
    with watchdog.watch_step(1):
        time.sleep(0.3)  # of 0.55
    for number in range(2, 9):
        with watchdog.watch_step(number):
            pass
    assert messages == []
    with watchdog.watch_step(9):
        time.sleep(1.2)  # the mean of the latest steps is below 0.1
    assert [message.split(" has")[0] for message in messages] == ["step 9"]
