"""The machines that `lhrcnn launch` starts processes on."""
import shlex
import socket
from typing import List, NamedTuple, Sequence

from ...errors import UsageError
from ..files import PathLike

SSH = "ssh -o BatchMode=yes {host}"


class Host(NamedTuple):
    """A machine.

    Attributes:
        name: what ssh calls it; empty for this machine, where no ssh is needed.
        address: IP address at which the others reach it.
    """

    name: str
    address: str


HERE = Host("", "127.0.0.1")


def read_hosts(path: PathLike) -> List[Host]:
    """Reads the machines of a file: on each line the name for ssh and, where that does not resolve, the address.

    Empty lines and what follows a # are not read.

    Raises:
        UsageError: the file cannot be read, names no machine, or a name does not resolve; the message names the line.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--hosts {path} cannot be read: {error}") from error
    hosts = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) > 2 or words[0].startswith("-"):
            raise UsageError(f"--hosts {path}, line {number}: got {line!r}; it must be a name and, where that does not "
                             "resolve, an IP address")
        name = words[0].rpartition("@")[2]
        try:
            address = socket.gethostbyname(words[-1] if len(words) == 2 else name)
        except OSError as error:
            raise UsageError(f"--hosts {path}, line {number}: {words[-1]} does not resolve ({error}); write the IP "
                             "address behind the name") from error
        hosts.append(Host(words[0], address))
    if not hosts:
        raise UsageError(f"--hosts {path} names no machine")
    return hosts


def command_on(host: Host, ssh: str, folder: str, variables: Sequence[str], words: Sequence[str]) -> List[str]:
    """Returns the command that runs another one on a machine.

    Args:
        host: the machine.
        ssh: command with {host} in it, which is given one more argument: a line for the machine's shell.
        folder: is changed into first.
        variables: of the environment, as NAME=VALUE.
        words: the command.
    """
    if not host.name:
        return ["env", *variables, *words]
    if "{host}" not in ssh:
        raise UsageError(f"--ssh is {ssh!r}; it must contain {{host}}")
    line = " ".join(["cd", shlex.quote(folder), "&&", "exec", "env", *map(shlex.quote, [*variables, *words])])
    return [word.replace("{host}", host.name) for word in shlex.split(ssh)] + [line]
