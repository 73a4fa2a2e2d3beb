#!/usr/bin/env python3
"""How fast the pages of a large map are, read by 50 at once while the map goes on; and how fast its static report opens.

    make bench-pages                    everything; five minutes
    Benchmarks/pages.py [--only REGEX] [--seconds N] [--no-writer] [--keep DIR]

The map: 16,000 hosts, 100,000 relations, 20,000 that failed, of a day (Tests/StoreWriter). While it is read, a second process commits
2,000 changed links to it every second, as a merger does. For each kind of page wrk keeps 50 connections busy for ten seconds.
Limits: 50 ms at the median, 200 ms at the 99th percentile, no answer but 200; the static report 15 MB and 2 s in Chromium.

RENKEI=path and WRITER=path name other binaries than .build/release/renkei and StoreWriter.

Exit status 1 if something does not hold.
"""
import sys

sys.dont_write_bytecode = True
import argparse
import csv
import http.client
import io
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.parse

from chromium import Chromium
from chromium import Failed as ChromiumFailed

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
RENKEI = os.path.abspath(os.environ.get("RENKEI", os.path.join(ROOT, ".build/release/renkei")))
WRITER = os.path.abspath(os.environ.get("WRITER", os.path.join(ROOT, ".build/release/StoreWriter")))
MEDIAN_MS, P99_MS = 50, 200
STATIC_MB, STATIC_S = 15, 2.0
SEED, CHANGES = "1", "2000"


class Failed(Exception):
    """Something that was needed did not do its work."""


