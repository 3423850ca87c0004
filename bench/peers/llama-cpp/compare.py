#!/usr/bin/env python3
"""Runs falcon-mamba and llama.cpp in turn on one GGUF file and prints ratios of medians. See README.md."""
import argparse
import json
import math
import os
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TESTS = "pp32,pp128,pp512,pp2048,tg64,tg64@4096,load"
SETS = ("native", "avx512", "avx2")
LONG_SECONDS = 60
POLL_SECONDS = 0.05


class Failed(Exception):
    """Something went wrong; the message says what to do."""


class Engine:
    """A program with llama-bench's flags."""

    def __init__(self, name, version, command):
        self.name, self.version, self.command = name, version, command

    def run(self, test, threads, repetitions=1):
        return Run([*self.command, "-t", str(threads), "-r", str(repetitions), "-o", "jsonl", *arguments(test)], self.name)


class Run:
    """One process: its rows, the seconds to its first and its last, and the memory it held at most."""

    def __init__(self, command, name):
        self.peak = self.anonymous = self.mapped = 0
        self.first_seconds = None
        output = bytearray()
        start = time.monotonic()
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
                while True:
                    ready, _, _ = select.select([process.stdout], [], [], POLL_SECONDS)
                    self.look_at_memory(process.pid)
                    if ready:
                        # Both programs write a test's row as soon as it is done.
                        self.first_seconds = self.first_seconds or time.monotonic() - start
                        part = os.read(process.stdout.fileno(), 1 << 16)
                        if not part:
                            break
                        output += part
            self.seconds = time.monotonic() - start
            if process.returncode:
                errors.seek(0)
                tail = errors.read().decode(errors="replace").strip().splitlines()[-1:] or [""]
                raise Failed(f"{name} {ending(process.returncode)}: {tail[0]} (command: {' '.join(command)})")
        self.rows = [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]

    def look_at_memory(self, pid):
        try:
            status = dict(re.findall(r"^(VmHWM|RssAnon|RssFile|RssShmem):\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M))
        except OSError:
            return
        if not status:
            return
        self.peak = max(self.peak, int(status["VmHWM"]) * 1024)
        anonymous, mapped = (int(status["RssAnon"]) + int(status["RssShmem"])) * 1024, int(status["RssFile"]) * 1024
        if anonymous + mapped > self.anonymous + self.mapped:
            self.anonymous, self.mapped = anonymous, mapped


def ending(code):
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"


def arguments(test):
    """llama-bench's flags for pp512, tg64, tg64@4096 (at a depth), or load (one token, nothing before it)."""
    if test == "load":
        return ["-p", "0", "-n", "1", "--no-warmup"]
    kind, count, depth = re.fullmatch(r"(pp|tg)(\d+)(?:@(\d+))?", test).groups()
    return [*(["-p", count, "-n", "0"] if kind == "pp" else ["-p", "0", "-n", count]), "-d", depth or "0"]


def value(test, run):
    return run.first_seconds if test == "load" else run.rows[0]["avg_ts"]


def say(text):
    print(text, file=sys.stderr, flush=True)


def llama(program, model):
    built = program.parents[1] / "version"
    version = f"{built.read_text().strip()}, built for {program.parent.name}" if built.exists() else str(program)
    return Engine("llama.cpp", version, [str(program), "-m", model, "-fa", "0", "-lm", "mmap"])


def peer(place, model, threads):
    """llama-bench itself, or the fastest of those that build.sh made."""
    if place.is_file():
        return llama(place.resolve(), model)
    best, best_speed = None, 0
    for program in (place.resolve() / name / "llama-bench" for name in SETS):
        if not program.exists():
            continue
        engine = llama(program, model)
        try:
            rates = [max(engine.run(test, threads, 2).rows[0]["samples_ts"]) for test in ("pp64", "tg16")]
        except Failed as failure:
            say(f"without {program}: {failure}")
            continue
        say(f"{engine.name} {engine.version}: {rates[0]:.1f} tokens/s reading 64, {rates[1]:.1f} generating 16")
        if (speed := math.sqrt(rates[0] * rates[1])) > best_speed:
            best, best_speed = engine, speed
    if best is None:
        raise Failed(f"There is no llama-bench that runs in {place}: build it with {HERE / 'build.sh'}.")
    return best


def ours(program, model):
    if not program.exists():
        raise Failed(f"{program} is not there: build it with dotnet build --configuration Release.")
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False).stdout.strip()
    return Engine("falcon-mamba", commit or "unknown commit", [str(program), "bench", model])


def alternate(test, engines, threads, rounds):
    """A B A B …; a test whose process takes s seconds, more than a minute, gets 60/s of the rounds."""
    runs, left = [], rounds
    while left > 0:
        runs.append([engine.run(test, threads) for engine in engines])
        slowest = max(run.seconds for run in runs[0])
        left = math.ceil(rounds * min(1, LONG_SECONDS / slowest)) - len(runs)
        say(f"{test}, round {len(runs)}: " + ", ".join(f"{e.name} {value(test, r):.3f}" for e, r in zip(engines, runs[-1])))
    return runs


def summarize(test, runs):
    samples = [[value(test, pair[i]) for pair in runs] for i in range(2)]
    ratios = [a / b for a, b in zip(*samples)]
    largest = [max((pair[i] for pair in runs), key=lambda run: run.peak) for i in range(2)]
    sides = [
        {"median": statistics.median(s), "samples": s, "peak_bytes": m.peak, "peak_anonymous_bytes": m.anonymous, "peak_mapped_bytes": m.mapped}
        for s, m in zip(samples, largest)
    ]
    return {
        "test": test, "unit": "s" if test == "load" else "tokens/s", "rounds": len(runs), "ours": sides[0], "peer": sides[1],
        "ratio": sides[0]["median"] / sides[1]["median"], "ratio_least": min(ratios), "ratio_most": max(ratios),
        "memory_ratio": sides[0]["peak_bytes"] / sides[1]["peak_bytes"],
    }


def digits(number):
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


def markdown(report):
    ours_, peer_ = report["engines"]
    lines = [
        f"{Path(report['model']).name} ({report['model_bytes'] / 1e6:,.0f} MB), {report['cpu']}, {report['threads']} threads. "
        f"{ours_['name']} {ours_['version']}; {peer_['name']} {peer_['version']}. "
        f"Ratios are {ours_['name']} ÷ {peer_['name']}; memory is all (the process's own + pages of files).",
        "",
        f"| test | {ours_['name']} | {peer_['name']} | ratio (of rounds) | rounds | MB at most, {ours_['name']} | {peer_['name']} | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in report["tests"]:
        memory = [f"{s['peak_bytes'] / 1e6:,.0f} ({s['peak_anonymous_bytes'] / 1e6:,.0f} + {s['peak_mapped_bytes'] / 1e6:,.0f})" for s in (row["ours"], row["peer"])]
        lines.append(
            f"| {row['test']}, {row['unit']} | {digits(row['ours']['median'])} | {digits(row['peer']['median'])} "
            f"| {row['ratio']:.2f} ({row['ratio_least']:.2f}–{row['ratio_most']:.2f}) | {row['rounds']} | {memory[0]} | {memory[1]} | {row['memory_ratio']:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Compares falcon-mamba with llama.cpp on one GGUF file; see README.md.")
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of both engines; by default one a processor")
    parser.add_argument("--rounds", type=int, default=5, help="rounds a test, 5 by default; tests above a minute get fewer")
    parser.add_argument("--tests", default=TESTS, help=f"by default {TESTS}")
    parser.add_argument("--ours", type=Path, default=ROOT / "src/FalconMamba.Cli/bin/Release/net10.0/falcon-mamba", help="the falcon-mamba to run")
    parser.add_argument("--peer", type=Path, default=Path(os.environ.get("LLAMA_CPP_FOLDER", HERE / ".build")), help="a llama-bench, or the folder build.sh built in")
    parser.add_argument("--json", action="store_true", help="write every sample as one JSON object instead of a table")
    options = parser.parse_args()
    tests = options.tests.split(",")
    for test in tests:
        if test != "load" and not re.fullmatch(r"(pp|tg)[1-9]\d*(@\d+)?", test):
            parser.error(f'"{test}" is no test: use pp512, tg64, tg64@4096 or load')
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads begin at 1")
    if not Path(options.model).is_file():
        raise Failed(f"{options.model} is no file: give a GGUF file.")

    engine = ours(options.ours, options.model)
    # Read once, so that the first process does not pay for the disk.
    with open(options.model, "rb") as file:
        while file.read(1 << 24):
            pass
    engines = [engine, peer(options.peer, options.model, options.threads)]
    results, cpu = [], None
    for test in tests:
        runs = alternate(test, engines, options.threads, options.rounds)
        cpu = runs[0][0].rows[0]["cpu_info"]
        results.append(summarize(test, runs))
    report = {
        "model": options.model, "model_bytes": os.path.getsize(options.model), "cpu": cpu, "threads": options.threads,
        "engines": [{"name": e.name, "version": e.version} for e in engines], "tests": results,
    }
    print(json.dumps(report, indent=2) if options.json else markdown(report))


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
