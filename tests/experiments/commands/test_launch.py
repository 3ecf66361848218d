"""The command line of lhrcnn launch: what it hands over, and mistakes, which are found before a process is started."""
import pytest

from light_head_rcnn.engine.parallel import launching
from light_head_rcnn.engine.parallel.hosts import HERE, SSH, Host
from light_head_rcnn.experiments.commands import launch, main
from light_head_rcnn.runtime import Threads


@pytest.fixture
def plans(monkeypatch):
    found = []
    monkeypatch.setattr(launching, "launch", lambda plan, show: found.append(plan) or 7)
    monkeypatch.setattr(launch, "available_threads", lambda: Threads(8, ""))
    return found


def test_on_this_machine(plans, tmp_path):
    words = ["train", "--cfg", "shapes_s", "--cpu", "--out", str(tmp_path / "run")]
    assert launch.main(["-n", "3", "--", *words]) == 7
    plan, = plans
    assert (plan.workers, plan.servers, plan.arguments, plan.hosts, plan.port) == (3, 1, words, [HERE], 0)
    assert (plan.ssh, plan.folder, plan.threads) == (SSH, tmp_path / "run" / "launch", 2)
    assert not (tmp_path / "run").exists()


def test_on_several(plans, tmp_path):
    (tmp_path / "hosts").write_text("one 10.0.0.1\ntwo 10.0.0.2\n")
    assert launch.main(["-n", "4", "--servers", "2", "--hosts", str(tmp_path / "hosts"), "--ssh", "rsh {host}", "--out",
                        str(tmp_path / "logs"), "--", "train", "--cfg", "shapes_s"]) == 7
    plan, = plans
    assert plan.hosts == [Host("one", "10.0.0.1"), Host("two", "10.0.0.2")] and plan.servers == 2
    assert (plan.port, plan.ssh, plan.folder, plan.threads) == (9091, "rsh {host}", tmp_path / "logs", 0)


@pytest.mark.parametrize("words, message", [
    (["-n", "2"], "behind -- stands what each process does"),
    (["-n", "2", "--", "test", "--cfg", "shapes_s"], "behind -- stands what each process does"),
    (["-n", "0", "--", "train", "--cfg", "shapes_s"], "both must be at least 1"),
    (["-n", "2", "--port", "70000", "--", "train", "--cfg", "shapes_s"],
     "--port is 70000; it must be from 0 to 65535"),
    (["-n", "2", "--", "train", "--cfg", "nothing_like_it"], "nothing_like_it"),
    (["-n", "2", "--", "train", "--cfg", "shapes_s", "TRAIN.lr=x"], "TRAIN.lr"),
    (["-n", "2", "--", "train", "--cfg", "shapes_s", "--horovod"], "horovodrun"),
    (["-n", "2", "--ssh", "ssh", "--", "train", "--cfg", "shapes_s"], "must contain {host}"),
    (["-n", "2", "--hosts", "/nowhere/hosts", "--", "train", "--cfg", "shapes_s"], "/nowhere/hosts cannot be read")])
def test_mistakes(plans, capsys, words, message):
    assert launch.main(words) == 2 and not plans
    assert message in capsys.readouterr().err


def test_the_same_command_in_the_role_of_a_server(monkeypatch):
    monkeypatch.setattr(main, "serve", lambda: 5)
    for role in ("scheduler", "server"):
        monkeypatch.setenv("DMLC_ROLE", role)
        assert main.main(["train", "--cfg", "shapes_s"]) == 5
