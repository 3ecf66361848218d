"""Signals, tokens and addresses."""
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from light_head_rcnn.engine.serving.server import bind
from light_head_rcnn.engine.serving.settings import Settings, check_settings
from light_head_rcnn.errors import UsageError

TOKEN = "0123456789abcdef0123"


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return list(map(int, file.read().split()))


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def folders(server):
    """What a server has left of its files of images."""
    return [path for root in ("/dev/shm", tempfile.gettempdir())
            for path in Path(root).glob(f"lhrcnn-serve-{server.process.pid}-*")]


def test_a_stop_finishes_what_was_accepted(start):
    server = start()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(server.play("sleep 1.5"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    server.wait_for("lhrcnn_queue_length", 4)
    workers = children(server.process.pid)
    assert folders(server) and server.stop() == 0 and not folders(server)
    for thread in threads:
        thread.join()
    assert [answer[0] for answer in answers] == [200] * 6
    assert workers and not any(map(is_running, workers))
    assert "every accepted request was answered" in server.log.read_text()


@pytest.mark.parametrize("second", [True, False])
def test_a_stop_has_an_end(start, second):
    server = start(stop_timeout=20 if second else 0.5)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(server.play("sleep 8")))
    thread.start()
    while not server.metric("lhrcnn_batch_images_count"):
        time.sleep(0.02)
    began = time.monotonic()
    if second:
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert server.stop(signal.SIGINT if second else signal.SIGTERM) == (130 if second else 143)
    assert time.monotonic() - began < 6
    thread.join()
    assert answers[0][0] == 503 and "was stopped" in answers[0][2]["error"]
    assert "cut off: 1" in server.log.read_text()


def test_workers_end_with_a_server_that_is_killed(start):
    server = start()
    workers = children(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    deadline = time.monotonic() + 5
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not folders(server)


def test_a_token_is_asked_for(start):
    server = start(token=TOKEN)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Bearer "},
                    {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
        status, found, answer = server.play("x", **headers)
        assert status == 401 and found["www-authenticate"] == "Bearer" and "token" in answer["error"], headers
        assert server.ask("GET", "/metrics", **headers)[0] == 401
    assert server.play("x", Authorization=f"Bearer {TOKEN}")[0] == 200
    assert server.ask("GET", "/healthz")[0] == server.ask("GET", "/readyz")[0] == 200
    assert TOKEN not in server.log.read_text()


def test_other_machines_need_a_token():
    for host in ("0.0.0.0", "::", "192.168.1.2", "example.org"):
        with pytest.raises(UsageError, match="must bring a token along"):
            check_settings(Settings("m", host=host))
        check_settings(Settings("m", host=host, token=TOKEN))
    for host in ("127.0.0.1", "127.3.4.5", "::1", "localhost"):
        check_settings(Settings("m", host=host))
    with pytest.raises(UsageError, match="--upload-memory"):
        check_settings(Settings("m", max_bytes=2000, upload_memory=1000))


def test_an_address_that_is_taken_is_told():
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        with pytest.raises(UsageError, match="cannot be listened on: Address already in use"):
            bind("127.0.0.1", listener.getsockname()[1])
    with pytest.raises(UsageError, match="no address to listen on|cannot be listened on"):
        bind("203.0.113.7", 0)
