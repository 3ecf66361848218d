"""A server keeps to its bounds: of the queue, of connections, and of the time that a client may take."""
import struct
import socket
import threading
import time

import pytest

SIGN = b"\x89PNG\r\n\x1a\n"
HEAD = b"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"


@pytest.fixture(scope="module")
def server(start):
    return start(queue=3, header_timeout=1.0, idle_timeout=1.0, upload_timeout=1.5, write_timeout=0.6, linger=0.1,
                 request_timeout=3, connections=150, max_bytes=300_000, upload_memory=800_000)


def request(words):
    content = SIGN + words.encode()
    return HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def in_threads(*works):
    answers = [None] * len(works)

    def run(number, work):
        answers[number] = work()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    return threads, answers


def test_a_full_queue_refuses_and_says_when_to_come_again(server):
    threads, answers = in_threads(*[lambda: server.play("sleep 0.7")] * 5)  # two are worked on, three wait
    server.wait_for("lhrcnn_queue_length", 3)
    status, headers, answer = server.play("late")
    assert status == 503 and 1 <= int(headers["retry-after"]) <= 60 and "too many requests" in answer["error"]
    for thread in threads:
        thread.join()
    assert [answer[0] for answer in answers] == [200] * 5
    assert server.play("again")[0] == 200


def test_a_request_that_nobody_waits_for_any_more_is_taken_back(server):
    time.sleep(0.15)  # metrics are kept for a moment
    batches = server.metric("lhrcnn_batch_images_count")
    threads, _ = in_threads(*[lambda: server.play("sleep 2")] * 2)
    while server.metric("lhrcnn_batch_images_count") == batches:
        time.sleep(0.02)
    server.wait_for("lhrcnn_queue_length", 0)
    gone = [server.connect() for _ in range(3)]
    for connection in gone:
        connection.sendall(request("unseen"))
    server.wait_for("lhrcnn_queue_length", 3)
    time.sleep(0.15)  # metrics are kept for a moment
    batches = server.metric("lhrcnn_batch_images_count")
    for connection in gone:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, as of a crash
        connection.close()
    server.wait_for("lhrcnn_queue_length", 0)
    for thread in threads:
        thread.join()
    assert server.play("seen")[0] == 200
    server.wait_for("lhrcnn_batch_images_count", batches + 1)
    server.wait_for("lhrcnn_upload_bytes", 0)


def test_a_request_has_its_time(server):
    began = time.monotonic()
    status, _, answer = server.play("sleep 6")
    assert status == 503 and "within 3 s" in answer["error"] and time.monotonic() - began < 5.5


def test_slow_clients_keep_nobody_waiting_and_are_closed(server):
    heads = [server.connect() for _ in range(60)]
    bodies = [server.connect() for _ in range(60)]
    for connection in heads:
        connection.sendall(b"POST /detect HTTP/1.1\r\nHost:")
    for connection in bodies:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nsome")
    began = time.monotonic()
    end, times = began + 2, []
    while time.monotonic() < end:
        before = time.monotonic()
        assert server.play("quick")[0] == 200
        times.append(time.monotonic() - before)
        for connection in heads + bodies:
            try:
                connection.sendall(b"x")
            except OSError:
                pass
        time.sleep(0.1)
    assert sorted(times)[len(times) // 2] < 0.5
    server.wait_for("lhrcnn_connections", 1)
    time.sleep(0.15)
    assert server.metric('lhrcnn_connections_closed_total{reason="headers too slow"}') >= 60
    assert server.metric('lhrcnn_requests_total{path="/detect",status="408"}') >= 60
    for connection in heads + bodies:
        connection.close()


def test_headers_that_begin_on_a_used_connection_have_their_time_too(server):
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"alive\n"):  # head and body may come in two parts
            part = connection.recv(1000)
            assert part, answer
            answer += part
        for _ in range(40):
            try:
                connection.sendall(b"G")
                connection.settimeout(0.1)
                if not connection.recv(1000):
                    break
            except socket.timeout:
                continue
            except OSError:
                break
        else:
            pytest.fail("the connection was not closed")


def test_too_many_connections_close_the_one_that_has_waited_longest(server):
    idle = [server.connect() for _ in range(150)]
    time.sleep(0.15)
    assert server.metric('lhrcnn_connections_closed_total{reason="too many"}') >= 1
    assert server.play("welcome")[0] == 200
    assert idle[0].recv(1) == b""
    for connection in idle:
        connection.close()
    server.wait_for("lhrcnn_connections", 1)


def test_answers_that_nobody_reads_are_given_up(server):
    before = server.metric('lhrcnn_connections_closed_total{reason="answer not read"}')
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.settimeout(0.5)
        try:
            for _ in range(200):
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        except OSError:
            pass
        server.wait_for('lhrcnn_connections_closed_total{reason="answer not read"}', before + 1)


def test_bodies_together_have_a_bound(server):
    held = [server.connect() for _ in range(3)]
    for connection in held:
        connection.sendall(HEAD + b"Content-Length: 300000\r\n\r\n" + b"a" * 260_000)
    deadline = time.monotonic() + 3
    while server.metric("lhrcnn_upload_bytes") < 780_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    status, headers, answer = server.ask(body=SIGN + b"a" * 100_000)
    assert status == 503 and "retry-after" in headers and "holds too many" in answer["error"]
    for connection in held:
        connection.close()
    server.wait_for("lhrcnn_upload_bytes", 0)
    assert server.play("again")[0] == 200
