"""Trains a detector by several processes that MXNet's KVStore joins, on this machine or, by ssh, on several."""
import sys
import threading
from pathlib import Path
from typing import List

from ...engine.serving.settings import check_port
from ...errors import UsageError
from ...runtime import available_threads
from . import options, train

EXAMPLES = """
lhrcnn launch -n 2 -- train --cfg shapes_s --cpu
lhrcnn launch -n 4 --servers 2 -- train --cfg shapes_s --cpu --resume-if-any
lhrcnn launch -n 4 --hosts hosts.txt --out logs -- train --cfg coco_xception_s --gpus 0,1 --out /shared/run
"""
_PORT = 9091  # of the scheduler on another machine, where a free one cannot be looked for


@options.readable_errors
def main(argv: options.Arguments = None) -> int:
    """Runs the command line `argv`.

    Returns:
        The exit status: that of the first process that failed, 128 and more where a signal ended it, 128 and the
        signal's number where one ended the training, otherwise 0.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    split = words.index("--") if "--" in words else len(words)
    own, arguments = words[:split], words[split + 1:]
    parser = options.make_plain_parser("lhrcnn launch", f"{__doc__}\nBehind -- stands what each process does: train "
                                       "and its arguments.", EXAMPLES)
    parser.usage = ("lhrcnn launch [-h] -n N [--servers S] [--hosts FILE] [--ssh COMMAND] [--port P] [--out FOLDER] "
                    "-- train ARGUMENTS")
    parser.add_argument("-n", "--workers", type=int, required=True, metavar="N", help="processes that train; each "
                        "takes its part of every batch, which is N times as large as that of one")
    parser.add_argument("--servers", type=int, default=1, metavar="S", help="processes that add up the gradients "
                        "(default: %(default)s)")
    parser.add_argument("--hosts", metavar="FILE", help="start the processes on the machines that this file names, one "
                        "a line: the name for ssh and, where it does not resolve, the IP address. Each machine needs "
                        "the same Python, this folder and the output folder under the same paths (default: this "
                        "machine)")
    parser.add_argument("--ssh", default=None, metavar="COMMAND", help="command that runs a shell line on {host} "
                        "(default: ssh -o BatchMode=yes {host})")
    parser.add_argument("--port", type=int, default=0, metavar="P", help="of the scheduler, which is on the first "
                        f"machine (default: a free one; with --hosts {_PORT})")
    parser.add_argument("--out", metavar="FOLDER", help="folder for a log file of each process (default: the folder "
                        "launch in the output_path of the training)")
    args = parser.parse_args(own)
    if arguments[:1] != ["train"]:
        raise UsageError("behind -- stands what each process does: train and its arguments")
    if args.workers < 1 or args.servers < 1:
        raise UsageError(f"-n is {args.workers} and --servers {args.servers}; both must be at least 1")
    check_port(args.port)
    training = train.parse(arguments[1:])
    if training.horovod:
        raise UsageError("--horovod is for processes that horovodrun starts; lhrcnn launch starts those of MXNet's own "
                         "KVStore")
    cfg = options.load_training_cfg(training)
    from ...engine.parallel.hosts import HERE, SSH, read_hosts
    from ...engine.parallel.launching import Plan, launch
    hosts: List = read_hosts(args.hosts) if args.hosts else [HERE]
    if args.ssh is not None and "{host}" not in args.ssh:
        raise UsageError(f"--ssh is {args.ssh!r}; it must contain {{host}}")
    folder = Path(args.out or Path(cfg.output_path) / "launch")
    options.check_output_folder(folder)
    threads = 0 if args.hosts else max(available_threads().count // args.workers, 1)
    plan = Plan(args.workers, args.servers, arguments, hosts, args.port or (_PORT if args.hosts else 0),
                args.ssh or SSH, folder, threads)
    lock = threading.Lock()

    def show(line: str) -> None:
        with lock:
            print(line, file=sys.stderr, flush=True)

    return launch(plan, show)


if __name__ == "__main__":
    sys.exit(main())
