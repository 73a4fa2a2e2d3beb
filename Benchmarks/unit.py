#!/usr/bin/env python3
"""What the unit does under load, beside other tools on the same traffic, and when its processes are killed.

    make bench-unit                     everything; installs the other tools first; an hour
    Benchmarks/unit.py [--only REGEX] [--quick] [--minutes N] [--keep DIR]

Root, since it makes two network namespaces with a veth pair between them; tcpreplay sends into one end, and everything listens
at the other. Whatever it starts and makes it ends and removes. RENKEI=path names another binary than .build/release/renkei,
GENERATOR=path another renkei-generate.

What came through the veth pair is counted by its receiving end (rx_packets), so that a loss between the sender and the capture
is not taken for one of the tools.

Exit status 1 if something does not hold.
"""
import sys

sys.dont_write_bytecode = True
import argparse
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import scoring

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
GENERATOR = os.path.abspath(os.environ.get("GENERATOR", os.path.join(HERE, ".build/release/renkei-generate")))
RENKEI = os.path.abspath(os.environ.get("RENKEI", os.path.join(ROOT, ".build/release/renkei")))
USER = "nobody"
# The roles of a unit by the word that its processes are started with.
ROLES = {"collect": "collector", "split": "splitter", "track": "tracker", "merge": "merger", "serve": "reporter"}


class Failed(Exception):
    """A command that was needed did not do its work."""


