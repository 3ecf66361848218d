"""Serves a detector over HTTP: clients send images to /detect and get boxes as JSON."""
import argparse
import os
from pathlib import Path
from typing import Optional

from ...engine.deploy.onnx.folder import PRECISIONS
from ...engine.serving.settings import MEGABYTE, Settings, check_settings
from ...errors import LibraryError, UsageError
from . import options

EXAMPLES = """
lhrcnn serve output/shapes_s/export/shapes_s
lhrcnn serve models/blood_onnx --engine onnxruntime --port 8080 --workers 2
lhrcnn serve models/blood_onnx --host 0.0.0.0 --token-file /etc/lhrcnn/token
curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' 'http://127.0.0.1:8000/detect?threshold=0.7&max=10'
"""
TOKEN = "LHRCNN_TOKEN"  # the environment variable
_DEFAULT = Settings("")
_LEAST_TOKEN = 16  # characters


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status, see `engine.serving.server.serve`."""
    parser = options.make_plain_parser("lhrcnn serve", __doc__, EXAMPLES)
    parser.add_argument("model", metavar="MODEL", help="an export (one in ONNX, named by its folder, is fastest), a "
                        "checkpoint, or the folder of a training; it runs on the CPU")
    parser.add_argument("--engine", metavar="NAME", help="what runs an ONNX export: openvino or onnxruntime (default: "
                        "the first of them that is installed); anything else runs in MXNet")
    parser.add_argument("--precision", choices=PRECISIONS, help="in which an ONNX export is run (default: its own)")
    parser.add_argument("--host", default=_DEFAULT.host, help=f"address to listen on (default: {_DEFAULT.host}); one "
                        "that other machines reach needs a token")
    parser.add_argument("--port", type=int, default=_DEFAULT.port, help=f"port to listen on (default: "
                        f"{_DEFAULT.port}); 0 takes a free one")
    parser.add_argument("--token-file", metavar="FILE", help="file with the token that requests must bring along, as "
                        f"Authorization: Bearer TOKEN; the environment variable {TOKEN} says the same")
    _add(parser, "workers", 1, "processes that each hold a detector")
    parser.add_argument("--threads", type=_count_from(1), metavar="N", help="of the processor, for each worker "
                        "(default: the processors shared among the workers)")
    _add(parser, "queue", 1, "requests that may wait; further ones get status 503")
    _add(parser, "batch", 1, "images that may go through the network together, where they are small and the answers "
         "stay the same")
    parser.add_argument("--max-megabytes", type=_positive, default=_DEFAULT.max_bytes / MEGABYTE, metavar="N",
                        help=f"of a request (default: {_DEFAULT.max_bytes // MEGABYTE})")
    parser.add_argument("--max-megapixels", type=_positive, default=_DEFAULT.max_megapixels, metavar="N",
                        help=f"of an image (default: {_DEFAULT.max_megapixels:g})")
    parser.add_argument("--upload-memory", type=_positive, default=_DEFAULT.upload_memory / MEGABYTE, metavar="N",
                        help="megabytes of all requests that are held at a time (default: "
                        f"{_DEFAULT.upload_memory // MEGABYTE})")
    _add(parser, "connections", 1, "open at a time; beyond them the one that has waited longest is closed")
    _add_seconds(parser, "request-timeout", "from the end of an upload to its answer")
    _add_seconds(parser, "work-timeout", "for an image in a worker; a worker that takes longer is replaced")
    _add_seconds(parser, "upload-timeout", "for the body of a request")
    _add_seconds(parser, "idle-timeout", "between two pieces of a body")
    _add_seconds(parser, "header-timeout", "for the headers of a request")
    _add_seconds(parser, "stop-timeout", "for requests that were accepted before SIGTERM")
    parser.add_argument("--quiet", action="store_true", help="write no line for each request")
    args = parser.parse_args(argv)
    fields = {name: value for name, value in vars(args).items() if name in Settings._fields}
    settings = Settings(**{**fields, "max_bytes": int(args.max_megabytes * MEGABYTE),
                           "upload_memory": int(args.upload_memory * MEGABYTE), "token": _token(args.token_file)})
    check_settings(settings)
    return _serve(settings, args.quiet)


def _serve(settings: Settings, quiet: bool) -> int:
    import logging
    try:
        from ...engine.serving.server import serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "h11", "prometheus_client"):
            raise
        raise LibraryError("serving needs the extra `serve`: pip install 'light_head_rcnn[serve]'") from None
    from ...engine.reporting.logger import open_logger
    logger = open_logger()
    logging.getLogger("light_head_rcnn.access").setLevel(logging.WARNING if quiet else logging.INFO)
    return serve(settings, when_ready=lambda address: logger.info("serving %s on %s; Ctrl-C stops it", settings.model,
                                                                  address))


def _token(file: Optional[str]) -> Optional[str]:
    """The token of a server, from its file or else from the environment; None where neither names one."""
    if file is None:
        token, where = os.environ.get(TOKEN), f"the environment variable {TOKEN}"
    else:
        try:
            token, where = Path(file).read_text(encoding="ascii").strip(), file
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: no token can be read ({getattr(error, 'strerror', None) or error})") from None
    if token is not None and (len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable()
                              or " " in token):
        raise UsageError(f"{where}: a token has at least {_LEAST_TOKEN} letters, digits or signs of ASCII and no "
                         "spaces; openssl rand -hex 32 makes one")
    return token


def _add(parser: argparse.ArgumentParser, name: str, least: int, text: str) -> None:
    default = getattr(_DEFAULT, name)
    parser.add_argument(f"--{name}", type=_count_from(least), default=default, metavar="N",
                        help=f"{text} (default: {default})")


def _add_seconds(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    default = getattr(_DEFAULT, name.replace("-", "_"))
    parser.add_argument(f"--{name}", type=_positive, default=default, metavar="SECONDS",
                        help=f"{text} (default: {default:g})")


def _count_from(least: int) -> type:
    def count(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return value

    count.__name__ = "whole number"
    return count


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


_positive.__name__ = "number"
