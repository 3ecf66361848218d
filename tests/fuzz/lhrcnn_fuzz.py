"""Fuzzes the doors by which files of strangers come in: ``python tests/fuzz/lhrcnn_fuzz.py TARGET ... --seconds 60``.

Each target runs in a process of its own, so that a crash of the interpreter is seen. Contents are sound ones, changed
at random. An outcome is right where it is a value, or an error of this package that names the file; everything else,
more than 10 seconds, or more than 1 GB, is a finding, whose content and story are written to the folder of --out. With
--atheris the changes are guided by what they reach in the code (pip install atheris; Python 3.11 to 3.13).
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from mutation import mutate  # noqa: E402
from target import load_target, target_names  # noqa: E402


def main() -> int:
    """Runs the targets; returns the number of findings, at most 100."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", help=f"all, or some of {', '.join(target_names())}")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="fuzz_findings", help="folder that takes what was found")
    parser.add_argument("--atheris", action="store_true", help="guide the changes by what they reach")
    parser.add_argument("--replay", metavar="FILE", help="try the content of a file once, and say what comes out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.replay:
        return _replay(args)
    if args.child:
        _child(args)
        return 0
    total = 0
    for name in target_names() if args.targets == ["all"] else args.targets:
        tries, found, seconds = _fuzz(name, args)
        total += found
        print(f"{name}: {tries} tries in {seconds:.0f} s, {found} findings", flush=True)
    return min(total, 100)


def _fuzz(name: str, args: argparse.Namespace) -> tuple:
    out = Path(args.out) / name
    out.mkdir(parents=True, exist_ok=True)
    before, begin, tries, seed = len(list(out.glob("*.txt"))), time.monotonic(), 0, args.seed
    with tempfile.TemporaryDirectory(prefix="lhrcnn_fuzz_") as folder:
        while time.monotonic() - begin < args.seconds:
            left = args.seconds - (time.monotonic() - begin)
            command = [sys.executable, __file__, name, "--child", folder, "--seconds", str(left), "--seed", str(seed),
                       "--out", str(out)] + ["--atheris"] * args.atheris
            with open(os.path.join(folder, "log"), "w+") as log:
                try:
                    code = subprocess.run(command, stdout=log, stderr=log, timeout=left + 60).returncode
                except subprocess.TimeoutExpired:
                    code = "hang"
                log.seek(max(log.seek(0, 2) - 3000, 0))
                story = log.read()
            counter = Path(folder) / "tries"
            tries += int(counter.read_text() or 0) if counter.exists() else 0
            content = Path(folder) / "content"
            if code == 0 or code == "hang" and content.exists() and not _hangs(name, content):
                break  # processes may have been stopped for a while
            finding = out / f"crash-{code}-{seed}"
            finding.with_suffix(".bin").write_bytes(content.read_bytes() if content.exists() else b"")
            finding.with_suffix(".txt").write_text(story)
            seed += 1000
            if not content.exists():
                break  # it did not even begin
    return tries, len(list(out.glob("*.txt"))) - before, time.monotonic() - begin


def _hangs(name: str, content: Path) -> bool:
    """Whether a content hangs again, in a process of its own."""
    try:
        subprocess.run([sys.executable, __file__, name, "--replay", str(content)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=60)
    except subprocess.TimeoutExpired:
        return True
    return False


def _replay(args: argparse.Namespace) -> int:
    target = _prepared(args)
    from judging import judge
    with tempfile.TemporaryDirectory(prefix="lhrcnn_fuzz_") as folder:
        target.prepare(Path(folder))
        finding = judge(target, Path(folder), Path(args.replay).read_bytes())
    print("sound: a value, or an error that names the file" if finding is None else f"{finding.name}: {finding.story}")
    return finding is not None


def _child(args: argparse.Namespace) -> None:
    """One process of trials: what is tried lies in FOLDER/content, and the number of tries in FOLDER/tries."""
    os.nice(6)
    os.environ["LHRCNN_CACHE"] = "off"
    import logging
    import warnings
    warnings.simplefilter("ignore")
    if args.atheris:
        import atheris
        with atheris.instrument_imports(include=["light_head_rcnn"]):
            target = _prepared(args)
    else:
        target = _prepared(args)
    from judging import judge, limit_memory
    logging.disable(logging.CRITICAL)
    room, out = Path(args.child), Path(args.out)
    trial = room / "trial"
    trial.mkdir(exist_ok=True)
    target.prepare(trial)
    seeds = target.seeds()
    count = 0

    def attempt(content: bytes) -> None:
        nonlocal count
        (room / "content").write_bytes(content)
        count += 1
        if count % 20 == 0:
            (room / "tries").write_text(str(count))
        finding = judge(target, trial, content)
        if finding is not None and not (out / f"{finding.name}.txt").exists():
            (out / f"{finding.name}.bin").write_bytes(content)
            (out / f"{finding.name}.txt").write_text(finding.story)

    for seed in seeds:
        finding = judge(target, trial, seed)
        if finding is not None:
            (out / f"seed-{finding.name}.txt").write_text(finding.story)
    limit_memory()
    if args.atheris:
        corpus = room / "corpus"
        corpus.mkdir(exist_ok=True)
        for number, seed in enumerate(seeds):
            (corpus / str(number)).write_bytes(seed)

        def change(data: bytes, most: int, number: int) -> bytes:
            rng = random.Random(number)
            return (mutate(bytes(data), seeds, rng) if rng.random() < 0.7 else atheris.Mutate(data, most))[:most]

        atheris.Setup([sys.argv[0], str(corpus), f"-max_total_time={int(args.seconds)}", "-max_len=200000",
                       f"-seed={args.seed + 1}", "-rss_limit_mb=0", "-verbosity=0", f"-artifact_prefix={room}/"],
                      attempt, custom_mutator=change)
        atheris.Fuzz()
        return
    rng, end = random.Random(args.seed), time.monotonic() + args.seconds
    while time.monotonic() < end:
        attempt(mutate(rng.choice(seeds), seeds, rng))
    (room / "tries").write_text(str(count))


def _prepared(args: argparse.Namespace) -> object:
    import light_head_rcnn  # noqa: F401  (before MXNet)
    return load_target(args.targets[0])


if __name__ == "__main__":
    sys.exit(main())
