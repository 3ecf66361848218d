"""What can be chosen about a server: where it listens, what it runs, and the bounds that it keeps to."""
import ipaddress
from typing import NamedTuple, Optional

from ...errors import UsageError

MEGABYTE = 1_000_000
_LAST_PORT = 65535


class Settings(NamedTuple):
    """The choices of a server; times are in seconds.

    Attributes:
        model: path of the detector, see `load_detector`.
        engine, precision: what runs an ONNX export, see `load_detector`; None for the default.
        host, port: where it listens; port 0 takes a free one.
        token: what requests must bring along as `Authorization: Bearer TOKEN`; None asks for nothing.
        workers: processes that each hold a detector.
        threads: of the processor, for each worker; None shares the processors among the workers.
        queue: requests that may wait for a worker.
        batch: images that may go through the network at a time, where the detector gains by it.
        batch_wait: how long images wait for others that are being received, to make a batch with them.
        max_bytes: of the body of a request.
        max_megapixels: millions of pixels of an image.
        upload_memory: bytes of all bodies that are held at a time.
        header_timeout: from the first moment of a connection, or the first byte of a later request, to the end of the
            headers.
        idle_timeout: between two pieces of a body.
        upload_timeout: from the headers to the end of the body.
        request_timeout: from the end of the body to the answer.
        work_timeout: for a batch in a worker; a worker that takes longer is replaced.
        write_timeout: for a client that does not read its answer.
        linger: for what a client still sends after it was refused; where a connection is closed before that is read,
            the client's system may throw the answer away.
        keep_alive: how long a connection may stay open between two requests.
        stop_timeout: for requests that were accepted before the server was told to stop.
        connections: open at a time; beyond them the one that has waited longest for a request gives way.
    """

    model: str
    engine: Optional[str] = None
    precision: Optional[str] = None
    host: str = "127.0.0.1"
    port: int = 8000
    token: Optional[str] = None
    workers: int = 1
    threads: Optional[int] = None
    queue: int = 64
    batch: int = 8
    batch_wait: float = 0.002
    max_bytes: int = 16 * MEGABYTE
    max_megapixels: float = 50.0
    upload_memory: int = 256 * MEGABYTE
    header_timeout: float = 5.0
    idle_timeout: float = 5.0
    upload_timeout: float = 30.0
    request_timeout: float = 30.0
    work_timeout: float = 20.0
    write_timeout: float = 10.0
    linger: float = 2.0
    keep_alive: float = 5.0
    stop_timeout: float = 30.0
    connections: int = 512


def check_settings(settings: Settings) -> None:
    """Raises UsageError where a server would listen to others without a token, or could not take a single request.

    So it does for a port that no machine has.
    """
    check_port(settings.port)
    if settings.token is None and not is_loopback(settings.host):
        raise UsageError(f"{settings.host} can be reached from other machines, so requests must bring a token along: "
                         "name a file that holds it by --token-file, or set LHRCNN_TOKEN")
    if settings.upload_memory < settings.max_bytes:
        raise UsageError(f"--upload-memory ({settings.upload_memory / MEGABYTE:g} MB) must hold at least one request "
                         f"of --max-megabytes ({settings.max_bytes / MEGABYTE:g} MB)")


def check_port(port: int) -> None:
    """Raises UsageError for a number that no port has; it names the option of the command."""
    if not 0 <= port <= _LAST_PORT:  # the system would take the number's last 16 bits
        raise UsageError(f"--port is {port}; it must be from 0 to {_LAST_PORT}")


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may mean any address
        return False
