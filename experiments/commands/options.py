"""Parts that the commands share: options, devices, overrides of the configuration, and readable errors."""
import argparse
import contextlib
import errno
import functools
import inspect
import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import Callable, Iterator, List, Optional, Sequence, Tuple, Union

from yacs.config import CfgNode

from ...data.files.plain_names import PrintableStream, printable
from ...engine.config import KEYS, gpu_ids, load_config, with_values
from ...engine.config.keys import SECTIONS
from ...engine.signals import SignalReceived, exit_status, sigterm_raises
from ...errors import LightHeadError, UsageError
from .extensions import import_extensions

# A disk that is full, or a quota that is used up: the error of such a write names no file.
_FULL = (errno.ENOSPC, errno.EDQUOT)
Arguments = Optional[Sequence[str]]


def make_parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Makes a parser with --cfg, --cpu, --cpus and --gpus.

    Args:
        prog: the command, such as "lhrcnn train".
        description: what the command does.
        examples: commands, one a line, shown under the help.
    """
    parser = make_plain_parser(prog, description, examples)
    parser.add_argument("--cfg", metavar="FILE", help="configuration: a YAML file, or the name of a bundled one such "
                        "as bccd_s")
    add_devices(parser)
    return parser


def make_plain_parser(prog: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Makes a parser without options; the arguments are those of `make_parser`."""
    return argparse.ArgumentParser(
        prog=prog, description=inspect.cleandoc(description), formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n" + textwrap.indent(textwrap.dedent(examples).strip(), "  "))


def add_devices(parser: argparse.ArgumentParser, default: str = "the configuration's gpus where MXNet sees a GPU, "
                "otherwise the CPU") -> None:
    """Adds --cpu, --cpus and --gpus; `default` says in words what runs without them."""
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cpu", action="store_true", help="run on the CPU")
    devices.add_argument("--cpus", type=int, metavar="N", help="run on the CPU as on N devices, which share each batch "
                         "as GPUs do, to try out what several GPUs would do")
    devices.add_argument("--gpus", metavar="IDS", help="run on these GPUs, such as 0 or 0,1 (default: "
                         f"{default})")


def add_overrides(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments KEY=VALUE, which change entries of the configuration."""
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="configuration entries to change, such as "
                        "TRAIN.lr=0.01; KEY VALUE is understood too. lhrcnn config prints all keys")


def add_checkpoint_arguments(parser: argparse.ArgumentParser, exports: bool = False) -> None:
    """Adds --checkpoint, --epoch and --allow-partial."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--checkpoint", metavar="PATH", help="a checkpoint, such as output/shapes_s/shapes_s-0008, "
                       "or a parameter file (.params), or the folder of a training"
                       f"{', or an export' if exports else ''}. It contains its configuration, so that --cfg may be "
                       "left out (default: the best checkpoint of --cfg, or else the last one)")
    which.add_argument("--epoch", type=int, metavar="N", help="the checkpoint of --cfg after N epochs")
    add_partial_argument(parser)


def add_partial_argument(parser: argparse.ArgumentParser) -> None:
    """Adds --allow-partial."""
    parser.add_argument("--allow-partial", action="store_true", help="where a parameter file does not fit the network, "
                        "list the parameters that do not fit, and load the others")


def add_training_arguments(parser: argparse.ArgumentParser, resume: str) -> None:
    """Adds --resume, with the help text `resume`, --resume-if-any, --out, --allow-partial and the overrides."""
    add_resuming(parser, resume)
    parser.add_argument("--out", metavar="FOLDER", help="folder for checkpoints, logs and tests (default: "
                        "the configuration's output_path)")
    add_partial_argument(parser)
    add_overrides(parser)


def add_resuming(parser: argparse.ArgumentParser, resume: str) -> None:
    """Adds --resume, with the help text `resume`, and --resume-if-any."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--resume", action="store_true", help=resume + "; an error where there is none")
    which.add_argument("--resume-if-any", action="store_true", help="go on as with --resume where there is something "
                       "to go on from, and start anew otherwise: for commands that a scheduler starts again")


def split_overrides(words: Sequence[str]) -> Tuple[List[str], List[str]]:
    """Splits words into overrides and others: KEY=VALUE and KEY VALUE, where KEY is a key of the configuration.

    So are words like SECTION.NAME=VALUE that are no file: whoever loads the configuration tells which keys there are.
    A file whose name is a key can be written with its folder, such as ./seed.

    Returns:
        The overrides, and the other words.
    """
    overrides, others, position = [], [], 0
    while position < len(words):
        word = words[position]
        is_pair = word in KEYS
        if is_pair or _sets_a_key(word):
            overrides += words[position:position + 1 + is_pair]
        else:
            others.append(word)
        position += 1 + is_pair
    return overrides, others


def _sets_a_key(word: str) -> bool:
    key, equals, _ = word.partition("=")
    section, dot, _ = key.partition(".")
    return bool(equals) and (key in KEYS or bool(dot) and section in SECTIONS and not os.path.exists(word))


def load_cfg(path: Optional[str], overrides: Sequence[str]) -> CfgNode:
    """Loads the configuration that a command line names; UsageError where it names none."""
    if path is None:
        raise UsageError("name a configuration: --cfg FILE, such as --cfg shapes_s")
    return load_config(path, overrides)


def load_training_cfg(args: argparse.Namespace) -> CfgNode:
    """Loads the configuration of a training; --out, where it is given, replaces `output_path`."""
    cfg = load_cfg(args.cfg, args.overrides)
    if args.out:
        cfg = with_values(cfg, {"output_path": args.out})
    check_output_folder(cfg.output_path)
    return cfg


def check_output_folder(folder: Union[str, Path], advice: str = "name another by --out") -> None:
    """Checks that files can be written to a folder, before the work of which they are the result.

    The folder is not made: a start that fails for another reason leaves nothing behind.

    Args:
        folder: the folder.
        advice: what the error tells to do.

    Raises:
        UsageError: the folder, or the one that it would be made in, is a file or is not to be written to.
    """
    nearest = Path(folder)
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        raise UsageError(f"{folder} cannot take files, because {nearest} is not a folder: {advice}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} cannot take files, because {nearest} may not be written to: {advice}")


def load_cfg_unless_checkpoint(args: argparse.Namespace) -> Optional[CfgNode]:
    """Loads the configuration of a command that takes a checkpoint; None where the checkpoint's own is to be used."""
    if args.cfg is None and args.checkpoint is not None:
        return None
    if args.cfg is None:
        raise UsageError("name a checkpoint or the folder of a training (--checkpoint PATH), or a configuration "
                         "(--cfg FILE)")
    return load_config(args.cfg, args.overrides)


def parse_gpus(text: str) -> Tuple[int, ...]:
    """Returns the numbers of the option --gpus, such as (0, 1) for "0,1"; UsageError for another text."""
    if not all(part.strip().isdecimal() for part in text.split(",")):
        raise UsageError(f"--gpus takes numbers with commas between, such as 0,1, got {text!r}")
    return tuple(int(part) for part in text.split(","))


def choose_contexts(args: argparse.Namespace, cfg: Optional[CfgNode] = None) -> list:
    """Chooses devices: those of --cpu, --cpus or --gpus, else the GPUs of the configuration, else the CPU.

    Args:
        args: the command line, with `cpu`, `cpus` and `gpus`.
        cfg: its key `gpus` is read where the command line names no device and MXNet sees a GPU; None takes GPU 0 then.

    Returns:
        list of mx.Context.

    Raises:
        UsageError: MXNet does not see a GPU that is asked for, or the number of CPU devices is below 1.
    """
    import mxnet as mx
    if args.cpu:
        return [mx.cpu()]
    if args.cpus is not None:
        if args.cpus < 1:
            raise UsageError(f"--cpus is {args.cpus}; it must be at least 1")
        return [mx.cpu(number) for number in range(args.cpus)]
    try:
        seen = mx.context.num_gpus()
    except mx.MXNetError:
        seen = 0
    if args.gpus is None:
        if not seen:
            return [mx.cpu()]
        ids = gpu_ids(cfg) if cfg is not None else (0,)
    else:
        ids = parse_gpus(args.gpus)
    if max(ids) >= seen or len(set(ids)) != len(ids):
        there = f"only GPUs 0 to {seen - 1}" if seen else "none"
        raise UsageError(f"GPUs {','.join(map(str, ids))} asked for, but MXNet sees {there}: choose others by --gpus, "
                         "or use --cpu")
    return [mx.gpu(number) for number in ids]


def readable_errors(main: Callable[[Arguments], int]) -> Callable[[Arguments], int]:
    """Decorates `main(argv=None)`: mistakes of the user become one message on stderr and exit status 2.

    So do errors of the operating system that name a file, and a full disk. Other exceptions keep their traceback: they
    are defects of the program. A reader of stdout that has seen enough, such as `head`, ends nothing. SIGTERM ends the
    command as Ctrl-C does, so that what is open is closed and commands that were started are ended; the exit status is
    143 or 130 then.
    """
    @functools.wraps(main)
    def guarded(argv: Arguments = None) -> int:
        try:
            with sigterm_raises(), _printing():
                import_extensions()
                return main(argv)
        except KeyboardInterrupt as stop:
            print("stopped", file=sys.stderr)
            return stop.exit_status if isinstance(stop, SignalReceived) else exit_status(signal.SIGINT)
        except LightHeadError as error:
            print(printable(f"error: {error}"), file=sys.stderr)
            return 2
        except OSError as error:
            if error.filename is None and error.errno not in _FULL:
                raise
            where = "" if error.filename is None else f"{error.filename}: "
            print(printable(f"error: {where}{error.strerror}"), file=sys.stderr)
            return 2
    return guarded


class _Output(PrintableStream):
    """Standard output; what is printed after its reader has gone is thrown away, so that the work goes on."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            self._throw_away()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._throw_away()

    def _throw_away(self) -> None:
        with open(os.devnull, "w") as nowhere:  # takes what is still buffered, too
            os.dup2(nowhere.fileno(), self.fileno())


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    if sys.stdout is None:  # closed by who started the program
        yield
        return
    with contextlib.redirect_stdout(_Output(sys.stdout)) as output:
        try:
            yield
        finally:
            output.flush()
