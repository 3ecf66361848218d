"""The console command `lhrcnn`: the first word names a command, the others are its arguments."""
import os
import sys
from typing import Dict

from ... import __version__
from ...engine.parallel.server import SERVING_ROLES, serve
from . import options
from .dispatch import dispatch
from .extensions import add_extensions, import_extensions, split_extensions

# Each is a module of this folder with `main(argv)`.
COMMANDS: Dict[str, str] = {
    "train": "train a detector",
    "test": "test a detector on a data set",
    "detect": "detect objects in photographs and videos",
    "launch": "train a detector by several processes, on this machine or on several",
    "pretrain": "train a backbone as a classifier, with whose weights detectors start",
    "proposals": "find boxes that may hold an object, by selective search or edge boxes, and measure their recall",
    "svm": "train support vector machines on the features of a Fast R-CNN",
    "compress": "make the fully connected layers of a head faster, by truncated SVD",
    "convert": "take weights from other frameworks",
    "export": "write a detector as files that need no configuration",
    "serve": "answer images that clients send over HTTP",
    "data": "check, show, split, convert, pack and crop data sets, and fit anchors to them",
    "tables": "measure the costs of the paper's rows, train them at a small scale, write the tables",
    "study": "train variants of a configuration on several data sets, and write the page of the comparison",
    "benchmark": "time backbones, detectors, operators, streams, servers, training steps, trainings on "
                 "several processes and the reading of data sets",
    "config": "print the keys of the configuration, or what was decided for MXNet",
}


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    if os.environ.get("DMLC_ROLE") in SERVING_ROLES:
        return serve()  # the same command was started in every role: this process holds what the workers share
    names, words = split_extensions(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--version"]:
        print(f"light_head_rcnn {__version__}")
        return 0
    if names:
        add_extensions(names)
        import_extensions()
    return dispatch("lhrcnn", COMMANDS, "", words, "lhrcnn --version prints the version\nlhrcnn --import MODULE "
                    "COMMAND ... imports a module first, which registers models, backbones or data sets of your own")


if __name__ == "__main__":
    sys.exit(main())
