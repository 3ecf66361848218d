"""Makes a virtual environment with pip in it: ``python3 tools/make_venv.py FOLDER``. Standard library only.

Debian's bare python3 has neither pip nor ensurepip. Where they are missing, the pinned wheel of pip is taken from the
package index that pip is set up for (PIP_INDEX_URL, a pip.conf, else PyPI) and used only if its hash is the one below.
"""
import configparser
import hashlib
import html.parser
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

PIP_WHEEL = "pip-25.0.1-py3-none-any.whl"
PIP_SHA256 = "c46efd13b6aa8279f33f2864459c8ce587ea6a1a59ee20de055868d8f7688f7f"
VERSIONS = ((3, 8), (3, 12))
WAYS_OUT = "Install what makes virtual environments (on Debian: apt install python3-venv) and try again."


def main(folder):
    """Makes ``folder`` anew; whatever fails leaves nothing there."""
    if not VERSIONS[0] <= sys.version_info[:2] <= VERSIONS[1]:
        sys.exit("light_head_rcnn needs Python {}.{} to {}.{}, and {} is {}.{}. Name another one, such as: "
                 "make PYTHON=python3.11".format(*VERSIONS[0], *VERSIONS[1], sys.executable, *sys.version_info[:2]))
    shutil.rmtree(folder, ignore_errors=True)
    try:
        python = make(folder)
        if call(python, "-m", "ensurepip", "--default-pip").returncode:
            fetch_pip(python)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def make(folder):
    """An environment without pip; returns its Python."""
    made = call(sys.executable, "-m", "venv", "--without-pip", folder)
    if made.returncode:
        sys.exit(f"{sys.executable} cannot make a virtual environment:\n{made.stdout}\n{WAYS_OUT}")
    return os.path.join(folder, "bin", "python")


def fetch_pip(python):
    """Installs the pinned pip with itself, out of its wheel."""
    index = index_url()
    with tempfile.TemporaryDirectory() as folder:
        wheel = os.path.join(folder, PIP_WHEEL)
        try:
            content = read(link_to_pip(index))
        except (OSError, ValueError) as error:
            sys.exit(f"This Python comes without pip, and {PIP_WHEEL} could not be had from "
                     f"{without_password(index)}: {error}\n{WAYS_OUT}")
        if hashlib.sha256(content).hexdigest() != PIP_SHA256:
            sys.exit(f"{PIP_WHEEL} from {without_password(index)} is not the file it should be (its hash differs)."
                     f"\n{WAYS_OUT}")
        with open(wheel, "wb") as file:
            file.write(content)
        installed = call(python, os.path.join(wheel, "pip"), "install", "--no-index", "--no-deps", wheel)
    if installed.returncode:
        sys.exit(f"Installing pip failed:\n{installed.stdout}\n{WAYS_OUT}")


def pip_setting(name):
    """A setting of pip, from its environment variable or its files; None where there is none."""
    if os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return os.environ["PIP_" + name.upper().replace("-", "_")]
    home = os.path.expanduser("~")
    files = [os.environ.get("PIP_CONFIG_FILE", ""), os.path.join(home, ".config", "pip", "pip.conf"),
             os.path.join(home, ".pip", "pip.conf"), "/etc/pip.conf"]
    for path in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path)
        except configparser.Error:
            continue
        for section in ("install", "global"):
            if parser.has_option(section, name):
                return parser.get(section, name)
    return None


def index_url():
    """Address of the package index."""
    return (pip_setting("index-url") or "https://pypi.org/simple").rstrip("/")


def without_password(url):
    """``url`` as it may be shown."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class Links(html.parser.HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self):
        super().__init__()
        self.targets = []

    def handle_starttag(self, tag, attributes):
        self.targets += [value for name, value in attributes if tag == "a" and name == "href" and value]


def link_to_pip(index):
    """Address of the wheel on the index's page of pip (PEP 503)."""
    page = index + "/pip/"
    links = Links()
    links.feed(read(page).decode("utf-8", "replace"))
    for target in links.targets:
        address = urllib.parse.urldefrag(urllib.parse.urljoin(page, target)).url
        if urllib.parse.urlsplit(address).path.endswith("/" + PIP_WHEEL):
            return address
    raise ValueError("the index does not list it")


def read(url):
    """Bytes at ``url``, with the user name and password in it, where it has them."""
    parts = urllib.parse.urlsplit(url)
    openers = []
    if parts.username:
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        url = without_password(url)
        passwords.add_password(None, url, urllib.parse.unquote(parts.username),
                               urllib.parse.unquote(parts.password or ""), is_authenticated=True)
        openers.append(urllib.request.HTTPBasicAuthHandler(passwords))
    context = ssl.create_default_context()
    certificates = pip_setting("cert")
    if certificates:
        context.load_verify_locations(certificates)
    try:
        return open_url(url, context, openers)
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError) or openers:
            raise
    # A bare machine has no certificates to check the server by. The hash tells whether the wheel is the right one.
    return open_url(url, ssl._create_unverified_context(), openers)


def open_url(url, context, handlers):
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), *handlers)
    with opener.open(url, timeout=60) as answer:
        return answer.read()


def call(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)


if __name__ == "__main__":
    main(sys.argv[1])