def output(command, **options):
    """Standard output of a command that must succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options)
    if done.returncode:
        raise Failed(f"{' '.join(command)[:200]}: exit status {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def lives(pid):
    """Whether a process is there, and not only its exit status."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Wire:
    """Two namespaces and a veth pair: what is sent at one end arrives at the other, and nothing else does."""

    def __init__(self):
        self.sending, self.listening = f"rkbench{os.getpid()}a", f"rkbench{os.getpid()}b"
        self.near, self.far = "rkba", "rkbb"
        for name in (self.sending, self.listening):
            output(["ip", "netns", "add", name])
            # Neighbour discovery would be packets that nobody sent.
            self.inside(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
            self.inside(name, "ip", "link", "set", "lo", "up")
        self.inside(self.sending, "ip", "link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.listening)
        self.inside(self.sending, "ip", "link", "set", self.near, "arp", "off", "up")
        self.inside(self.listening, "ip", "link", "set", self.far, "arp", "off", "promisc", "on", "up")

    @staticmethod
    def inside(name, *command):
        return output(["ip", "netns", "exec", name, *command])

    def counter(self, name):
        """A statistic of the receiving end."""
        return int(self.inside(self.listening, "cat", f"/sys/class/net/{self.far}/statistics/{name}"))

    def sockets(self):
        """How many packet sockets are open at the listening end."""
        return len(self.inside(self.listening, "cat", "/proc/net/packet").splitlines()) - 1

    def remove(self):
        for name in (self.sending, self.listening):
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


class Program:
    """A program at the listening end; `usage` has its time and its children's when it has ended."""

    def __init__(self, wire, name, command, log, environment=()):
        self.name, self.log = name, log
        with open(log, "wb") as into:
            self.process = subprocess.Popen(["ip", "netns", "exec", wire.listening, *command], stdout=into, stderr=into,
                                            stdin=subprocess.DEVNULL, env={**os.environ, **dict(environment)})
        self.pid, self.status, self.usage = self.process.pid, None, None

    @property
    def cpu(self):
        return self.usage.ru_utime + self.usage.ru_stime

    def text(self):
        with open(self.log, errors="replace") as lines:
            return lines.read()

    def runs(self):
        if self.status is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.ended(status, usage)
        return self.status is None

    def ended(self, status, usage):
        self.status, self.usage = os.waitstatus_to_exitcode(status), usage
        self.process.returncode = self.status

    def end(self, number=signal.SIGINT, seconds=60):
        if self.runs():
            os.kill(self.pid, number)
        end = time.monotonic() + seconds
        while self.runs():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                end = float("inf")
            time.sleep(0.02)
        return self


class Peer(Program):
    """Another tool on the same interface. `drops` are in its own words."""

    def __init__(self, wire, kind, folder):
        self.kind, self.folder, self.wire = kind, folder, wire
        self.path = os.path.join(folder, kind.replace(" ", "-").replace("/", "_"))
        control = self.path + ".ctl"
        tcpdump = ["tcpdump", "-q", "-n", "-i", wire.far, "-s", "256", "-Z", "root"]
        softflowd = ["softflowd", "-d", "-i", wire.far, "-n", "127.0.0.1:9995", "-c", control, "-p", self.path + ".pid"]
        with open(self.path + ".conf", "w") as file:
            file.write("ARGUS_PCAP_BUF_SIZE=256M\n")
        argus = ["argus", "-i", wire.far, "-w", self.path + ".out", "-F"]
        command = {
            # With as large a buffer as renkei's, so that the buffer is not what is compared; snaplen as well.
            "tcpdump -w file": [*tcpdump, "-B", "262144", "--time-stamp-precision=nano", "-w", self.path + ".pcap"],
            "tcpdump -w /dev/null": [*tcpdump, "-B", "262144", "-w", "/dev/null"],
            "tcpdump -w /dev/null, its own buffer": [*tcpdump, "-w", "/dev/null"],
            "softflowd": [*softflowd, "-B", str(256 << 20), "-C", "256"],
            "softflowd, its own buffer": softflowd,
            "argus": [*argus, self.path + ".conf"],
            "argus, its own buffer": [*argus, "/dev/null"],
        }[kind]
        self.control = control
        super().__init__(wire, kind, command, self.path + ".log")
        time.sleep(0.7)
        if not self.runs():
            raise Failed(f"{kind}: {self.text()[-300:]}")

    def finish(self):
        """Ends it; packets that it saw and those that it says were dropped, None where it doesn't say."""
        time.sleep(1)
        if self.kind.startswith("softflowd"):
            text = Wire.inside(self.wire.listening, "softflowctl", "-c", self.control, "statistics")
            self.end(signal.SIGTERM)
            return tuple(int(re.search(words + r"\D*(\d+)", text)[1]) for words in ("Packets processed:", "dropped by libpcap:"))
        self.end(signal.SIGINT)
        if self.kind.startswith("argus"):
            return self.argus()
        text = self.text()
        return (int(re.search(r"(\d+) packets? captured", text)[1]), int(re.search(r"(\d+) packets? dropped by kernel", text)[1]))

    def argus(self):
        """The packets in its records; its management records have no number of packets dropped."""
        text = output(["racount", "-F", "/dev/null", "-r", self.path + ".out"])
        found = re.search(r"sum\s+\d+\s+(\d+)", text)
        return int(found[1]) if found else None, None


class Unit(Program):
    """`renkei run` with a configuration of its own."""

    def __init__(self, wire, folder, settings="", keeps_store=False, environment=()):
        self.folder, self.run_folder, self.store = folder, os.path.join(folder, "run"), os.path.join(folder, "store/map.db")
        if not keeps_store:
            shutil.rmtree(os.path.join(folder, "store"), ignore_errors=True)
        for name in ("run", "store"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
            shutil.chown(os.path.join(folder, name), USER)
        configuration = os.path.join(folder, "renkei.yaml")
        with open(configuration, "w") as file:
            file.write(f"interfaces: [{wire.far}]\nrun: {{user: {USER}, directory: {self.run_folder}, "
                       "restartBackoffSeconds: 50ms, restartBackoffMaxSeconds: 200ms}\n" + settings)
            if "store:" not in settings:
                file.write(f"store: {{path: {self.store}}}\n")
            if "metrics:" not in settings:
                file.write("metrics: {listen: null}\n")
            if "report:" not in settings:
                file.write("report: {listen: null}\n")
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self.run_folder, "status.json"))
        super().__init__(wire, "renkei", [RENKEI, "run", "-c", configuration], os.path.join(folder, "renkei.log"), environment)
        wait_until(self.is_up, 20, f"renkei captures: {self.text()[-300:]}")

    def is_up(self):
        if not self.runs():
            raise Failed(f"renkei run: exit status {self.status}: {self.text()[-400:]}")
        return self.told().get("state") == "capturing" and self.told().get("pid") == self.pid

    def told(self):
        """Its status, as the supervisor writes it each second."""
        try:
            with open(os.path.join(self.run_folder, "status.json")) as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def children(self):
        """Process by role: "tracker 1". None but the supervisor's own."""
        found = {}
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
                pids = [int(word) for word in children.read().split()]
        except OSError:
            return found
        for pid in pids:
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    words = file.read().split("\0")
            except OSError:
                continue
            if not lives(pid):
                continue
            role = ROLES.get(words[2 if words[1] == "stage" else 1]) if len(words) > 2 else None
            if role == "tracker" and "--number" in words:
                role += " " + words[words.index("--number") + 1]
            if role:
                found[role] = pid
        return found

    def drain(self):
        """SIGTERM; its last status. What has been sent is in the map then."""
        time.sleep(1)
        self.end(signal.SIGTERM, 180)
        if self.status:
            raise Failed(f"renkei run: exit status {self.status}: {self.text()[-400:]}")
        return self.told()

    def report(self, path=None):
        """The map as `renkei report` tells it."""
        path = path or os.path.join(self.folder, "live.json")
        output([RENKEI, "report", "--store", self.store, "--format", "json", "-o", path])
        with open(path) as file:
            return json.load(file)


class Memory(threading.Thread):
    """Looks at the processes of a unit now and then: `peak` and `samples` by role, bytes that are theirs or shared, shared ones
    divided among those who map them. The page cache does not count."""

    def __init__(self, unit, seconds):
        super().__init__(daemon=True)
        self.unit, self.seconds, self.ends = unit, seconds, threading.Event()
        self.peak, self.samples = collections.Counter(), []
        self.start()

    def run(self):
        while not self.ends.wait(self.seconds):
            sample = {role: self.bytes(pid) for role, pid in {**self.unit.children(), "supervisor": self.unit.pid}.items()}
            sample["all"] = sum(sample.values())
            self.samples.append((time.time(), sample))
            for role, count in sample.items():
                self.peak[role] = max(self.peak[role], count)

    @staticmethod
    def bytes(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as lines:
                return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
        except OSError:
            return 0

    def stop(self):
        self.ends.set()
        self.join()
        return self


class Clock:
    """A clock of the unit's own: see clock-shim.c."""

    def __init__(self, path, speed):
        library = path + ".so"
        output(["cc", "-shared", "-fPIC", "-O2", "-o", library, os.path.join(HERE, "clock-shim.c"), "-ldl"])
        self.path, self.offset = path, 0
        with open(path, "wb") as file:
            file.write(struct.pack("@4q", time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME), speed, 0))
        self.environment = {"LD_PRELOAD": library, "RENKEI_CLOCK": path}

    def step(self, seconds):
        self.offset += seconds
        with open(self.path, "r+b") as file:
            file.seek(24)
            file.write(struct.pack("@q", self.offset * 1_000_000_000))


class Sender:
    """tcpreplay, one process for each capture, all at once."""

    def __init__(self, wire, captures, rate=None, preload=False, arguments=(), multiplier=None):
        # A sleep for each packet would be longer than the pause between two.
        speed = (["-p", str(rate), f"--pps-multi={max(1, rate // 2000)}"] if rate else ["-x", str(multiplier)] if multiplier else ["-t"])
        self.began = time.monotonic()
        self.processes = [
            subprocess.Popen(["ip", "netns", "exec", wire.sending, "tcpreplay", "-q", "--no-flow-stats", *speed, *arguments,
                              *(["-K"] if preload else []), "-i", wire.near, *([capture] if isinstance(capture, str) else capture)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
            for capture in captures
        ]

    def wait(self):
        """Packets and million packets a second, of all."""
        packets = rate = 0
        for process in self.processes:
            text = process.communicate()[0]
            found = re.search(r"Actual: (\d+) packets", text)
            if process.returncode or not found:
                raise Failed(f"tcpreplay: {text[-300:]}")
            packets += int(found[1])
            # Several start and end together.
            rate += float(re.search(r"([\d.]+) pps", text)[1]) / 1e6
        self.seconds = time.monotonic() - self.began
        return packets, rate

    def runs(self):
        return any(process.poll() is None for process in self.processes)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()


def rows(document):
    """The rows of a map as texts, by section; without the names and times of the capture itself."""
    found = collections.defaultdict(collections.Counter)
    for host in document["hosts"]:
        for part in ("provides", "requests", "peers"):
            for row in host.get(part) or []:
                found[part][json.dumps([host["address"], row], sort_keys=True)] += 1
        rest = {key: value for key, value in host.items() if not isinstance(value, list)}
        found["hosts"][json.dumps(rest, sort_keys=True)] += 1
    for part in ("relations", "peers", "failures", "groups", "undecided", "notices"):
        for row in document.get(part) or []:
            found[part][json.dumps(row, sort_keys=True)] += 1
    for part in ("summary", "selfCheck", "completeness"):
        found["sums"][json.dumps([part, document.get(part)], sort_keys=True)] += 1
    return found


def differences(one, other):
    """Rows of two maps that are in one only, and rows in all, by section."""
    a, b = rows(one), rows(other)
    return {part: (sum(((a[part] - b[part]) + (b[part] - a[part])).values()), sum(b[part].values())) for part in sorted({*a, *b})}


def told_drops(status):
    reasons = {name: count for name, count in status["accounting"]["reasons"].items() if count}
    return ", ".join(f"{name} {count:,}" for name, count in reasons.items()) or "none"


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = options.keep or tempfile.mkdtemp(prefix="renkei-unit-")
        os.makedirs(self.work, exist_ok=True)
        os.chmod(self.work, 0o755)
        self.checks, self.running = [], []
        self.wire = Wire()

    def path(self, name):
        return os.path.join(self.work, name)

    def drop(self, *paths):
        for path in paths:
            if not self.options.keep and os.path.exists(path):
                os.remove(path)

    # What runs is ended if a section fails.

    def unit(self, settings="", keeps_store=False, environment=()):
        return self.kept(Unit(self.wire, self.work, settings, keeps_store, environment))

    def peer(self, kind):
        return self.kept(Peer(self.wire, kind, self.work))

    def send(self, *arguments, **options):
        return self.kept(Sender(self.wire, *arguments, **options))

    def kept(self, program):
        self.running.append(program)
        return program

    def end_all(self):
        for program in self.running:
            if program.runs():
                program.end()
        self.running.clear()

    def generate(self, name, packets, *arguments, seed=1, truth=None):
        path = self.path(name)
        if not (self.options.keep and os.path.exists(path)):
            output([GENERATOR, "--packets", str(packets), "--seed", str(seed), *arguments, "-o", path,
                    *(["--truth", truth] if truth else [])])
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass
        return path

    def audit(self, capture):
        """The map of a file, not disturbed by anything."""
        path = self.path("file.json")
        output([RENKEI, "audit", "-q", "-r", capture, "--format", "json", "-o", path])
        with open(path) as file:
            return json.load(file)

    # Printing

    def note(self, text):
        print(f"  {text}", flush=True)

    def check(self, what, holds, text=""):
        self.checks.append((what, bool(holds), text))
        self.note(f"{'holds ' if holds else 'FAILS '} {what}{': ' if text else ''}{text}")

    def balanced(self, name, status, received):
        """Every packet that came is counted, and once."""
        accounting = status["accounting"]
        total = accounting["mapped"] + accounting["inPipeline"] + sum(accounting["reasons"].values())
        self.check(f"{name}: captured = mapped + Σ reasons", total == accounting["captured"] and not accounting["inPipeline"],
                   f"{accounting['captured']:,} = {accounting['mapped']:,} + {total - accounting['mapped']:,} ({told_drops(status)})")
        self.check(f"{name}: captured = what arrived", accounting["captured"] == received,
                   f"{accounting['captured']:,} of {received:,}")

    def same(self, name, live, file):
        found = differences(live, file)
        self.check(f"{name}: the live map is the file's", not any(count for count, _ in found.values()),
                   ", ".join(f"{part} {count} of {total} differ" if count else f"{part} {total:,}" for part, (count, total) in found.items()))

    # Sections

    def load(self):
        """At full speed: who loses what, and what it costs."""
        sizes = [(1_000_000, 1), (2_000_000, 4)] if self.options.quick else [(1_000_000, 1), (10_000_000, 4)]
        kinds = ["tcpdump -w file", "tcpdump -w /dev/null", "tcpdump -w /dev/null, its own buffer", "softflowd",
                 "softflowd, its own buffer", "argus", "argus, its own buffer"]
        for packets, senders in sizes:
            captures = self.spread(packets, senders)
            print(f"  {packets:,} packets, {senders} sender{'s' * (senders > 1)}, full speed")
            print(f"  {'':46} {'arrived':>11} {'Mpps':>6} {'seen':>11} {'not seen':>9} {'says lost':>9} {'CPU s':>7} {'µs/pkt':>7}", flush=True)
            for kind in ["renkei", *kinds]:
                self.alone(f"{kind}, alone", captures, [kind])
            self.alone("side by side", captures, ["renkei", "tcpdump -w file", "softflowd", "argus"])
            self.equal(f"{packets:,} packets", captures)
            self.drop(*captures)

    def spread(self, packets, senders):
        """Captures for several senders: the same network, each time with other addresses."""
        first = self.generate(f"load-{packets}.pcap", packets // senders)
        captures = [first]
        with open(first, "rb") as file:
            whole = file.read()
        for number in range(1, senders):
            copy, at = bytearray(whole), 24
            while at < len(copy):
                stored = struct.unpack_from("<I", copy, at + 8)[0]
                frame = at + 16
                if copy[frame + 12:frame + 14] == b"\x08\x00":
                    for place in (frame + 26, frame + 30):
                        if copy[place] == 10:
                            copy[place] = 100 + number
                at = frame + stored
            captures.append(self.path(f"load-{packets}-{number}.pcap"))
            with open(captures[-1], "wb") as file:
                file.write(copy)
        return captures

    def alone(self, name, captures, kinds):
        """Runs tools on the same traffic at the same time, and prints a row for each."""
        before = self.wire.counter("rx_packets")
        programs = [self.unit() if kind == "renkei" else self.peer(kind) for kind in kinds]
        packets, rate = self.send(captures, preload=True).wait()
        arrived = self.wire.counter("rx_packets") - before
        for kind, program in zip(kinds, programs):
            if kind == "renkei":
                status = program.drain()
                seen, lost = status["accounting"]["mapped"], sum(
                    count for reason, count in status["accounting"]["reasons"].items() if reason.startswith(("dropped", "lost")))
            else:
                seen, lost = program.finish()
                self.drop(program.path + ".pcap", program.path + ".out")
            told = lambda value: f"{value:,}" if value is not None else "?"
            print(f"  {name if len(kinds) == 1 else f'{name}: {kind}':46} {arrived:11,} {rate:6.2f} {told(seen):>11} {told(None if seen is None else arrived - seen):>9} {told(lost):>9} "
                  f"{program.cpu:7.2f} {program.cpu / arrived * 1e6:7.2f}", flush=True)
            if kind == "renkei":
                self.balanced(f"{name}, {packets:,}", status, arrived)
        if arrived != packets:
            self.note(f"of {packets:,} sent {packets - arrived:,} were lost on the veth pair, before any tool")

    def equal(self, name, captures, settings=""):
        """The live map beside that of tcpdump's file of the same packets; slower if one of them loses some."""
        for rate in (None, 400_000, 200_000, 100_000):
            dump, unit = self.peer("tcpdump -w file"), self.unit(settings)
            before = self.wire.counter("rx_packets")
            self.send(captures, rate=rate and rate // len(captures), preload=True).wait()
            arrived = self.wire.counter("rx_packets") - before
            status = unit.drain()
            seen, lost = dump.finish()
            ours = arrived - status["accounting"]["mapped"]
            if seen == arrived and not ours:
                break
            self.note(f"{name}: at {f'{rate:,} pps' if rate else 'full speed'} tcpdump lost {arrived - seen:,}, renkei {ours:,} "
                      f"of {arrived:,}; slower")
        speed = f"{rate:,} pps" if rate else "full speed"
        self.same(f"{name} at {speed}", unit.report(), self.audit(dump.path + ".pcap"))
        self.drop(dump.path + ".pcap")

    def kills(self):
        """SIGKILL at random moments under load."""
        rounds = 20 if self.options.quick else 100
        rate, interval = 100_000, 0.9
        capture = self.generate("kills.pcap", int(rate * (rounds * interval + 8)))
        dump = self.peer("tcpdump -w file")
        unit = self.unit("pipeline: {trackers: 2, epochSeconds: 0.3}\nmetrics: {listen: \"127.0.0.1:9477\"}\n")
        before = self.wire.counter("rx_packets")
        sender = self.send([capture], rate=rate, arguments=["--timer=nano"])
        time.sleep(1)
        self.round(unit, sender, ["splitter", "tracker 1", "tracker 2", "merger", "reporter"], rounds, interval)
        loaded = sender.runs()
        sender.wait()
        arrived = self.wire.counter("rx_packets") - before
        status = unit.drain()
        seen, _ = dump.finish()
        self.check("kills: under load to the last", loaded)
        self.balanced("kills", status, arrived)
        self.check("kills: tcpdump has all", seen == arrived, f"{seen:,} of {arrived:,}")
        self.same(f"kills, {rounds} rounds", unit.report(), self.audit(dump.path + ".pcap"))
        self.drop(dump.path + ".pcap", capture)

    def round(self, unit, sender, victims, rounds, interval):
        """Kills one after the other in turn, and prints how long each role was away."""
        chance, away, opened = random.Random(self.options.seed), collections.defaultdict(list), []
        for number in range(rounds):
            role = victims[number % len(victims)]
            next_at = time.monotonic() + interval * chance.uniform(0.5, 1.5)
            end = time.monotonic() + 20
            while role not in unit.children():
                if time.monotonic() > end:
                    raise Failed(f"the {role} did not come back")
                time.sleep(0.001)
            victim = unit.children()[role]
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            while unit.children().get(role) in (victim, None):
                if time.monotonic() > began + 20:
                    raise Failed(f"the {role} did not come back")
                time.sleep(0.001)
            away[role].append(time.monotonic() - began)
            if role == "collector":
                # A kill before it has opened the interface would make no gap of its own.
                wait_until(self.wire.sockets, 20, "the collector opens the interface")
                opened.append(time.monotonic() - began)
                time.sleep(0.3)
            if not sender.runs():
                self.note(f"the traffic ended after {number + 1} rounds")
                break
            time.sleep(max(0, next_at - time.monotonic()))
        for role, times in away.items():
            self.note(f"{role:12} {len(times):4} kills; until the next was started: mean {1000 * sum(times) / len(times):.0f} ms, "
                      f"most {1000 * max(times):.0f} ms")
        if opened:
            self.note(f"until it had opened the interface: mean {1000 * sum(opened) / len(opened):.0f} ms, most {1000 * max(opened):.0f} ms")

    def collector(self):
        """SIGKILL of who holds the interface: what comes until the next has it is missing, and that is told."""
        rounds = 5 if self.options.quick else 20
        capture = self.generate("collector.pcap", 100_000 * (2 * rounds + 6))
        unit = self.unit("pipeline: {trackers: 2, epochSeconds: 0.3}\n")
        before = self.wire.counter("rx_packets")
        sender = self.send([capture], rate=100_000, arguments=["--timer=nano"])
        time.sleep(1)
        self.round(unit, sender, ["collector"], rounds, 1.5)
        sender.wait()
        arrived = self.wire.counter("rx_packets") - before
        status = unit.drain()
        accounting = status["accounting"]
        total = accounting["mapped"] + sum(accounting["reasons"].values())
        self.check("collector killed: captured = mapped + Σ reasons", total == accounting["captured"],
                   f"{accounting['captured']:,} = {accounting['mapped']:,} + {total - accounting['mapped']:,} ({told_drops(status)})")
        missing = arrived - accounting["captured"]
        self.note(f"{arrived:,} arrived, {missing:,} of them while nothing captured")
        gap = [line for line in status["warnings"] if "gap" in line]
        self.check("collector killed: each gap is shown", gap and f" {rounds} gaps" in gap[0], "; ".join(status["warnings"]))
        live = unit.report()
        seconds = [float(found[1]) for line in live["capture"]["warnings"] if (found := re.search(r"([\d.]+) s in all", str(line)))]
        self.check("collector killed: the gaps are as long as the packets missing say", seconds and
                   0.9 <= seconds[0] * 100_000 / max(1, missing) <= 1.25, f"{seconds[0] if seconds else 0} s; {missing / 100_000:.2f} s of packets")
        told = live["capture"]["accounting"]
        self.check("collector killed: the report has the same counts", told["captured"] == accounting["captured"]
                   and told["mapped"] == accounting["mapped"], f"captured {told['captured']:,}, mapped {told['mapped']:,}")
        self.note(f"warnings of the report: {'; '.join(map(str, live['capture']['warnings']))[:300]}")
        self.drop(capture)

    def supervisor(self):
        """SIGKILL of the supervisor under load, and another one in its place."""
        capture = self.generate("supervisor.pcap", 1_000_000)
        shared = set(os.listdir("/dev/shm"))
        unit = self.unit()
        sender = self.send([capture], rate=100_000, arguments=["--timer=nano"])
        time.sleep(4)
        children, last = unit.children(), unit.told()
        unit.end(signal.SIGKILL)
        time.sleep(1)
        left = [role for role, pid in children.items() if lives(pid)]
        self.check("supervisor killed: no process is left", children and not left, f"{len(children)} were, left: {', '.join(left) or 'none'}")
        mine = set(os.listdir("/dev/shm")) - shared
        self.check("supervisor killed: nothing in /dev/shm", not [name for name in mine if "renkei" in name], ", ".join(mine))
        before = self.wire.counter("rx_packets")
        again = self.unit(keeps_store=True)
        sender.wait()
        arrived = self.wire.counter("rx_packets") - before
        status = again.drain()
        first = again.report()["capture"]["accounting"]["mapped"] - status["accounting"]["mapped"]
        told, second = last["accounting"]["mapped"], status["accounting"]["mapped"]
        self.check("supervisor killed: the store goes on", told <= first <= 1_000_000 - second,
                   f"{first:,} packets of the first run (its last status said {told:,}), {second:,} of the second")
        self.note(f"{arrived - status['accounting']['captured']:,} packets arrived while the second was starting")
        self.note(output([RENKEI, "store", "check", "--store", again.store]).strip().splitlines()[-1])
        self.drop(capture)

    def flood(self):
        """Address pairs that nobody has seen before, over normal traffic."""
        pairs, parts = (2_000_000, 2) if self.options.quick else (20_000_000, 10)
        rate, normal_rate = 150_000, 15_000
        normal = self.generate("normal.pcap", pairs * normal_rate // rate, truth=self.path("normal.tsv"))
        dump = self.kept(Program(self.wire, "tcpdump", [
            "tcpdump", "-q", "-n", "-i", self.wire.far, "-s", "256", "-B", "262144", "-Z", "root", "--time-stamp-precision=nano",
            "-w", self.path("normal-seen.pcap"), "not net 45.0.0.0/8 and not net 46.0.0.0/7"], self.path("dump.log")))
        unit = self.unit()
        memory = Memory(unit, 0.5)
        before = self.wire.counter("rx_packets")
        time.sleep(1)
        sender = self.send([normal], rate=normal_rate, arguments=["--timer=nano"])
        for part in range(parts):
            path = self.flood_part(part, pairs // parts)
            self.send([path], rate=rate, preload=False, arguments=["--timer=nano"]).wait()
            self.drop(path)
            status = unit.told()
            self.note(f"{(part + 1) * pairs // parts:11,} pairs: {sum(memory.samples[-1][1].values()) / 2e6:7.0f} MB, links {status['links']:,}, "
                      f"sessions {status['sessions']['open']:,}, exported early {status['sessions']['exportedEarly']:,}, drops {told_drops(status)}")
        normal_packets, _ = sender.wait()
        arrived = self.wire.counter("rx_packets") - before
        status = unit.drain()
        memory.stop()
        dump.end(signal.SIGINT)
        for role, count in sorted(memory.peak.items()):
            self.note(f"{role:12} {count / 1e6:8.1f} MB at most")
        self.balanced("flood", status, arrived)
        self.check("flood: nothing was restarted", not sum(one["restarts"] for one in status["processes"]))
        # Sessions and links of the defaults, and everything else, at their caps; see docs/configuration.md.
        self.check("flood: memory", memory.peak["all"] < self.options.flood_megabytes * 1e6,
                   f"{memory.peak['all'] / 1e6:.0f} MB of {self.options.flood_megabytes} MB")
        began = time.monotonic()
        live = unit.report()
        self.note(f"report in {time.monotonic() - began:.1f} s, {os.path.getsize(self.path('live.json')) / 1e6:.0f} MB of JSON, "
                  f"store {os.path.getsize(unit.store) / 1e6:.0f} MB")
        self.normal(live, self.audit(self.path("normal-seen.pcap")))
        truth = scoring.answered(self.path("normal.tsv"))
        found = scoring.Map(self.path("live.json"))
        missing = truth - found.services - found.peer_services
        for server, protocol, port in sorted(missing)[:5]:
            self.note(f"not there: {server} {protocol}/{port}")
        self.check("flood: every service of the truth is in the map", not missing, f"{len(truth) - len(missing):,} of {len(truth):,}")
        self.drop(normal, self.path("normal.tsv"), self.path("normal-seen.pcap"), self.path("live.json"))

    def normal(self, live, file):
        """The normal traffic in a flood, as without."""
        def key(row):
            return tuple(row.get(name) for name in ("client", "server", "protocol", "port"))

        def table(document):
            return {key(row): row for row in self.relations(document)}

        ours, theirs = table(live), table(file)
        # A session that was silent while a flood pressed was exported early, and is two; its packets are what they were.
        fields = ("packets", "bytes", "packetsIn", "packetsOut")
        same = {one for one, row in theirs.items() if one in ours and all(ours[one].get(field) == row.get(field) for field in fields)}
        whole = sum(ours[one]["sessions"] == theirs[one]["sessions"] for one in same)
        top = sorted(theirs, key=lambda one: -theirs[one]["packets"])[:1000]
        right = sum(one in same for one in top)
        self.check("flood: the top 1,000 relations of the normal traffic", right == len(top), f"{right:,} of {len(top):,} with the same packets and bytes")
        for one in [one for one in top if one in ours and one not in same][:5]:
            counts = (f"{field} {ours[one][field]} for {theirs[one][field]}" for field in ("sessions", *fields))
            self.note(f"other counts: {' '.join(map(str, one))}: {', '.join(counts)}")
        for one in [one for one in theirs if one not in ours][:5]:
            self.note(f"not there: {' '.join(map(str, one))}, packets {theirs[one]['packets']}, {theirs[one].get('kind')}")
        self.note(f"of all {len(theirs):,} relations {sum(one in ours for one in theirs):,} are there, {len(same):,} with the same packets and bytes, "
                  f"{whole:,} of these with as many sessions")

    @staticmethod
    def relations(document):
        for host in document["hosts"]:
            for row in host.get("requests") or []:
                yield {"client": host["address"], **row}

    def flood_part(self, part, count):
        """SYNs, each from and to an address pair of its own: sources count through 45.0.0.0/8 and on, destinations through 65,536."""
        frame = (bytes.fromhex("020000000002020000000001 0800".replace(" ", "")) + bytes.fromhex("4500002800000000400600002d0000002e000000")
                 + struct.pack(">HHIIBBHHH", 40000, 443, 1, 0, 0x50, 0x02, 65535, 0, 0))
        record = struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
        size, buffer = len(record), bytearray(record * count)
        first = part * count
        numbers = range(first, first + count)
        # A column of bytes at a time: a loop over packets would take a minute.
        source = struct.pack(f">{count}I", *(0x2D000000 + number if number < 1 << 24 else 0x2F000000 + number - (1 << 24) for number in numbers))
        target = struct.pack(f">{count}I", *(0x2E000000 + (number * 40503 & 0xFFFF) for number in numbers))
        for place in range(4):
            buffer[16 + 26 + place::size] = source[place::4]
            buffer[16 + 30 + place::size] = target[place::4]
        path = self.path(f"flood-{part}.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + buffer)
        return path

    def soak(self):
        """Half an hour of an enterprise whose sessions go on and on: one network, drawn as it is sent."""
        minutes, rate = self.options.minutes, 200_000
        packets = int(minutes * 60 * rate)
        pipe = self.path("soak.pipe")
        os.mkfifo(pipe)
        # With an hour's patience for silent sessions there would be no steady state within half an hour.
        unit = self.unit("pipeline: {tcpIdleTimeoutSeconds: 1m, idleTimeoutSeconds: 10s}\n")
        memory = Memory(unit, 10)
        before, began = self.wire.counter("rx_packets"), time.time()
        generator = subprocess.Popen([GENERATOR, "--packets", str(packets), "--seed", "1", "-o", pipe],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            sender = self.send([pipe], rate=rate, arguments=["--timer=nano"])
            shown = 0
            while sender.runs():
                time.sleep(1)
                if time.time() - began >= shown + 60 and memory.samples:
                    shown += 60
                    status, (_, sample) = unit.told(), memory.samples[-1]
                    self.note(f"{shown / 60:3.0f} min: {sample['all'] / 1e6:7.1f} MB ("
                              + ", ".join(f"{role} {count / 1e6:.1f}" for role, count in sorted(sample.items()) if role != "all")
                              + f"); {status['interfaces'][0]['packetsPerSecond'] / 1e3:.0f} kpps, sessions {status['sessions']['open']:,}, links "
                              f"{status['links']:,}, store {status['store']['bytes'] / 1e6:.1f} MB, drops {told_drops(status)}")
            sent, mpps = sender.wait()
        finally:
            generator.kill()
            generator.wait()
        memory.stop()
        arrived = self.wire.counter("rx_packets") - before
        status = unit.drain()
        self.note(f"{sent:,} packets at {1000 * mpps:.0f} kpps; CPU {unit.cpu:.0f} s, {100 * unit.cpu / (time.time() - began):.0f} % of a core; "
                  f"store {os.path.getsize(unit.store) / 1e6:.1f} MB")
        self.balanced("soak", status, arrived)
        self.check("soak: no packet lost", status["accounting"]["mapped"] == arrived, f"{arrived - status['accounting']['mapped']:,} of {arrived:,}")
        self.check("soak: nothing was restarted", not sum(one["restarts"] for one in status["processes"]))
        self.growth(memory)

    def growth(self, memory):
        """Of the last third: its last sixth beside its first, so that one sample decides nothing."""
        last = memory.samples[len(memory.samples) * 2 // 3:]
        count = max(1, len(last) // 6)
        for role in sorted(last[-1][1]):
            first, end = (sum(sample.get(role, 0) for _, sample in some) / count for some in (last[:count], last[-count:]))
            grown = 100 * (end / first - 1) if first else 0
            text = f"{first / 1e6:.1f} MB to {end / 1e6:.1f} MB, {grown:+.2f} % in {(last[-1][0] - last[0][0]) / 60:.1f} minutes"
            if role == "all":
                self.check("soak: memory of all grows less than 1 %", grown < 1, text)
            else:
                self.note(f"{role:12} {text}")

    def days(self):
        """Thirty-six days in some minutes: the packets' times, the unit's clock and the retention with them (clock-shim.c)."""
        # The upkeep has to follow: it works off some 80 minutes a second on a busy machine.
        days, speed, a_day = (4, 4320, 50_000) if self.options.quick else (36, 3456, 50_000)
        # So that the oldest goes in the last third at the latest, and two weeks are left to be compared.
        keep = ("6h", "1d", "2d") if self.options.quick else ("6h", "5d", "14d")
        # More than are needed: tcpreplay is a little slower than it is told.
        capture = self.generate("days.pcap", (days + 1) * a_day, "--days", str(days + 1))
        clock = Clock(self.path("clock"), speed)
        unit = self.unit(f"store: {{path: {self.path('store/map.db')}, keepMinutes: {keep[0]}, keepHours: {keep[1]}, keepDays: {keep[2]}}}\n"
                         # A batch spans a quarter of a second, so here it has a packet or two, and the ring must have room for many.
                         "pipeline: {epochSeconds: 0.1, ringBytes: 1GiB}\n", environment=clock.environment)
        before, began = self.wire.counter("rx_packets"), time.monotonic()
        memory = Memory(unit, 2)
        sender = self.kept(Sender(self.wire, [capture], multiplier=speed, arguments=["--timer=nano"]))
        largest, day, log = [0] * (days + 1), 0, 0
        while sender.runs() and day < days:
            time.sleep(0.2)
            now = min(days, int((time.monotonic() - began) * speed / 86400))
            # Without the log beside it, which has a length of its own.
            with contextlib.suppress(OSError):
                largest[now] = max(largest[now], os.path.getsize(unit.store))
                log = max(log, os.path.getsize(unit.store + "-wal"))
            if now > day:
                if day % 4 == 0 or self.options.quick:
                    status = unit.told()
                    self.note(f"day {day:2}: store {largest[day] / 1e6:6.2f} MB at most, {status['store']['commits']:,} commits, links "
                              f"{status['links']:,}, drops {told_drops(status)}")
                day = now
        sender.end()
        memory.stop()
        time.sleep(0.5)
        arrived = self.wire.counter("rx_packets") - before
        status = unit.drain()
        half = memory.samples[len(memory.samples) // 2][1]
        self.note("memory after half the time and at the end: " + ", ".join(
            f"{role} {half.get(role, 0) / 1e6:.1f} and {count / 1e6:.1f} MB" for role, count in sorted(memory.samples[-1][1].items())))
        self.note(f"{arrived:,} packets, {day} days in {time.monotonic() - began:.0f} s; write-ahead log {log / 1e6:.1f} MB at most")
        self.balanced("days", status, arrived)
        week = 1 if self.options.quick else 7
        late, early = max(largest[days - week:days]), max(largest[days - 2 * week:days - week])
        self.check(f"days: the store does not grow from {'week to week' if week > 1 else 'day to day'}", late <= early * 1.05,
                   f"{early / 1e6:.1f} MB at most in the last but one, {late / 1e6:.1f} MB in the last")
        self.note(output([RENKEI, "store", "check", "--store", unit.store]).strip().splitlines()[-1])
        info = output([RENKEI, "store", "info", "--store", unit.store])
        for line in info.splitlines()[:9]:
            self.note(line)
        counts = {name: int(count) for name, count in re.findall(r"^(days|hours|minutes) +(\d+)", info, re.M)}
        most = {"minutes": 6 * 60, "hours": 24 if self.options.quick else 5 * 24, "days": 2 if self.options.quick else 14}
        # A day of patience: an hour is made when all its minutes are old, a day when all its hours are.
        patience = {"minutes": 24 * 60, "hours": 24, "days": 1}
        self.check("days: nothing is kept longer than it is to be", counts and all(
            counts.get(name, 0) <= most[name] + patience[name] for name in most), str(counts))
        self.drop(capture)

    def clock(self):
        """Steps of the clock, forwards and backwards, under load. Not of the machine's clock: of the unit's (clock-shim.c)."""
        steps = [3600, -5400, 2, -1, 86400, -86400]
        capture = self.generate("clock.pcap", 20_000 * (4 * len(steps) + 6))
        clock = Clock(self.path("clock"), 1)
        unit = self.unit(environment=clock.environment)
        before = self.wire.counter("rx_packets")
        sender = self.send([capture], rate=20_000, arguments=["--timer=nano"])
        told, commits, lags = [], [], []
        for step in steps:
            time.sleep(4)
            told.append(unit.told()["clock"])
            commits.append(unit.told()["store"]["commits"])
            lags += [one.get("lagSeconds") or 0 for one in unit.told()["processes"]]
            clock.step(step)
        sender.wait()
        arrived = self.wire.counter("rx_packets") - before
        status = unit.drain()
        commits.append(status["store"]["commits"])
        self.balanced("clock", status, arrived)
        self.check("clock: each step is told", status["clock"]["steps"] == len(steps), f"{status['clock']['steps']} of {len(steps)}; last "
                   f"{status['clock'].get('lastStepSeconds')} s; before: {[one.get('lastStepSeconds') for one in told]}")
        self.check("clock: commits go on after each step", all(a < b for a, b in zip(commits, commits[1:])), " ".join(map(str, commits)))
        live = unit.report()
        spans = [row for host in live["hosts"] for part in ("provides", "peers") for row in host.get(part) or [] if "firstSeen" in row]
        self.check("clock: nothing ended before it began", spans and all(row["firstSeen"] <= row["lastSeen"] for row in spans)
                   and live["capture"]["start"] <= live["capture"]["end"], f"{len(spans):,} services; lags {min(lags):.1f} to {max(lags):.1f} s")
        self.note(output([RENKEI, "store", "check", "--store", unit.store]).strip().splitlines()[-1])
        self.drop(capture)

    def run(self):
        print(f"renkei {RENKEI}\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {os.uname().release}; seed {self.options.seed}"
              f"{'; quick: less of everything' if self.options.quick else ''}\n", flush=True)
        for name in ("load", "kills", "collector", "supervisor", "flood", "soak", "days", "clock"):
            if not re.search(self.options.only, name):
                continue
            print(f"-- {name}", flush=True)
            began = time.monotonic()
            try:
                getattr(self, name)()
            except Failed as failure:
                self.check(f"{name}: done", False, str(failure))
            finally:
                self.end_all()
            self.note(f"{time.monotonic() - began:.0f} s")
        print("\nResults")
        for what, holds, text in self.checks:
            print(f"{'holds ' if holds else 'FAILS '} {what}{': ' if text else ''}{text}")
        return all(holds for _, holds, _ in self.checks)

    def close(self):
        self.end_all()
        self.wire.remove()
        if not self.options.keep:
            shutil.rmtree(self.work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="REGEX", help="sections whose name matches: load, kills, collector, supervisor, flood, soak, days, clock")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--minutes", type=float, help="of the soak: 30; 2 with --quick")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--flood-megabytes", type=int, default=2000, metavar="MB", help="what the flood may take at most: 2000")
    parser.add_argument("--keep", metavar="DIR", help="leaves captures and maps there")
    options = parser.parse_args()
    options.minutes = options.minutes or (2 if options.quick else 30)
    if os.geteuid() != 0:
        sys.exit("unit.py: network namespaces need root")
    # Who is told to end, as by timeout(1), cleans up as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    if "GENERATOR" not in os.environ:
        subprocess.run(["swift", "build", "-c", "release", "--package-path", HERE, "--product", "renkei-generate"], check=True, stdout=sys.stderr)
    bench = Bench(options)
    try:
        met = bench.run()
    finally:
        bench.close()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
