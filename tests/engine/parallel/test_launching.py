"""Processes of a launch: their lines, their logs, their signals, and that none is left."""
import os
import signal
import subprocess
import sys
import time

import pytest

from light_head_rcnn.engine.parallel import launching
from light_head_rcnn.engine.parallel.hosts import Host, command_on, read_hosts
from light_head_rcnn.engine.parallel.launching import Plan, launch
from light_head_rcnn.errors import UsageError

SAVES = """
import signal, sys, time
def stop(number, frame):
    print("saved", flush=True)
    sys.exit(128 + number)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
print("begins", flush=True)
for _ in range(600):  # a signal that comes just before a sleep begins does not end that sleep
    time.sleep(0.1)
"""


@pytest.fixture
def go(monkeypatch, tmp_path):
    """Function from the program of the workers to (status, lines) of a launch of three with one server."""
    def go(work, serve="import time; time.sleep(0.5)", on_line=lambda line: None, **options):
        monkeypatch.setattr(launching, "_WORK", work)
        monkeypatch.setattr(launching, "_SERVE", serve)
        lines = []

        def show(line):
            lines.append(line)
            on_line(line)
        began = time.monotonic()
        status = launch(Plan(3, 1, ["train"], folder=tmp_path / "logs", **options), show)
        assert time.monotonic() - began < 30
        return status, lines
    return go


def test_all_end_well(go, tmp_path):
    status, lines = go("import os; print(*(os.environ[n] for n in ('DMLC_ROLE', 'DMLC_WORKER_ID', 'OMP_NUM_THREADS')))",
                       threads=2)
    assert status == 0
    assert sorted(lines) == [f"[worker {number}] worker {number} 2" for number in range(3)]
    assert (tmp_path / "logs" / "worker-1.log").read_text() == "worker 1 2\n"


@pytest.mark.parametrize("dies, status, how", [
    ("os.kill(os.getpid(), 9)", 137,
     "was ended by SIGKILL, as the system does where memory runs out"), ("sys.exit(3)", 3, "ended with status 3")])
def test_one_dies(go, dies, status, how):
    found, lines = go(f"import os, sys, time\nif os.environ['DMLC_WORKER_ID'] == '1': {dies}\ntime.sleep(60)",
                      serve="import time; time.sleep(60)")
    assert found == status
    assert f"error: worker 1 {how}; the other processes are ended" in "\n".join(lines)


def test_a_server_dies(go):
    found, lines = go("import time; time.sleep(60)",
                      serve="import os, time; os.environ['DMLC_ROLE'] == 'server' and os.abort(); time.sleep(60)")
    assert found == 134 and "error: server 0 crashed in native code (SIGABRT)" in "\n".join(lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(go, number):
    begun = []

    def count(line):
        if line.endswith("begins"):
            begun.append(line)
            if len(begun) == 3:
                os.kill(os.getpid(), number)
    status, lines = go(SAVES, on_line=count)
    assert status == 128 + number
    assert sorted(line for line in lines if "saved" in line) == [f"[worker {rank}] saved" for rank in range(3)]


def test_processes_end_with_their_launcher(tmp_path):
    """An agent whose input ends, as it does when the launcher is killed, ends its command."""
    agent = launching.agent.__file__
    process = subprocess.Popen([sys.executable, agent, sys.executable, "-c", SAVES], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begins\n"
    process.stdin.close()
    assert process.wait(timeout=20) == 143 and process.stdout.read() == "saved\n"


def test_processes_on_hosts_by_a_command_of_ones_own(go):
    """A shell takes the place of ssh; the line that it gets runs in this folder."""
    hosts = [Host("one", "127.0.0.1"), Host("two", "127.0.0.1")]
    status, lines = go("import os; print(os.environ['HOST'], os.environ['DMLC_PS_ROOT_URI'], os.getcwd())",
                       hosts=hosts, ssh="env HOST={host} sh -c", port=launching.free_port())
    assert status == 0
    assert sorted(lines) == [f"[worker {number}] {name} 127.0.0.1 {os.getcwd()}"
                             for number, name in enumerate(("one", "two", "one"))]


def test_a_machine_that_ssh_does_not_reach(go):
    """ssh ends with 255 then; worker 1 is the first that is on the second machine."""
    hosts = [Host("one", "127.0.0.1"), Host("two", "127.0.0.1")]
    status, lines = go("import time; time.sleep(20)", serve="import time; time.sleep(20)", hosts=hosts,
                       ssh="env HOST={host} sh -c '[ $HOST = one ] || exit 255; eval \"$0\"'",
                       port=launching.free_port())
    assert status == 255
    assert "error: worker 1 on two ended with status 255, as ssh does where it cannot reach" in "\n".join(lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_servers_of_a_launch_outlive_signals_to_all_processes(number):
    """The workers need them to save."""
    code = launching._SERVE.replace("import serve;", "import serve; print('begins', flush=True);")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=dict(
        os.environ, DMLC_ROLE="server", DMLC_PS_ROOT_URI="127.0.0.1", DMLC_PS_ROOT_PORT=str(launching.free_port()),
        DMLC_NUM_WORKER="1", DMLC_NUM_SERVER="1"))
    try:
        assert process.stdout.readline() == "begins\n"
        time.sleep(1.5)
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_hosts_of_a_file(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("# machines\n\nlocalhost\nuser@far 10.0.0.7  # the second\n")
    assert read_hosts(path) == [Host("localhost", "127.0.0.1"), Host("user@far", "10.0.0.7")]


@pytest.mark.parametrize("text, message", [
    ("", "names no machine"), ("a b c", "line 1: got 'a b c'"), ("\n-oProxyCommand=x", "line 2: got"),
    ("no.such.machine.invalid", "line 1: no.such.machine.invalid does not resolve")])
def test_mistakes_in_hosts(tmp_path, text, message):
    path = tmp_path / "hosts"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_hosts(path)


def test_words_reach_a_machine_as_they_are():
    command = command_on(Host("far", "10.0.0.7"), "ssh -p 22 {host}", "/a b", ["X=1 2"], ["echo", "$HOME", "it's"])
    assert command[:4] == ["ssh", "-p", "22", "far"]
    assert command[4] == "cd '/a b' && exec env 'X=1 2' echo '$HOME' 'it'\"'\"'s'"
