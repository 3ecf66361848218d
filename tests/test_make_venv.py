"""The environment that `make setup` makes where Python has no pip of its own, against an index on this machine."""
import functools
import hashlib
import http.server
import importlib.util
import subprocess
import threading
import zipfile
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("make_venv", Path(__file__).parents[1] / "tools" / "make_venv.py")
make_venv = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_venv)


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Folder of a package index that serves a stand-in for pip, which writes its arguments to the file `called`."""
    folder = tmp_path / "index"
    (folder / "pip").mkdir(parents=True)
    wheel = folder / make_venv.PIP_WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pip/__main__.py", "import sys; open({!r}, 'w').write(' '.join(sys.argv[1:]))".format(
            str(tmp_path / "called")))
    links = '<a href="../pip-1.0.tar.gz">old</a>', f'<a href="../{make_venv.PIP_WHEEL}#sha256=0">pip</a>'
    (folder / "pip" / "index.html").write_text("\n".join(links))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(make_venv, "PIP_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_ensurepip(monkeypatch):
    """Python as Debian ships it, without ensurepip."""
    call = make_venv.call
    monkeypatch.setattr(make_venv, "call", lambda *command: subprocess.CompletedProcess(command, 1, "no ensurepip")
                        if "ensurepip" in command else call(*command))


def test_fetches_the_pinned_pip(tmp_path, index, no_ensurepip):
    make_venv.main(str(tmp_path / "env"))
    assert (tmp_path / "env" / "bin" / "python").exists()
    assert (tmp_path / "called").read_text().startswith("install --no-index --no-deps ")


def test_refuses_another_file(tmp_path, index, no_ensurepip, monkeypatch):
    monkeypatch.setattr(make_venv, "PIP_SHA256", "0" * 64)
    with pytest.raises(SystemExit, match="its hash differs(.|\n)*apt install python3-venv"):
        make_venv.main(str(tmp_path / "env"))
    assert not (tmp_path / "env").exists() and not (tmp_path / "called").exists()


def test_says_what_to_install_where_the_index_has_no_pip(tmp_path, index, no_ensurepip):
    (index / "pip" / "index.html").write_text("nothing")
    with pytest.raises(SystemExit, match="the index does not list it\n.*apt install python3-venv"):
        make_venv.main(str(tmp_path / "env"))
    (index / "pip" / "index.html").unlink()
    (index / "pip").rmdir()
    with pytest.raises(SystemExit, match="404(.|\n)*apt install python3-venv"):
        make_venv.main(str(tmp_path / "env"))


def test_uses_ensurepip_where_it_is_there(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(make_venv, "call", lambda *command: commands.append(command)
                        or subprocess.CompletedProcess(command, 0, ""))
    make_venv.main(str(tmp_path / "env"))
    assert [command[1:3] for command in commands] == [("-m", "venv"), ("-m", "ensurepip")]


@pytest.mark.parametrize("version", [(3, 7), (3, 13)])
def test_refuses_other_versions_of_python(tmp_path, monkeypatch, version):
    monkeypatch.setattr(make_venv.sys, "version_info", version)
    with pytest.raises(SystemExit, match=f"needs Python 3.8 to 3.12, and .* is 3.{version[1]}. .*make PYTHON="):
        make_venv.main(str(tmp_path / "env"))


def test_settings_of_pip(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://me:secret@index.example/simple/\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert make_venv.index_url() == "https://me:secret@index.example/simple"
    assert make_venv.without_password(make_venv.index_url()) == "https://index.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert make_venv.index_url() == "https://other.example/simple"
