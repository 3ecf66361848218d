"""Prints the configuration keys, the values of a configuration, or what was decided for MXNet at the start."""
import argparse
import sys
import textwrap
from typing import Optional, Sequence

from ...engine.config import load_with_sources
from ...engine.config.printing import table_markdown, table_text, values_text
from ...errors import UsageError
from .options import readable_errors

EXAMPLES = """
lhrcnn config
lhrcnn config --cfg bccd_s TRAIN.lr=0.0001 > mine.yaml
lhrcnn config --runtime
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lhrcnn config", description=f"{__doc__} Without arguments it prints every key with its kind, default, "
        "bounds and meaning.", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n" + textwrap.indent(EXAMPLES.strip(), "  "))
    parser.add_argument("--cfg", metavar="FILE", help="prints all values of this configuration, a YAML file or the "
                        "name of a bundled one, and where each is from")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--markdown", action="store_true", help="prints the keys as a page in Markdown")
    what.add_argument("--runtime", action="store_true", help="prints threads, caches and other settings that were made "
                      "before MXNet loads, and why")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE",
                        help="configuration entries to change before the values are printed")
    return parser


@readable_errors
def main(argv: Optional[Sequence[str]] = None) -> int:
    """Runs the command line `argv` (default: that of the process); returns the exit code."""
    args = _parser().parse_intermixed_args(argv)
    has_values = args.cfg is not None or bool(args.overrides)
    if has_values and (args.markdown or args.runtime):
        raise UsageError("--markdown and --runtime print no configuration: leave out --cfg and KEY=VALUE")
    if args.runtime:
        from ... import runtime
        text = runtime.report()
    elif args.markdown:
        text = table_markdown()
    elif has_values:
        text = values_text(*load_with_sources(args.cfg, args.overrides))
    else:
        text = table_text()
    print(text.rstrip("\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
