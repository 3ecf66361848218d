"""What a server answers, over real connections, to requests of every kind."""
import threading
import time

import pytest

SIGN = b"\x89PNG\r\n\x1a\n"
HEAD = b"POST /detect HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"


@pytest.fixture(scope="module")
def server(start):
    return start(max_bytes=100_000, idle_timeout=1.5, keep_alive=1.5, linger=0.2)


def form(name, content=SIGN + b"in a form", boundary="xyz"):
    text = (f'--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--{boundary}\r\n'
            f'Content-Disposition: form-data; name="{name}"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n')
    return text.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def test_images_reach_the_detector_with_their_parameters(server):
    status, headers, answer = server.play("a b", "/detect?threshold=0.25&max=3")
    assert status == 200 and headers["content-type"] == "application/json"
    assert answer["words"] == ["a", "b"] and (answer["threshold"], answer["most"]) == (0.25, 3)
    answer = server.play()[2]
    assert (answer["threshold"], answer["most"]) == (0.5, None)
    assert server.play("x", kind="application/octet-stream")[2]["words"] == ["x"]


def test_an_image_may_be_the_field_of_a_form(server):
    body, kind = form("image")
    assert server.ask(body=body, kind=kind)[2]["words"] == ["in", "a", "form"]
    for broken, its_kind, problem in ((*form("picture"), "no field image"), (body[:-30], kind, "cut off"),
                                      (b"hello", kind, "broken"), (body, "multipart/form-data", "boundary"),
                                      (body.replace(b'"note"', b'"image"'), kind, "several fields")):
        status, _, answer = server.ask(body=broken, kind=its_kind)
        assert status == 400 and problem in answer["error"], problem


@pytest.mark.parametrize("path, error", [
    ("/detect?threshold=2", "threshold must be one number from 0 to 1"), ("/detect?threshold=nan", "threshold"),
    ("/detect?threshold=", "threshold"), ("/detect?threshold=0.1&threshold=0.2", "threshold"),
    ("/detect?max=0", "max must be one whole number from 1 to 1000000"), ("/detect?max=1.5", "max")])
def test_parameters_are_checked(server, path, error):
    status, _, answer = server.play(path=path)
    assert status == 400 and error in answer["error"]


def test_every_error_is_one_line_of_json(server):
    for status, method, path, body, kind in (
            (404, "GET", "/nothing", None, ""), (404, "GET", "/detect/", None, ""), (405, "GET", "/detect", None, ""),
            (405, "POST", "/healthz", b"", ""), (415, "POST", "/detect", b"hello", "text/plain"),
            (415, "POST", "/detect", b"hello", ""), (400, "POST", "/detect", b"", "image/png"),
            (400, "POST", "/detect", b"hello", "image/png"), (413, "POST", "/detect", b"a" * 100_001, "image/png"),
            (500, "POST", "/detect", SIGN + b"raise", "image/png")):
        found, headers, answer = server.ask(method, path, body, kind)
        assert found == status and headers["content-type"] == "application/json", (status, path)
        assert list(answer) == ["error"] and "\n" not in answer["error"] and "secret" not in answer["error"]


@pytest.mark.parametrize("content", [
    b"\x00\x01\x02\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200, b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000,
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
    *(HEAD + rest for rest in (
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", b"Content-Length: -5\r\n\r\nhello",
        b"Content-Length: " + b"9" * 3000 + b"\r\n\r\nhello", b"Transfer-Encoding: gzip\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n", b"Transfer-Encoding: chunked\r\n\r\n-5\r\n\r\n"))],
    ids=range(12))
def test_what_is_no_http_is_refused_at_once(server, content):
    answer = server.raw(content)
    assert answer.startswith(b"HTTP/1.1 400") and answer.endswith(b'{"error": "this is no valid HTTP request"}\n')


def test_a_length_that_is_too_large_is_refused_before_the_body(server):
    answer = server.raw(HEAD + b"Expect: 100-continue\r\nContent-Length: 999999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413") and b"100 Continue" not in answer
    chunks = b"".join(b"%x\r\n%s\r\n" % (60_000, b"a" * 60_000) for _ in range(2))
    assert server.raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks).startswith(b"HTTP/1.1 413")


def test_an_upload_that_stops_is_ended(server):
    for start in (b"Content-Length: 500\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\nhello"):
        answer = server.raw(HEAD + start)
        assert answer.startswith(b"HTTP/1.1 408") and b"connection: close" in answer


def test_chunks_and_requests_behind_one_another(server):
    image = SIGN + b"piece"
    one = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(image), image)
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = server.raw(one * 3 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 4 and answer.count(b'"piece"') == 3 and answer.endswith(b"alive\n")


def test_health_description_and_metrics(server):
    assert server.ask("GET", "/healthz")[2] == b"alive\n" and server.ask("GET", "/readyz")[2] == b"ready\n"
    description = server.ask("GET", "/")[2]
    assert description["classes"] == ["thing"] and "inclusive" in description["boxes"]
    time.sleep(0.15)
    before = server.metric('lhrcnn_requests_total{path="/detect",status="200"}')
    server.play()
    server.wait_for('lhrcnn_requests_total{path="/detect",status="200"}', before + 1)
    assert server.metric('lhrcnn_resident_memory_bytes{process="worker_0"}') > 1e6
    assert server.metric("lhrcnn_workers_ready") == 1 and server.metric("lhrcnn_upload_bytes") == 0


def test_the_log_tells_of_requests_and_not_of_images(server):
    server.play("SECRETPIXELS", "/detect?threshold=0.125")
    server.ask("GET", "/%0Aforged%20line")
    log = server.log.read_text()
    assert "127.0.0.1 POST /detect 200, 20 bytes in" in log and "GET other 404" in log
    assert "SECRETPIXELS" not in log and "forged" not in log


def test_many_clients_at_once(server):
    answers = []
    threads = [threading.Thread(target=lambda number=number: answers.append(
        (number, server.play(f"n{number}")[2]["words"]))) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [(number, [f"n{number}"]) for number in range(40)]
