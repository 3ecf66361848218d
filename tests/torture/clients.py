"""A server is attacked by clients that are slow, broken, killed or hostile, while a good client asks on.

The good client must get the same answer every time and never wait long, no request of it may be lost, the memory must
stay flat, and nothing must be left when the server stops.

    lhrcnn export --checkpoint output/shapes_s --format onnx --out models/shapes
    python tests/torture/clients.py models/shapes output/shapes/val/*.png --seed 1
"""
import argparse
import contextlib
import http.client
import io
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time
from pathlib import Path

HEAD = b"POST /detect HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
MINUTES = 60


class Torture:
    """Attacks on a server that runs.

    Args:
        pid, port: of the server.
        images: contents of files that it detects objects in; the good client sends the first one.
        seed: of all that is random.
        report: takes a line on each attack.
    """

    def __init__(self, pid, port, images, seed, report=print):
        self.pid, self.port, self.images, self.random, self.report = pid, port, images, random.Random(seed), report
        self.expected = self.good()[1]

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return connection

    def ask(self, method, path, body=None, kind="image/png"):
        """(status, content) of a request on a connection of its own."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(client):
            client.request(method, path, body, {"Content-Type": kind} if body else {})
            answer = client.getresponse()
            return answer.status, answer.read()

    def good(self):
        """Asks as a good client does, until it is not told to come later; returns the seconds and the answer."""
        while True:
            began = time.monotonic()
            status, content = self.ask("POST", "/detect", self.images[0])
            if status != 503:
                assert status == 200, (status, content)
                return time.monotonic() - began, {name: value for name, value in json.loads(content).items()
                                                  if name not in ("seconds", "worker", "batch")}
            time.sleep(0.05)

    def good_times(self, stop, at_least=1):
        """Times of the good client until `stop()`, sorted."""
        times = []
        while len(times) < at_least or not stop():
            seconds, answer = self.good()
            assert answer == self.expected, (answer, self.expected)
            times.append(seconds)
        return sorted(times)

    def metric(self, name):
        lines = self.ask("GET", "/metrics")[1].decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.replace("{", " ").split(" ")[0] == name)

    def memory(self):
        """Megabytes of the server and of its workers."""
        lines = self.ask("GET", "/metrics")[1].decode().splitlines()
        return [float(line.rsplit(" ", 1)[1]) / 1e6 for line in lines if line.startswith("lhrcnn_resident_memory")]

    def settle(self, seconds=20):
        """Waits until nothing is left of the attack."""
        end = time.monotonic() + seconds
        while True:
            left = self.metric("lhrcnn_queue_length"), self.metric("lhrcnn_upload_bytes"), (
                self.metric("lhrcnn_connections") - 1)
            if not any(left):
                return
            assert time.monotonic() < end, f"queue, bytes and connections that are left: {left}"
            time.sleep(0.1)

    def slow(self, count, seconds):
        """Clients that send a byte of their headers or of their body now and then."""
        alone = self.good_times(lambda: True, 20)
        starts = [b"POST /detect HTTP/1.1\r\nHost: x\r\nX-Slow: ", HEAD + b"Content-Length: 100000\r\n\r\n", b"",
                  b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET"]
        slow = [self.connect() for _ in range(count)]
        for number, connection in enumerate(slow):
            connection.sendall(starts[number % len(starts)])
        end, closed = time.monotonic() + seconds, set()

        def dribble():
            while time.monotonic() < end:
                for number, connection in enumerate(slow):
                    with contextlib.suppress(OSError):
                        if number not in closed and starts[number % len(starts)]:
                            connection.sendall(b"a")
                time.sleep(0.5)

        thread = threading.Thread(target=dribble)
        thread.start()
        times = self.good_times(lambda: time.monotonic() > end)
        thread.join()
        self.settle()
        for connection in slow:
            connection.close()
        self.report(f"slow clients: {count} for {seconds} s; the good client took {middle(alone)} ms alone, "
                    f"{middle(times)} ms beside them, {1000 * times[-1]:.0f} ms at most; all of them were closed")
        return times

    def killed_uploads(self, count):
        """Clients that end in the middle of an upload: by a reset, by closing, or by closing their half alone."""
        times, answers = [], 0
        for number in range(count):
            image = self.random.choice(self.images)
            request = HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(image), image)
            connection = self.connect()
            with contextlib.suppress(OSError):
                connection.sendall(request[:self.random.randrange(1, len(request))])
                if number % 3 == 0:
                    reset(connection)
                elif number % 3 == 1:
                    connection.shutdown(socket.SHUT_WR)
            connection.close()
            if number % 20 == 0:
                seconds, answer = self.good()
                assert answer == self.expected
                times.append(seconds)
                answers += 1
        self.settle()
        self.report(f"uploads killed half-way: {count}; {answers} good requests between them were all answered, in "
                    f"{1000 * max(times):.0f} ms at most")

    def vanished(self, count):
        """Clients that go after their upload, before the answer."""
        before = self.metric("lhrcnn_batch_images_sum")
        for start in range(0, count, 40):
            connections = []
            for _ in range(min(40, count - start)):
                connections.append(self.connect())
                connections[-1].sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(self.images[0]), self.images[0]))
            for connection in connections:
                reset(connection)
                connection.close()
            assert self.good()[1] == self.expected
        self.settle()
        worked = self.metric("lhrcnn_batch_images_sum") - before - -(-count // 40)
        self.report(f"clients that vanished while they waited: {count}; of these {worked:.0f} images were worked on, "
                    "the others were taken from the queue")

    def unread(self, count, seconds):
        """Clients that send request after request and never read an answer."""
        connections = [self.connect() for _ in range(count)]
        for connection in connections:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            connection.setblocking(False)
        end, sent = time.monotonic() + seconds, 0

        def send():
            nonlocal sent
            pieces = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50
            while time.monotonic() < end:
                for connection in connections:
                    with contextlib.suppress(OSError):
                        sent += connection.send(pieces)
                time.sleep(0.05)

        thread = threading.Thread(target=send)
        thread.start()
        times = self.good_times(lambda: time.monotonic() > end)
        thread.join()
        self.settle(30)
        for connection in connections:
            connection.close()
        self.report(f"clients that never read: {count}, which sent {sent} bytes in {seconds} s; the good client took "
                    f"{middle(times)} ms, {1000 * times[-1]:.0f} ms at most; all of them were closed")

    def broken_requests(self, count):
        """Valid requests with bytes changed, taken out, doubled and put in."""
        image = self.images[0]
        valid = (HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(image), image),
                 HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(image), image),
                 b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
                 b"POST /detect?threshold=0.5&max=3 HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; "
                 b"boundary=b\r\nContent-Length: 90\r\nExpect: 100-continue\r\n\r\n--b\r\nContent-Disposition: "
                 b"form-data; name=\"image\"\r\n\r\n\x89PNG\r\n\x1a\nnothing\r\n--b--\r\n")
        statuses = {}
        for number in range(count):
            content = self.mutated(self.random.choice(valid), 250)
            with self.connect() as connection:
                with contextlib.suppress(OSError):
                    connection.sendall(content)
                first = b""
                if select.select([connection], [], [], 0.05)[0]:
                    with contextlib.suppress(OSError):
                        first = connection.recv(12)
            assert first == b"" or first.startswith(b"HTTP/1.1 "), first
            statuses[first[9:12].decode()] = statuses.get(first[9:12].decode(), 0) + 1
            if number % 50 == 0:
                assert self.good()[1] == self.expected
        self.settle()
        assert "500" not in statuses, statuses
        self.report(f"broken requests: {count}; statuses {dict(sorted(statuses.items()))} (none: not a whole request)")

    def mutated(self, content, within):
        """Bytes with a few changes among the first ones."""
        content = bytearray(content)
        for _ in range(self.random.randint(1, 4)):
            place, kind = self.random.randrange(min(len(content), within)), self.random.randrange(4)
            if kind == 0:
                content[place] = self.random.randrange(256)
            elif kind == 1:
                del content[place:place + self.random.randint(1, 20)]
            elif kind == 2:
                content[place:place] = content[place:place + self.random.randint(1, 200)]
            else:
                content[place:place] = self.random.choice([b"\r\n", b"\0", b"\xff" * 9, b"9" * 30, b": ", b" ", b";,="])
        return bytes(content)

    def hostile_images(self, count):
        """Images with bytes changed anywhere, and sizes that are lies."""
        statuses = {}
        for number in range(count):
            content = self.mutated(self.random.choice(self.images), 10 ** 9 if number % 2 else 100)
            status, answer = self.ask("POST", "/detect", content)
            statuses[status] = statuses.get(status, 0) + 1
            if status != 200:
                error = json.loads(answer)["error"]
                assert "\n" not in error and "/" not in error.replace("and/or", ""), error
            if number % 50 == 0:
                assert self.good()[1] == self.expected
        assert set(statuses) <= {200, 400, 413}, statuses
        self.report(f"damaged images: {count}; statuses {dict(sorted(statuses.items()))}")

    def many_requests(self, count, clients):
        """Good requests of many sizes: memory stays flat after the first half."""
        places, memory = iter(range(count)), []
        lock, problems = threading.Lock(), []

        def run():
            client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            while True:
                with lock:
                    place = next(places, None)
                if place is None:
                    return client.close()
                image = self.images[place % len(self.images)]
                client.request("POST", "/detect", image, {"Content-Type": "image/png"})
                answer = client.getresponse()
                content = answer.read()
                if answer.status != 200:
                    problems.append((answer.status, content))
                if place % max(count // 10, 1) == 0:
                    memory.append((place, self.memory()))

        began = time.monotonic()
        threads = [threading.Thread(target=run) for _ in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not problems, problems[:3]
        memory.append((count, self.memory()))
        self.report(f"good requests: {count} by {clients} clients in {time.monotonic() - began:.0f} s, all answered; "
                    "megabytes of the server and its workers after so many of them: "
                    + ", ".join(f"{place}: {' + '.join(f'{size:.0f}' for size in sizes)}"
                                for place, sizes in sorted(memory)))
        return memory

    def killed_workers(self, count):
        """Workers that are killed while requests are under way: each request is answered all the same."""
        end, answers, problems = threading.Event(), [], []

        def run():
            while not end.is_set():
                try:
                    answers.append(self.good())
                except Exception as error:
                    problems.append(error)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(count):
            time.sleep(self.random.uniform(0.1, 0.5))
            for worker in children(self.pid):
                os.kill(worker, signal.SIGKILL)
            deadline = time.monotonic() + MINUTES
            while self.ask("GET", "/readyz")[0] != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        end.set()
        for thread in threads:
            thread.join()
        assert not problems, problems[:3]
        assert all(answer == self.expected for _, answer in answers)
        self.report(f"workers killed: {count}; all of {len(answers)} requests meanwhile were answered, in "
                    f"{max(seconds for seconds, _ in answers):.1f} s at most")


def middle(times):
    """The median, in milliseconds."""
    return f"{1000 * times[len(times) // 2]:.0f}"


def reset(connection):
    """Lets the connection end by a reset, as where a client crashes or its machine does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def children(pid):
    """The processes that a process has started."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return list(map(int, file.read().split()))


def resized(content, seed):
    """The image in other sizes, as PNG and as JPEG."""
    from PIL import Image
    draw, answers = random.Random(seed), []
    for number in range(6):
        file = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            size = [max(16, int(side * draw.uniform(0.4, 2.5))) for side in image.size]
            image.convert("RGB").resize(size).save(file, ("PNG", "JPEG")[number % 2])
        answers.append(file.getvalue())
    return answers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1, help="of all numbers of requests (default: 1)")
    parser.add_argument("--requests", type=int, default=5000, help="good requests for the memory (default: 5000)")
    args = parser.parse_args()
    from light_head_rcnn.experiments.benchmarks.serving import running_server
    contents = [Path(path).read_bytes() for path in args.images[:20]]
    contents += [image for number, content in enumerate(contents[:8]) for image in resized(content, number)]
    scaled = lambda number: max(1, int(number * args.scale))  # noqa: E731
    with running_server(args.model) as (pid, port):
        torture = Torture(pid, port, contents, args.seed)
        workers = children(pid)
        print("memory at the start, megabytes:", torture.memory())
        torture.broken_requests(scaled(2000))
        torture.slow(100, 12)
        torture.killed_uploads(scaled(1000))
        torture.vanished(scaled(400))
        torture.unread(20, 12)
        torture.hostile_images(scaled(1000))
        torture.many_requests(args.requests, 8)
        assert children(pid) == workers, "a worker has ended"
        torture.killed_workers(scaled(10))
        print("memory at the end, megabytes:", torture.memory())
        left = children(pid)
    end = time.monotonic() + 5
    while any(os.path.exists(f"/proc/{worker}") for worker in left) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(os.path.exists(f"/proc/{worker}") for worker in left), "a worker is left"
    print("nothing is left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
