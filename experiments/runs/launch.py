"""Runs a command that does not outlive the process that started it: `python launch.py PID COMMAND...`

Linux sends this process a signal when its parent PID ends, however the parent ends, and the command takes the place of
this process. The file imports nothing of the package, so that it starts at once.
"""
import ctypes
import os
import signal
import sys
from typing import List

PR_SET_PDEATHSIG = 1


def main(parent: int, words: List[str]) -> None:
    """Becomes the command.

    Args:
        parent: number of the process with which the command shall end.
        words: the command and its arguments.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have ended before the line above.
    if os.getppid() != parent:
        sys.exit(f"process {parent}, which started this one, has ended")
    os.execvp(words[0], words)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
