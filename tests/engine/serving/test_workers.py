"""Workers that crash, hang or cannot start, and what becomes of the requests."""
import threading
import time

import pytest


@pytest.fixture(scope="module")
def server(start):
    return start(model="4", work_timeout=3, batch_wait=0.0, request_timeout=20)


def test_a_worker_that_crashes_is_replaced_and_the_others_requests_are_answered(server):
    answers = {}

    def play(name, words):
        answers[name] = server.play(words)

    names = {"crash": "die", **{f"n{number}": f"sleep 0.1 n{number}" for number in range(6)}}
    threads = [threading.Thread(target=play, args=pair) for pair in names.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status, _, answer = answers.pop("crash")
    assert status == 500 and "seems to be harmful" in answer["error"]
    assert {name: answer[0] for name, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert all(name in answer[2]["words"] for name, answer in answers.items())
    log = server.log.read_text()
    assert "crashed in native code (SIGSEGV)" in log and "; another one is started" in log
    while server.ask("GET", "/readyz")[0] != 200:
        time.sleep(0.02)
    assert server.play("again")[0] == 200


def test_a_worker_that_takes_too_long_is_replaced(server):
    before = server.metric('lhrcnn_workers_replaced_total{reason="time"}')
    began = time.monotonic()
    status, _, answer = server.play("sleep 30")
    assert status == 503 and "longer than 3 s" in answer["error"] and time.monotonic() - began < 20
    server.wait_for('lhrcnn_workers_replaced_total{reason="time"}', before + 1)
    assert server.play("again")[0] == 200


def test_images_that_wait_go_together(server):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(server.play("sleep 0.2")[2]["batch"])) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12 and max(answers) > 1 and max(answers) <= 4


def test_workers_that_cannot_load_the_detector_end_the_start(start):
    server = start(model="broken")
    assert server.port is None and server.process.wait(10) != 0
    assert "CheckpointError: broken is no detector" in server.log.read_text()


def test_no_worker_is_ready_while_the_only_one_starts_again(start):
    server = start()
    assert server.ask("GET", "/readyz")[0] == 200
    server.play("die")
    statuses = []
    while not statuses or statuses[-1] != 200:
        statuses.append(server.ask("GET", "/readyz")[0])
        assert server.ask("GET", "/healthz")[0] == 200
    assert set(statuses) == {200, 503}
