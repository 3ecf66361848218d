"""How processes ended, in words: those of Python and of shells say the same."""
import signal

import pytest

from light_head_rcnn.process_ends import describe_end


@pytest.mark.parametrize("status, words", [
    (None, "ended, nothing says how"), (0, "ended with status 0"), (3, "ended with status 3"),
    (-signal.SIGUSR1, "was ended by SIGUSR1"), (-signal.SIGTERM, "was ended by SIGTERM"),
    (-63, "was ended by signal 63"),
    (-signal.SIGKILL, "was ended by SIGKILL, as the system does where memory runs out"),
    (128 + signal.SIGKILL, "was ended by SIGKILL, as the system does where memory runs out"),
    (128 + signal.SIGTERM, "was ended by SIGTERM"), (200, "ended with status 200")])
def test_the_end_of_a_process(status, words):
    assert describe_end(status) == words


@pytest.mark.parametrize("status", [-signal.SIGSEGV, -signal.SIGBUS, 128 + signal.SIGABRT, 255])
def test_a_crash_in_native_code(status):
    assert describe_end(status).startswith("crashed in native code (")
