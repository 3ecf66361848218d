"""What several machines make of a training step: a simulation of its gradients on their way, and times taken here."""
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence

from ...engine.building.network import build_net
from ...engine.config import load_config
from ...engine.reporting.scalars import read_scalars
from ...errors import UsageError

CLASSES = [f"class{number}" for number in range(80)]  # as many as COCO has
FORWARD_SHARE = 1 / 3  # of a step without communication; the backward pass takes the rest
LATENCY = 0.0002  # seconds of a message between two machines, and of the work that starts and ends it
SUM_RATE = 4e9  # bytes of gradients a second that a server adds up
FUSED_BYTES = 64 * 2 ** 20  # Horovod sends gradients that wait together up to so many
WAYS = ("parameter server", "ring")
_COMMAND = [sys.executable, "-c",
            "import sys; from light_head_rcnn.experiments.commands.main import main; sys.exit(main())"]


class Job(NamedTuple):
    """A training step on one machine.

    Attributes:
        seconds: of a step without communication.
        arrays: bytes of each gradient, in the order in which the backward pass makes them.
    """

    seconds: float
    arrays: Sequence[int]


class Network(NamedTuple):
    """How machines are joined.

    Attributes:
        way: one of `WAYS`.
        workers: machines that train.
        servers: machines that add up, for a parameter server.
        bytes_per_second: that each machine sends and, at the same time, receives.
        overlap: send a gradient when the backward pass has made it; otherwise all of them after it.
    """

    way: str
    workers: int
    servers: int
    bytes_per_second: float
    overlap: bool = True


def gradient_arrays(name: str) -> List[int]:
    """Returns the bytes of the gradients of a bundled configuration's Gluon model, the last layer's first."""
    cfg = load_config(name)
    parameters = build_net(cfg, CLASSES).collect_params()
    trained = [parameter for parameter_name, parameter in parameters.items() if parameter.grad_req != "null"
               and not any(word in parameter_name for word in cfg.network.FIXED_PARAMS)]
    sizes = []
    for parameter in trained:
        size = 4
        for side in parameter.shape:
            size *= side
        sizes.append(size)
    return sizes[::-1]


def simulate(job: Job, network: Network) -> float:
    """Returns the seconds of a step, from its beginning to the last gradient that every worker has.

    The time of the backward pass is dealt out to the gradients equally. With a parameter server, each worker sends
    every gradient to one of the servers and receives the sum; all workers share the server's line. In a ring, each sum
    takes 2 (n - 1) rounds of one nth of the bytes, and gradients that wait go together.
    """
    forward = FORWARD_SHARE * job.seconds
    each = (job.seconds - forward) / len(job.arrays)
    ready = [forward + each * (number + 1) if network.overlap else job.seconds for number in range(len(job.arrays))]
    if network.workers == 1 and network.way == "ring":
        return job.seconds
    end = (_parameter_server if network.way == "parameter server" else _ring)(job.arrays, ready, network)
    return max(end, job.seconds)


def _parameter_server(arrays: Sequence[int], ready: Sequence[float], network: Network) -> float:
    # A server receives the gradients of all workers: with as many servers as workers, each line carries the same.
    crowd = max(network.workers / network.servers, 1)
    sent = received = 0.0
    for size, at in zip(arrays, ready):
        seconds = size * crowd / network.bytes_per_second
        sent = max(at, sent) + seconds
        summed = sent + LATENCY + size * network.workers / network.servers / SUM_RATE
        received = max(summed, received) + seconds
    return received + LATENCY


def _ring(arrays: Sequence[int], ready: Sequence[float], network: Network) -> float:
    workers, now, waiting = network.workers, 0.0, list(zip(ready, arrays))
    while waiting:
        now, size = max(now, waiting[0][0]), 0
        while waiting and waiting[0][0] <= now and (not size or size + waiting[0][1] <= FUSED_BYTES):
            size += waiting.pop(0)[1]
        now += 2 * (workers - 1) * (size / workers / network.bytes_per_second + LATENCY)
    return now


