"""The clients of the serving benchmark, against a server of Python's own, and its table."""
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from light_head_rcnn.errors import UsageError
from light_head_rcnn.experiments.benchmarks import serving


@pytest.fixture
def answered():
    """A server that answers with the length of what it gets, in its process and on its port, and what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(body)
            self.send_response(503 if body == b"bad" else 200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"%05d" % len(body))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield (os.getpid(), server.server_port), got
        server.shutdown()
        thread.join()


def test_clients_send_images_in_turn_and_wait_for_answers(answered):
    server, got = answered
    client = serving.Client(server[1])
    assert client.ask(b"a" * 70_000) == (200, b"70000") and client.ask(b"abc") == (200, b"00003")
    client.close()
    got.clear()
    taken = serving.ask_together(server, [b"x", b"yy"], 3, 1)
    assert taken.count == len(taken.latencies) == len(got) > 3 and set(got) == {b"x", b"yy"}
    assert taken.processor >= 0 and 1 <= taken.seconds < 30
    with pytest.raises(UsageError, match="did not answer a request: status 503: 00003"):
        serving.ask_together(server, [b"bad"], 2, 5)


def test_a_server_that_does_not_start_is_told():
    with pytest.raises(UsageError, match="does not start.*missing_model"):
        with serving.running_server("missing_model"):
            pass


def test_rows_and_their_table():
    base = [serving.Taken(10, 1.0, 0.5, [0.1] * 10), serving.Taken(20, 1.0, 0.5, [0.05] * 20)]
    row = serving._row("way", 4, [serving.Taken(20, 1.0, 1.0, [0.2] * 20)] * 2, base)
    assert (row["rate"], row["ratio"], row["processor"]) == (20, 1.5, 50) and row["p99"] == pytest.approx(200)
    stream = serving._row("stream", 1, [serving.Taken(10, 1.0, 0.5, [])] * 2, base)
    assert stream["p95"] is None
    lines = serving.format_table([row, stream])
    assert lines[2] == "| way | 4 | 20.0 (20.0-20.0) | 150% | 50.0 ms | 200.0 | 200.0 | 200.0 |"
    assert lines[3].endswith("|  |  |  |")
