"""What the scripts' command lines share: --cfg, --cpu and --gpus, KEY VALUE overrides, and readable errors."""
import argparse
import functools
import sys
import textwrap

from ...engine.config import gpu_ids, load_config, reject_unimplemented
from ...errors import LightHeadError, UsageError
# Of files that the user named: the text of these errors names the path.
_ERRORS_OF_PATHS = (PermissionError, NotADirectoryError, IsADirectoryError, FileExistsError)


def make_parser(description, example, with_overrides=True):
    """Parser with --cfg, --cpu and --gpus, and KEY VALUE pairs at the end unless `with_overrides` is False.

    Parameters
    ----------
    description : str
        What the script does.
    example : str
        Commands, one a line, shown under the help.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n" + textwrap.indent(textwrap.dedent(example).strip(), "  "))
    parser.add_argument("--cfg", metavar="FILE", help="configuration, a YAML file such as those in experiments/cfgs")
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--cpu", action="store_true", help="run on the CPU")
    devices.add_argument("--gpus", metavar="IDS", help="run on these GPUs, such as 0 or 0,1 (default: the "
                         "configuration's gpus where MXNet sees a GPU, otherwise the CPU)")
    if with_overrides:
        parser.add_argument("overrides", nargs="*", metavar="KEY VALUE",
                            help="configuration entries to change, such as TRAIN.lr 0.01 dataset.dataset_path data/voc")
    return parser


def add_checkpoint_arguments(parser):
    """Adds --checkpoint and --epoch, which `detect.load_network` takes."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--checkpoint", metavar="PATH", help="checkpoint, such as output/shapes_s/shapes_s-0008, or a "
                       "file of parameters (.params)")
    which.add_argument("--epoch", type=int, metavar="N", help="the configuration's checkpoint after N epochs (default: "
                       "TEST.test_epoch, otherwise the last one)")
    add_partial_argument(parser)


def add_partial_argument(parser):
    """Adds --allow-partial."""
    parser.add_argument("--allow-partial", action="store_true", help="where a file of parameters does not fit, list "
                        "what does not, and go on with what does")


def parse(parser, argv=None):
    """Parses; options may stand before, after and between the overrides.

    Returns
    -------
    (argparse.Namespace, CfgNode)
    """
    args = parser.parse_intermixed_args(argv)
    return args, config_of(args.cfg, args.overrides)


def config_of(path, overrides):
    """`load_config`, where a missing --cfg, a KEY without VALUE and what is not implemented are the user's mistakes."""
    if path is None:
        raise UsageError("name a configuration: --cfg FILE, such as --cfg experiments/cfgs/shapes_s.yaml")
    if len(overrides) % 2:
        raise UsageError("overrides come in pairs KEY VALUE, but these are {} words: {}".format(
            len(overrides), " ".join(overrides)))
    cfg = load_config(path, overrides)
    reject_unimplemented(cfg)
    return cfg


def contexts_of(args, cfg=None):
    """Devices that the command line asks for: --cpu, --gpus, else the configuration's where MXNet sees a GPU.

    Returns
    -------
    list of mx.Context

    Raises UsageError for GPUs that MXNet does not see.
    """
    import mxnet as mx
    if args.cpu:
        return [mx.cpu()]
    try:
        seen = mx.context.num_gpus()
    except mx.MXNetError:
        seen = 0
    if args.gpus is None:
        if not seen:
            return [mx.cpu()]
        ids = gpu_ids(cfg) if cfg is not None else (0,)
    elif all(part.strip().isdecimal() for part in args.gpus.split(",")):
        ids = tuple(int(part) for part in args.gpus.split(","))
    else:
        raise UsageError(f"--gpus takes numbers with commas between, such as 0,1, got {args.gpus!r}")
    if max(ids) >= seen or len(set(ids)) != len(ids):
        raise UsageError("GPUs {} asked for, but MXNet sees {}: choose others by --gpus, or use --cpu".format(
            ",".join(map(str, ids)), f"only GPUs 0 to {seen - 1}" if seen else "none"))
    return [mx.gpu(number) for number in ids]


def readable_errors(main):
    """Decorates `main(argv=None)`: mistakes of the user become one message on stderr and exit code 2.

    Other exceptions keep their traceback: they are the project's.
    """
    @functools.wraps(main)
    def guarded(argv=None):
        try:
            return main(argv)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130
        except (LightHeadError, *_ERRORS_OF_PATHS) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return guarded
