"""How many images a second a server answers, and how long each request takes, beside the detector without a server."""
import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...engine.inference.detector import Detector
from ...errors import UsageError

CLIENTS = (1, 2, 4, 8, 16)
BARE, STREAM = "detector, one by one", "detector, as a stream"
_START = 120  # seconds that a server may take to start


class Taken(NamedTuple):
    """What was measured of one way of asking.

    Attributes:
        count: of images.
        seconds: that they took together.
        processor: seconds of processor time that they took, without that of the clients.
        latencies: seconds of each.
    """

    count: int
    seconds: float
    processor: float
    latencies: List[float]


@contextlib.contextmanager
def running_server(*arguments: str) -> Iterator[Tuple[int, int]]:
    """Context manager that runs `lhrcnn serve ARGUMENTS` on a free port, and gives the number of its process and the
    port.

    Raises:
        UsageError: the server does not start; its own message tells why.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from light_head_rcnn.experiments.commands.main import main; "
         "sys.exit(main(sys.argv[1:]))", "serve", "--port", "0", "--quiet", *arguments],
        stderr=subprocess.PIPE, universal_newlines=True)
    killer = threading.Timer(_START, process.kill)
    killer.start()
    try:
        lines = []
        for line in process.stderr:
            lines.append(line)
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if found:
                break
        else:
            raise UsageError("the server does not start: " + " ".join("".join(lines).split()))
        killer.cancel()
        yield process.pid, int(found.group(1))
    finally:
        killer.cancel()
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stderr.close()


class Client:
    """A connection that asks for detections; it takes as little of the processor as it can, which the server needs.

    Args:
        port: of the server on this machine.
    """

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, image: bytes) -> Tuple[int, bytes]:
        """Sends an image; returns the status and the content of the answer."""
        self._socket.sendall(b"POST /detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
                             b"Content-Length: %d\r\n\r\n" % len(image) + image)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._received()
        head, _, content = answer.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(content) < length:
            content += self._received()
        return int(head.split(b" ", 2)[1]), content

    def _received(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()


def processor_seconds(pid: int) -> float:
    """The processor time that a process and those that it started have taken, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") + sum(map(processor_seconds, map(int, children)))


def ask_together(server: Tuple[int, int], images: Sequence[bytes], clients: int, seconds: float) -> Taken:
    """Sends images by several clients at a time, each of which waits for its answer before it sends the next one.

    Args:
        server: the number of its process, and its port.
        images: the contents of files.
        clients: at a time.
        seconds: for which they send.

    Raises:
        UsageError: an answer is no detection.
    """
    places, latencies, problems = itertools.count(), [], []
    end = time.perf_counter() + seconds

    def run() -> None:
        client = Client(server[1])
        try:
            while time.perf_counter() < end and not problems:
                began = time.perf_counter()
                status, content = client.ask(images[next(places) % len(images)])
                if status != 200:
                    problems.append(f"status {status}: {content.decode(errors='replace')}")
                latencies.append(time.perf_counter() - began)
        except OSError as error:
            problems.append(str(error))
        finally:
            client.close()

    began, used = time.perf_counter(), processor_seconds(server[0])
    threads = [threading.Thread(target=run) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise UsageError(f"the server did not answer a request: {problems[0]}")
    return Taken(len(latencies), time.perf_counter() - began, processor_seconds(server[0]) - used, latencies)


def bare(detector: Detector, paths: Sequence[Path], seconds: float) -> Taken:
    """Calls a detector with one file after the other."""
    latencies, began, used = [], time.perf_counter(), time.process_time()
    for path in itertools.cycle(paths):
        start = time.perf_counter()
        if start - began > seconds:
            break
        detector(path)
        latencies.append(time.perf_counter() - start)
    return Taken(len(latencies), time.perf_counter() - began, time.process_time() - used, latencies)


def stream(detector: Detector, paths: Sequence[Path], seconds: float) -> Taken:
    """Runs a detector over a stream of files; the time of a single one is not known."""
    began, used, count = time.perf_counter(), time.process_time(), 0
    with contextlib.closing(detector.stream(itertools.cycle(paths))) as answers:
        for _ in answers:
            count += 1
            if time.perf_counter() - began > seconds:
                break
        taken = time.perf_counter() - began
    return Taken(count, taken, time.process_time() - used, [])


def measure(detector: Detector, model: str, engine: Optional[str], paths: Sequence[Path], batches: Sequence[int],
            rounds: int, seconds: float, arguments: Sequence[str] = ()) -> List[Dict[str, Any]]:
    """Measures a detector and servers of it by turns, after a turn of each that does not count.

    Args:
        detector: of `model`.
        model, engine: what servers are started with.
        paths: image files.
        batches: of each server, the images that it may put together.
        rounds: turns.
        seconds: of each measurement.
        arguments: further ones of `lhrcnn serve`.

    Returns:
        A row for each way: "way", "clients", "rate" (images a second, the median of the rounds), "low" and "high" (of
        the rounds), "ratio" (the median of the rounds' ratios to the detector that is called one by one),
        "processor" (milliseconds of processor time an image), and "median", "p95" and "p99" (milliseconds; None for
        the stream).
    """
    images = [path.read_bytes() for path in paths]
    with contextlib.ExitStack() as opened:
        ways: List[Tuple[str, int, Callable[[float], Taken]]] = [
            (BARE, 1, lambda wanted: bare(detector, paths, wanted)),
            (STREAM, 1, lambda wanted: stream(detector, paths, wanted))]
        for batch in batches:
            server = opened.enter_context(running_server(model, "--batch", str(batch), *(
                ["--engine", engine] if engine else []), *arguments))
            ways += [(f"server, batches of up to {batch}", clients, lambda wanted, server=server, clients=clients:
                      ask_together(server, images, clients, wanted)) for clients in CLIENTS]
        for _, _, way in ways:
            way(min(seconds, 1.0))
        taken: List[List[Taken]] = [[] for _ in ways]
        for number in range(rounds):
            for place in range(len(ways))[::1 if number % 2 == 0 else -1]:
                taken[place].append(ways[place][2](seconds))
    return [_row(name, clients, runs, taken[0]) for (name, clients, _), runs in zip(ways, taken)]


def _row(name: str, clients: int, runs: Sequence[Taken], base: Sequence[Taken]) -> Dict[str, Any]:
    rates, base_rates = ([run.count / run.seconds for run in some] for some in (runs, base))
    latencies = [1000 * latency for run in runs for latency in run.latencies]
    percentiles = np.percentile(latencies, [50, 95, 99]).tolist() if latencies else [None] * 3
    return {"way": name, "clients": clients, "rate": float(np.median(rates)), "low": min(rates), "high": max(rates),
            "ratio": float(np.median(np.divide(rates, base_rates))),
            "processor": float(np.median([1000 * run.processor / run.count for run in runs])),
            **dict(zip(("median", "p95", "p99"), percentiles))}


def format_table(rows: Sequence[Dict[str, Any]]) -> List[str]:
    """Returns the lines of a table in Markdown of what `measure` returned."""
    lines = ["| | clients | images/s (of the rounds) | of the detector alone | processor time an image | "
             "median, ms | 95% below | 99% below |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        times = ["" if row[name] is None else f"{row[name]:.1f}" for name in ("median", "p95", "p99")]
        lines.append(f"| {row['way']} | {row['clients']} | {row['rate']:.1f} ({row['low']:.1f}-{row['high']:.1f}) | "
                     f"{100 * row['ratio']:.0f}% | {row['processor']:.1f} ms | {' | '.join(times)} |")
    return lines