def output(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failed(f"{' '.join(command)[:200]}: exit status {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def resident(pid, what="VmRSS"):
    """Megabytes of a process; VmHWM: at most so far."""
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def cpu(pid):
    """Seconds that a process has used."""
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Service:
    """`renkei report --listen` of a store."""

    def __init__(self, store, names, log):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log, self.address = log, f"http://127.0.0.1:{self.port}"
        began = time.monotonic()
        with open(log, "wb") as errors:
            self.process = subprocess.Popen([RENKEI, "report", "--store", store, "--names", names, "--listen", f"127.0.0.1:{self.port}"],
                                            stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        while True:
            if self.process.poll() is not None:
                raise Failed(f"renkei report --listen: exit status {self.process.returncode}: {self.told()}")
            if time.monotonic() - began > 120:
                self.end()
                raise Failed("renkei report --listen does not answer within 120 s")
            try:
                if self.get("/")[0] == 200:
                    break
            except OSError:
                time.sleep(0.05)
        self.started = time.monotonic() - began

    def told(self):
        with open(self.log, errors="replace") as lines:
            return lines.read().strip()[-400:]

    def get(self, path):
        """Status and body; a redirection is not followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Bench:
    def __init__(self, options):
        self.options, self.checks, self.processes = options, [], []
        self.work = options.keep or tempfile.mkdtemp(prefix="renkei-pages-")
        os.makedirs(self.work, exist_ok=True)
        self.store = os.path.join(self.work, "map.db")

    def check(self, what, holds, text=""):
        self.checks.append((what, bool(holds), text))

    def make_store(self):
        for name in os.listdir(self.work):
            if name.startswith("map.db"):
                os.remove(os.path.join(self.work, name))
        began = time.monotonic()
        # Its last hour is the last hour, whatever a page takes the range from.
        told = output([WRITER, self.store, "large", SEED, str(int(time.time()) // 60 * 60)]).strip()
        print(f"{told.splitlines()[-1]}; {os.path.getsize(self.store) / 1e6:.0f} MB in {time.monotonic() - began:.0f} s", flush=True)

    @property
    def names(self):
        return self.store + ".names.csv"

    def kinds(self, service):
        """Kinds of pages, and the paths of each."""
        quote = urllib.parse.quote
        status, body = service.get("/hosts.csv")
        if status != 200:
            raise Failed(f"/hosts.csv: status {status}")
        rows = list(csv.DictReader(io.StringIO(body.decode().lstrip("\ufeff"))))
        column = next((name for name in rows[0] if name and name.lower() in ("address", "host")), next(iter(rows[0])))
        hosts = [row[column] for row in rows][:: max(1, len(rows) // 1000)][:1000]
        self.check("the map is as large as was meant", len(rows) > 15_000, f"{len(rows):,} hosts")
        typed = [word[: i + 1] for word in ("10.200.0.17", "srv-102.exa", "postgresql", "tcp/443", "10.1.4.0/24") for i in range(len(word))]
        ranges = [f"range={one}" for one in ("1h", "24h", "all")]
        return [
            ("overview", ["/"]),
            ("overview, Japanese, ranges", [f"/?lang=ja&{one}" for one in ranges]),
            ("hosts", ["/hosts"]),
            ("hosts, sorted and searched", [f"/hosts?sort={sort}&q={q}&page={page}" for sort in ("name", "-bytesIn", "address") for q in ("", "srv", "10.1")
                                            for page in (1, 2)]),
            ("one host of 1,000", [f"/hosts/{quote(host)}" for host in hosts]),
            ("services", ["/services"]),
            ("one service of 8", [f"/services/tcp/{port}" for port in (443, 80, 22, 445, 5432, 8080)] + ["/services/udp/53", "/services/udp/161"]),
            ("relations", ["/relations"]),
            ("relations, sorted and searched", [f"/relations?sort={sort}&q={q}&page={page}" for sort in ("-bytesIn", "client", "-sessions")
                                                for q in ("", "443", "srv-1", "10.1.2") for page in (1, 5)]),
            ("networks", ["/networks"]),
            ("one network of 40", [f"/network?name=10.1.{i}.0%2F24" for i in range(40)]),
            ("failures", ["/failures", "/failures?sort=-sessions&q=10.1.3"]),
            ("undecided, groups, notices", ["/undecided", "/groups", "/notices"]),
            ("graph", ["/graph"]),
            ("graph of one host of 50", [f"/graph.svg?host={quote(host)}" for host in hosts[::20]]),
            ("completeness, health", ["/completeness", "/health"]),
            ("search as one types", [f"/search?q={quote(word)}" for word in typed]),
            ("JSON: hosts, relations", ["/api/v1/hosts", "/api/v1/relations?sort=-bytesIn&q=443", "/api/v1/services"]),
            ("JSON: one host of 1,000", [f"/api/v1/hosts/{quote(host)}" for host in hosts]),
            ("CSV of all hosts", ["/hosts.csv"]),
        ]

    def load(self, service, kind, paths):
        """Reads one kind of pages; the row of the table."""
        # Each path that is to be asked for answers at all, and the first answer is not measured.
        bodies = []
        for path in paths[:50]:
            status, body = service.get(path)
            if status != 200:
                self.check(kind, False, f"{path}: status {status}")
                return
            bodies.append(len(body))
        listed = os.path.join(self.work, "paths")
        with open(listed, "w") as file:
            file.writelines(path + "\n" for path in paths)
        used = cpu(service.process.pid)
        text = output(["wrk", "-t2", f"-c{self.options.connections}", f"-d{self.options.seconds}s", "--timeout", "10s", "--latency",
                       "-s", os.path.join(HERE, "paths.lua"), service.address, "--", listed])
        found = re.search(r"^measured (.*)$", text, re.M)
        if not found:
            raise Failed(f"wrk: {text[-300:]}")
        median, p90, p99, worst, requests, duration, count, errors = (int(word) for word in found[1].split())
        used = cpu(service.process.pid) - used
        holds = median <= MEDIAN_MS * 1000 and p99 <= P99_MS * 1000 and not errors and requests > 0
        row = (f"{median / 1e3:8.1f} {p90 / 1e3:8.1f} {p99 / 1e3:8.1f} {worst / 1e3:8.1f} {requests / duration * 1e6:9,.0f} "
               f"{max(bodies) / 1e3:9,.1f} {used * 1e3 / max(1, requests):8.2f} {resident(service.process.pid):7,.0f} {errors:6}")
        print(f"{kind:32}{row}{'' if holds else '   FAILS'}", flush=True)
        self.check(kind, holds, f"median {median / 1e3:.1f} ms, 99th percentile {p99 / 1e3:.1f} ms, {errors} errors")

    def pages(self):
        service = Service(self.store, self.names, os.path.join(self.work, "service.log"))
        self.processes.append(service.process)
        print(f"answers after {service.started:.1f} s, {resident(service.process.pid):,.0f} MB", flush=True)
        kinds = [one for one in self.kinds(service) if re.search(self.options.only, one[0])]
        writer = None
        if not self.options.no_writer:
            seconds = str(int(len(kinds) * (self.options.seconds + 5) + 60))
            writer = subprocess.Popen([WRITER, self.store, "live", SEED, seconds, CHANGES], stdin=subprocess.DEVNULL)
            self.processes.append(writer)
            time.sleep(3)
        print(f"{'':32}{'median':>8} {'90 %':>8} {'99 %':>8} {'max ms':>8} {'pages/s':>9} {'kB':>9} {'CPU ms':>8} {'MB':>7} {'errors':>6}")
        for kind, paths in kinds:
            self.load(service, kind, paths)
        if writer:
            self.check("the map went on all the time", writer.poll() is None, "" if writer.poll() is None else f"exit status {writer.returncode}")
            writer.terminate()
            writer.wait()
        print(f"at most {resident(service.process.pid, 'VmHWM'):,.0f} MB, {cpu(service.process.pid):.0f} s of CPU", flush=True)
        self.check("the service is still there", service.process.poll() is None, service.told() if service.process.poll() is not None else "")
        service.end()

    def static(self):
        path = os.path.join(self.work, "map.html")
        began = time.monotonic()
        output([RENKEI, "report", "--store", self.store, "--names", self.names, "-o", path])
        megabytes, seconds = os.path.getsize(path) / 1e6, time.monotonic() - began
        print(f"static report: {megabytes:.1f} MB, written in {seconds:.1f} s", flush=True)
        self.check("static report: size", megabytes <= STATIC_MB, f"{megabytes:.1f} MB, at most {STATIC_MB}")
        with Chromium() as browser:
            for view, selector in (("overview", "#overview table tbody tr"), ("hosts", "#lists tbody tr")):
                times = []
                for _ in range(5):
                    milliseconds, errors = browser.shown_after(f"file://{path}#view={view}", selector)
                    times.append(milliseconds / 1000)
                    if errors:
                        self.check(f"static report: {view} without errors", False, str(errors[:3]))
                text = f"median {statistics.median(times):.2f} s, longest {max(times):.2f} s of {len(times)}, at most {STATIC_S:.0f} s"
                print(f"static report: {view} is shown after {text}", flush=True)
                self.check(f"static report: {view} is shown", statistics.median(times) <= STATIC_S, text)

    def run(self):
        print(f"renkei {RENKEI}\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {os.uname().release}", flush=True)
        self.make_store()
        # First, while nothing else runs.
        for part in ("static", "pages"):
            if part == "static" and not re.search(self.options.only, "static report"):
                continue
            try:
                getattr(self, part)()
            except (Failed, ChromiumFailed) as failure:
                self.check(part, False, str(failure))
        print("\nResults")
        for what, holds, text in self.checks:
            print(f"{'holds ' if holds else 'FAILS '} {what}{': ' if text else ''}{text}")
        return bool(self.checks) and all(holds for _, holds, _ in self.checks)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        if not self.options.keep:
            shutil.rmtree(self.work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="REGEX", help="kinds of pages whose name matches; `static report` as well")
    parser.add_argument("--seconds", type=int, default=10, help="for each kind: 10")
    parser.add_argument("--connections", type=int, default=50, help="readers at once: 50")
    parser.add_argument("--no-writer", action="store_true", help="the map stays as it is")
    parser.add_argument("--keep", metavar="DIR", help="leaves the map and the report there")
    options = parser.parse_args()
    # Who is told to end, as by timeout(1), cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    bench = Bench(options)
    try:
        met = bench.run()
    finally:
        bench.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
