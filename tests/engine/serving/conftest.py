"""Servers that run, each in a process, with played detectors."""
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

SIGN = b"\x89PNG\r\n\x1a\n"


class Live:
    """A server in a process of its own."""

    def __init__(self, log, command):
        self.log = log
        with open(log, "w") as file:
            self.process = subprocess.Popen(command, stderr=file)
        self.port, told = None, None
        while told is None and self.process.poll() is None:
            time.sleep(0.02)
            told = re.search(r"on http://127\.0\.0\.1:(\d+)", log.read_text())
        if told:
            self.port = int(told.group(1))

    def ask(self, method="POST", path="/detect", body=None, kind="image/png", **headers):
        """(status, headers in lower case, content) of a request; the content is read as JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {**({"Content-Type": kind} if kind and method == "POST" else {}),
                                                    **given})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, json.loads(content) if "json" in found.get("content-type", "") else content

    def play(self, words="", path="/detect", **headers):
        """What a played detector answers."""
        return self.ask(path=path, body=SIGN + words.encode(), **headers)

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=15)
        return connection

    def raw(self, content):
        """All that comes back for some bytes, until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(content)
            pieces = []
            while True:
                try:
                    piece = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not piece:
                    break
                pieces.append(piece)
        return b"".join(pieces)

    def metric(self, name):
        """The value of a metric, by its name with labels; 0 where it was not counted yet."""
        lines = self.ask("GET", "/metrics")[2].decode().splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.rsplit(" ", 1)[0] == name), 0)

    def wait_for(self, name, value, seconds=10):
        """Waits until a metric has a value."""
        end = time.monotonic() + seconds
        while self.metric(name) != value:
            assert time.monotonic() < end, f"{name} is {self.metric(name)}, not {value}"
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        """The exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture(scope="module")
def run_server(tmp_path_factory):
    """Function that starts a server by a command line; all are ended with the module."""
    servers = []

    def run(*command):
        servers.append(Live(tmp_path_factory.mktemp("log") / "log", [sys.executable, *command]))
        return servers[-1]

    yield run
    for server in servers:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def start(run_server):
    """Function that starts a server of played detectors with settings."""
    program = str(Path(__file__).with_name("live_server.py"))
    return lambda **settings: run_server(program, json.dumps(settings))
