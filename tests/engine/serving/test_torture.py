"""The short form of tests/torture/clients.py, with played detectors."""


def test_a_good_client_among_bad_ones(start, module_at):
    server, lines = start(queue=64, header_timeout=1, idle_timeout=1, linger=0.1), []
    images = [b"\x89PNG\r\n\x1a\n" + word * 30 for word in (b"good ", b"other ", b"third ")]
    torture = module_at("torture/clients.py").Torture(server.process.pid, server.port, images, 3, lines.append)
    torture.broken_requests(60)
    torture.slow(100, 1)
    torture.killed_uploads(60)
    torture.vanished(30)
    torture.many_requests(100, 4)
    torture.killed_workers(1)
    assert server.stop() == 0
    assert len(lines) == 6 and "Traceback" not in server.log.read_text()
