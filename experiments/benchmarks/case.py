"""What the benchmark of operators times: cases, each of one job that two operators do."""
from typing import Callable, List, NamedTuple, Optional

import mxnet as mx

# Starts the work and returns its results, which may not be computed yet.
Work = Callable[[], List[mx.nd.NDArray]]


class Job(NamedTuple):
    """One job, done by the native operator ("ours") and by MXNet's own operator ("peer") on the same inputs.

    Attributes:
        ours, peer: functions that prepare the work and return the function to be timed.
        check: raises AssertionError unless both operators compute the same results.
        ours_step, peer_step: functions whose peak memory is measured; None where this is the work that is timed.
    """

    ours: Callable[[], Work]
    peer: Callable[[], Work]
    check: Callable[[], None]
    ours_step: Optional[Work] = None
    peer_step: Optional[Work] = None


class Case(NamedTuple):
    """One row of the table.

    Attributes:
        op: the kind of operator, one of `operators.OPS`.
        name: what the row is called; no two cases have the same name.
        peer: name of MXNet's operator.
        make: function that makes the inputs and returns the Job.
    """

    op: str
    name: str
    peer: str
    make: Callable[[], Job]
