"""What the benchmark of operators times."""
from typing import Callable, NamedTuple, Optional


class Job(NamedTuple):
    """One job done by two operators.

    ours, peer: functions that get ready and return the function to be timed; that one starts the work and returns its
        results, a list of NDArrays.
    check: raises AssertionError unless both come to the same results.
    ours_step, peer_step: functions whose memory is measured, where that is not the job as it is timed.
    """

    ours: Callable
    peer: Callable
    check: Callable
    ours_step: Optional[Callable] = None
    peer_step: Optional[Callable] = None


class Case(NamedTuple):
    """A row of the table; `make()` builds its inputs and returns the Job."""

    op: str
    name: str
    peer: str
    make: Callable
