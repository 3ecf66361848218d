"""Times the native operators and MXNet's own on the same inputs in one run, and measures their memory."""
import time

import mxnet as mx

from . import boxes, memory, rois
from .report import summary

OPS = ("align", "pool", "proposal", "nms")


def all_cases():
    """Every Case, in the order of the table."""
    return rois.cases() + boxes.cases()


def run_case(case, repeats, with_memory=True):
    """Checks that both sides of a case agree, and times them by turns.

    Returns
    -------
    dict
        op, name, peer (the operator compared with), ours and peer_times (milliseconds: median, and the quartiles as
        low and high), ratio (how many times as fast as the peer, by the medians), and memory (bytes beyond what the
        inputs take, of ours and peer) where it was measured.
    """
    job = case.make()
    job.check()
    times = {"ours": [], "peer": []}
    for turn in range(repeats + 1):
        sides = [("ours", job.ours), ("peer", job.peer)]
        for side, start in sides if turn % 2 else sides[::-1]:
            seconds = _time(start)
            if turn:  # the first turn warms up
                times[side].append(1000 * seconds)
    ours, peer = (summary(times[side]) for side in ("ours", "peer"))
    row = {"op": case.op, "name": case.name, "peer": case.peer, "ours": ours, "peer_times": peer,
           "ratio": peer["median"] / ours["median"]}
    if with_memory:
        row["memory"] = {side: memory.peak_bytes(case.name, side) for side in ("ours", "peer")}
    return row


def _time(start):
    work = start()
    mx.nd.waitall()
    begin = time.perf_counter()
    work()
    mx.nd.waitall()
    return time.perf_counter() - begin


HEADER = "{:42} {:>22} {:>22} {:>7} {:>16}".format("", "ours ms (quartiles)", "MXNet ms (quartiles)", "ratio",
                                                 "MB ours/MXNet")


def line(row):
    """The line of the table for what `run_case` returned."""
    times = ["{median:.2f} ({low:.2f}-{high:.2f})".format(**row[key]) for key in ("ours", "peer_times")]
    used = [row.get("memory", {}).get(side) for side in ("ours", "peer")]
    megabytes = "/".join("-" if amount is None else "{:.1f}".format(amount / 2 ** 20) for amount in used)
    return "{:42} {:>22} {:>22} {:>6.1f}x {:>16}".format(row["name"], *times, row["ratio"], megabytes)