def table(jobs: Dict[str, Job], workers: Sequence[int], gigabits: Sequence[float]) -> List[Dict[str, Any]]:
    """Simulates all combinations.

    Args:
        jobs: training steps by name.
        workers: numbers of machines.
        gigabits: a second, of each machine's line.

    Returns:
        A dict a row: job, way, servers, overlap, workers, gigabits, milliseconds of a step, and efficiency: images a
        second divided by those of as many machines that need not wait.
    """
    rows = []
    for name, job in jobs.items():
        for way, servers_of in (("parameter server", lambda count: 1), ("parameter server", lambda count: count),
                                ("ring", lambda count: 0)):
            for overlap in (True, False):
                for count in workers:
                    for speed in gigabits:
                        servers = servers_of(count)
                        seconds = simulate(job, Network(way, count, servers, speed * 1e9 / 8, overlap))
                        rows.append({"job": name, "way": way, "servers": servers, "overlap": overlap, "workers": count,
                                     "gigabits": speed, "milliseconds": 1000 * seconds,
                                     "efficiency": job.seconds / seconds})
    return rows


def format_table(rows: Sequence[Dict[str, Any]], gigabits: Sequence[float], overlap: bool = True) -> str:
    """Returns a table of efficiencies in percent, a line a number of workers and a column a speed of the lines."""
    lines = ["| step | joined by | workers | " + " | ".join(f"{speed:g} Gbit/s" for speed in gigabits) + " |",
             "|---" * (3 + len(gigabits)) + "|"]
    cells: Dict[tuple, Dict[float, float]] = {}
    for row in rows:
        if row["overlap"] == overlap:
            servers = "" if row["way"] == "ring" else ", 1 server" if row["servers"] == 1 else ", a server each"
            key = (row["job"], row["way"] + servers, row["workers"])
            cells.setdefault(key, {})[row["gigabits"]] = row["efficiency"]
    for (job, way, workers), of_speed in cells.items():
        lines.append(f"| {job} | {way} | {workers} | "
                     + " | ".join(f"{100 * of_speed[speed]:.0f} %" for speed in gigabits) + " |")
    return "\n".join(lines)


def measure(cfg: str, overrides: Sequence[str], skip: int) -> List[Dict[str, Any]]:
    """Trains here, one thread a process, alone and by one and two workers of a KVStore on loopback.

    Args:
        cfg: configuration to train, which sets the number of steps.
        overrides: KEY=VALUE.
        skip: steps that are not counted.

    Returns:
        A dict a training: processes ("alone", "1 worker", "2 workers"), images_per_second (median over the steps).

    Raises:
        UsageError: a training failed, or has no more steps than are not counted.
    """
    rows = []
    for name, before in (("alone", []), ("1 worker", ["launch", "-n", "1", "--"]),
                         ("2 workers", ["launch", "-n", "2", "--"])):
        with tempfile.TemporaryDirectory() as folder:
            words = [*before, "train", "--cfg", cfg, "--cpu", "--out", folder, "TRAIN.NUM_WORKERS=0", *overrides]
            done = subprocess.run(["env", "OMP_NUM_THREADS=1", *_COMMAND, *words], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, universal_newlines=True)
            if done.returncode:
                raise UsageError(f"--measure {cfg}: the training ({name}) ended with status {done.returncode}: "
                                 + done.stderr[-1000:].strip())
            steps = [line for line in read_scalars(Path(folder) / "losses.jsonl") if "loss" in line]
        lines = steps[skip:]
        if not lines:
            raise UsageError(f"--measure {cfg}: the training has {len(steps)} steps, of which the first {skip} are not "
                             "counted: let it take more, such as by TRAIN.end_epoch=2")
        rows.append({"processes": name, "steps": len(lines),
                     "images_per_second": statistics.median(line["images_per_second"] for line in lines)})
    return rows
