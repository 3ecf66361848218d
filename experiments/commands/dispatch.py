"""Commands that are made of others: the first word names one, and the rest are its arguments."""
import importlib
import sys
import textwrap
from typing import Mapping, Sequence


def usage(prog: str, commands: Mapping[str, str], more: str = "", examples: str = "") -> str:
    """Returns the help of a command that is made of others.

    Args:
        prog: the command, such as "lhrcnn".
        commands: what each does, by its name.
        more: a last sentence.
        examples: command lines, one a line.
    """
    width = max(map(len, commands)) + 2
    lines = "\n".join(f"  {name:<{width}}{what}" for name, what in commands.items())
    text = f"usage: {prog} COMMAND ...\n\n{lines}\n\n{prog} COMMAND --help says more{'; ' + more if more else ''}."
    return text + ("\n\nexamples:\n" + textwrap.indent(examples.strip(), "  ") if examples else "")


def dispatch(prog: str, commands: Mapping[str, str], prefix: str, words: Sequence[str], more: str = "",
             examples: str = "") -> int:
    """Runs the command that the first of `words` names; returns the exit status.

    Args:
        prog, commands, more, examples: see `usage`.
        prefix: the module of a command is named so and then as the command; it is in this folder, and only imported
            when it is run.
        words: of the command line.
    """
    if not words or words[0] in ("-h", "--help"):
        print(usage(prog, commands, more, examples))
        return 0 if words else 2
    if words[0] not in commands:
        print(f"error: unknown command {' '.join([*prog.split()[1:], words[0]])!r}\n\n{usage(prog, commands, more)}",
              file=sys.stderr)
        return 2
    return importlib.import_module("." + prefix + words[0], __package__).main(list(words[1:]))
