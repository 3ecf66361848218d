"""The console command `lhrcnn`: the first word names a command, the others are its arguments."""
import importlib
import sys
from typing import Dict

from ... import __version__
from . import options

# Each is a module of this folder with `main(argv)`.
COMMANDS: Dict[str, str] = {
    "train": "train a detector",
    "test": "test a detector on a data set",
    "detect": "detect objects in photographs",
    "export": "write a detector as files that need no configuration",
    "tables": "measure the costs of the paper's rows, train them at a small scale, write the tables",
    "benchmark": "time operators, training steps and the reading of data sets",
    "config": "print the keys of the configuration, or what was decided for MXNet",
}
_USAGE = "usage: lhrcnn COMMAND ...\n\n" + "\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items()) + (
    "\n\nlhrcnn COMMAND --help says more; lhrcnn --version prints the version.")


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(_USAGE)
        return 0 if words else 2
    if words[0] == "--version":
        print(f"light_head_rcnn {__version__}")
        return 0
    if words[0] not in COMMANDS:
        print(f"error: unknown command {words[0]!r}\n\n{_USAGE}", file=sys.stderr)
        return 2
    return importlib.import_module("." + words[0], __package__).main(words[1:])
