#!/usr/bin/env python3
"""How fast renkei is and how much memory it takes, beside other tools on the same captures in the same run.

    make bench                          everything; installs the other tools first
    Benchmarks/speed.py [--packets N] [--runs N] [--quick] [--only REGEX] [--no-peers] [--keep DIR]

Captures are generated (README.md) into a temporary folder and removed when they are not needed any more. Every command is a
whole process with its children. RENKEI=path names another binary than .build/release/renkei; the stages by themselves are
always built from the sources.

    wall        seconds, median of the runs
    CPU         seconds of all processes, median
    MB          the highest sum over all processes of memory that is theirs or shared, shared memory counted once (PSS); without
                the page cache
    Mpps        million packets a second of wall time

Each row is printed when it is done. Exit status 1 if a target is missed.
"""
import sys

sys.dont_write_bytecode = True
import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import scoring

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
GENERATOR = os.path.join(HERE, ".build/release/renkei-generate")
STAGES_PACKAGE = os.path.join(HERE, "Stages")
STAGES = os.path.join(STAGES_PACKAGE, ".build/release/renkei-stages")
RENKEI = os.path.abspath(os.environ.get("RENKEI", os.path.join(ROOT, ".build/release/renkei")))

# Stages by themselves: benchmark, name, unit. Targets are in Stages/Thresholds.
STAGE_ROWS = [
    ("collect-without-copies", "decode to records", "packets"),
    ("collect", "decode to records, looking for copies", "packets"),
    ("split", "split, 4 trackers", "records"),
    ("track", "track, {sessions} sessions", "records"),
    ("merge", "merge, to links", "session changes"),
    ("merge-to-store", "merge, with the store's writing", "session changes"),
]
# Stage, unit, most instructions an item (None: no target).
INSTRUCTIONS = [
    ("collect-without-copies", "packet", 40), ("collect", "packet", None), ("split", "record", None),
    ("track", "record", None), ("merge", "session change", None),
]
# Of the 36 days; the last is judged.
DAYS = [7, 14, 28, 36]
DAYS_QUICK = [1, 2, 4]
PACKETS_A_DAY = 5_200_000


class Failed(Exception):
    """A command that was to be measured did not do its work."""


class Memory(threading.Thread):
    """Looks at a process and its descendants every 20 ms."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak, self.ends = process, 0, threading.Event()

    def run(self):
        while not self.ends.wait(0.02):
            self.peak = max(self.peak, sum(map(self.bytes, self.family(self.process))))

    @staticmethod
    def family(process):
        found, rest = [], [process]
        while rest:
            one = rest.pop()
            found.append(one)
            try:
                for task in os.listdir(f"/proc/{one}/task"):
                    with open(f"/proc/{one}/task/{task}/children") as children:
                        rest += map(int, children.read().split())
            except OSError:
                pass
        return found

    @staticmethod
    def bytes(process):
        """Anonymous and shared memory, the latter divided among those who map it. Pages of mapped files are the page cache's:
        they go when somebody else needs the room."""
        try:
            with open(f"/proc/{process}/smaps_rollup") as lines:
                return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
        except OSError:
            return 0


class Run:
    """One run of a command: wall and CPU seconds, exit status, what it wrote to standard output and error, peak memory."""

    def __init__(self, command, memory=False, environment=None):
        with tempfile.TemporaryFile() as out:
            began = time.monotonic()
            try:
                process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                           env=environment)
            except OSError as error:
                raise Failed(f"{command[0]}: {error.strerror}") from error
            watch = Memory(process.pid) if memory else None
            if watch:
                watch.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.terminate()
                raise
            self.wall = time.monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if watch:
                watch.ends.set()
                watch.join()
            self.cpu, self.peak = usage.ru_utime + usage.ru_stime, watch.peak if watch else 0
            out.seek(0)
            self.text = out.read().decode(errors="replace")
        if process.returncode:
            raise Failed(f"{' '.join(command)[:200]}: exit status {process.returncode}: {self.text[-500:].strip()}")


class Result:
    """Medians of several runs of the same command."""

    def __init__(self, runs, peak=0):
        self.wall = statistics.median(run.wall for run in runs)
        self.cpu = statistics.median(run.cpu for run in runs)
        self.count, self.peak = len(runs), peak


class Bench:
    def __init__(self, options):
        self.options = options
        self.work = options.keep or tempfile.mkdtemp(prefix="renkei-speed-")
        os.makedirs(self.work, exist_ok=True)
        self.targets, self.shared = [], None

    def path(self, name):
        return os.path.join(self.work, name)

    def drop(self, *paths):
        for path in paths:
            if not self.options.keep or path.endswith((".html", ".db", ".json")):
                shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)

    def generate(self, name, packets, arguments=(), truth=None):
        """A capture in the page cache, and what the generator says it wrote, by name."""
        capture = self.path(name)
        run = Run([GENERATOR, "--packets", str(packets), "--seed", "1", *arguments, "-o", capture,
                   *(["--truth", truth] if truth else [])])
        with open(capture, "rb") as file:
            while file.read(1 << 22):
                pass
        return capture, {name: float(number) for name, number in re.findall(r"([a-z]+) ([\d.]+)", run.text)}

    # Commands

    def audit(self, capture, *arguments, outputs=("html", "db")):
        """The command, and the paths that it writes."""
        paths = [self.path("map." + output) for output in outputs]
        self.drop(*paths)
        words = [word for path in paths for word in ("-o", path)]
        return [RENKEI, "audit", "-q", "-r", capture, *arguments, *words], paths

    def peers(self, capture):
        """Name, the one before that it needs, command."""
        flows, argus = self.path("nfcapd"), self.path("argus.out")
        fields = "-n -s saddr daddr proto dport pkts bytes"
        return [
            ("nfpcapd", None, f"rm -rf {flows}; mkdir {flows}; nfpcapd -r {capture} -w {flows}"),
            ("nfpcapd, nfdump by service", "nfpcapd", f"nfdump -R {flows} -A srcip,dstip,dstport,proto -o csv"),
            ("softflowd", None, f"softflowd -r {capture} -d -n 127.0.0.1:9995"),
            ("argus", None, f"argus -F /dev/null -r {capture} -w {argus}"),
            ("argus to services", "argus",
             f"racluster -F /dev/null -r {argus} -m daddr proto dport -w - | ra -F /dev/null -r - {fields}"),
        ]

    def measure(self, *commands, runs=None):
        """Results of the commands, run in turns, so that what disturbs one disturbs all; then each once more for its memory,
        since looking at it takes time from it. A command may be a function that makes it."""
        made = [command if callable(command) else (lambda command=command: command) for command in commands]
        taken = [[] for _ in made]
        for _ in range(runs or self.options.runs):
            for command, into in zip(made, taken):
                into.append(Run(command()))
        return [Result(into, Run(command(), memory=True).peak) for command, into in zip(made, taken)]

    # Printing

    def head(self):
        print(f"renkei {RENKEI}\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median of {self.options.runs} runs in turns"
              f"{'; quick: smaller inputs than the targets are for' if self.options.quick else ''}\n")
        print(f"{'':58} {'wall s':>9} {'CPU s':>9} {'MB':>8} {'Mpps':>8}  ratio", flush=True)

    def row(self, name, result, packets=None, ratio=""):
        rate = f"{packets / result.wall / 1e6:8.1f}" if packets else f"{'':8}"
        print(f"{name:58} {result.wall:9.3f} {result.cpu:9.3f} {result.peak / 1e6:8.1f} {rate}  {ratio}", flush=True)

    def note(self, text):
        print(f"  {text}", flush=True)

    def expect(self, what, value, relation, bound, unit="", peer=""):
        met = value >= bound if relation == ">=" else value <= bound
        self.targets.append((what, value, relation, bound, unit, met, peer))

    def summary(self):
        print("\nTargets")
        for what, value, relation, bound, unit, met, peer in self.targets:
            print(f"{what:62} {value:>10,.5g} {relation} {bound:<9,g} {unit:14} {'met   ' if met else 'MISSED'}  {peer}".rstrip())
        return all(target[5] for target in self.targets)

    # Lines

    def whole(self):
        """A large capture to a map and a page, beside those who read the same file."""
        packets = self.options.packets
        capture, facts = self.generate("whole.pcap", packets)
        self.note(f"{packets:,} packets, {facts['sessions']:,.0f} sessions, {os.path.getsize(capture) / 1e9:.1f} GB")
        audit, paths = self.audit(capture)
        ours, tcpdump = self.measure(lambda: self.audit(capture)[0], ["tcpdump", "-nr", capture, "--count"])
        self.row("renkei audit, map.db and HTML", ours, packets, f"{ours.wall / tcpdump.wall:.2f} of tcpdump's time")
        self.row("tcpdump --count", tcpdump, packets)
        self.expect("whole audit, time beside tcpdump --count", ours.wall / tcpdump.wall, "<=", 0.6, "times",
                    f"tcpdump {tcpdump.wall:.2f} s, renkei {ours.wall:.2f} s")
        self.drop(*paths)
        if not self.options.no_peers:
            taken = {}
            for name, first, command in self.peers(capture):
                run = taken[name] = Run(["sh", "-c", command], memory=True)
                # The second of a pair goes on with what the first has written, so it takes the time of both.
                if first:
                    run.wall, run.cpu, run.peak = (run.wall + taken[first].wall, run.cpu + taken[first].cpu,
                                                   max(run.peak, taken[first].peak))
                self.row(f"{name}, 1 run", Result([run], run.peak), packets, f"renkei is {run.wall / ours.wall:.1f}x as fast")
            for name, bound in (("nfpcapd", 9), ("nfpcapd, nfdump by service", 25), ("argus", 14)):
                self.expect(f"whole audit, times as fast as {name}", taken[name].wall / ours.wall, ">=", bound, "times",
                            f"{taken[name].wall:.2f} s, renkei {ours.wall:.2f} s")
            self.drop(self.path("nfcapd"), self.path("argus.out"))
        self.drop(capture)

    def small(self):
        """What a user waits for at least."""
        capture, _ = self.generate("small.pcap", 1000)
        _, paths = self.audit(capture, outputs=("html",))
        [ours] = self.measure(lambda: self.audit(capture, outputs=("html",))[0], runs=4 * self.options.runs)
        self.row("renkei audit of 1,000 packets, HTML", ours)
        self.expect("audit of 1,000 packets", ours.wall * 1000, "<=", 150, "ms")
        self.drop(capture, *paths)

    def memory(self):
        """All processes of an audit with the sessions of an ordinary hour."""
        capture, facts = self.medium()
        [ours] = self.measure(lambda: self.audit(capture)[0])
        self.row(f"renkei audit, {facts['packets']:,.0f} packets, {facts['sessions']:,.0f} sessions", ours, facts["packets"])
        self.expect(f"memory of all processes, {facts['sessions']:,.0f} sessions", ours.peak / 1e6, "<=", 300, "MB")
        self.drop(*self.audit(capture)[1])

    def table3(self):
        """The enterprise of the paper's table 3, and everything in it found: with the generator's sessions of 26 packets, and
        with as many packets as the paper's octets take."""
        for packets, gigabytes_min in ((self.options.packets_medium, 0), (self.options.packets_table3, 26)):
            self.enterprise(packets, gigabytes_min)

    def enterprise(self, packets, gigabytes_min):
        truth = self.path("table3.tsv")
        capture, facts = self.generate("table3.pcap", packets, truth=truth)
        _, paths = self.audit(capture)
        [ours] = self.measure(lambda: self.audit(capture)[0])
        store = os.path.getsize(self.path("map.db")) / 1e6
        command, [path] = self.audit(capture, outputs=("json",))
        Run(command)
        found = scoring.Map(path)
        with open(path) as file:
            document = json.load(file)
        hosts = {host["address"] for host in document["hosts"]}
        services, clients = scoring.answered(truth), set()
        with open(truth) as lines:
            next(lines)
            for line in lines:
                clients.add(line.split("\t")[3])
        missing = services - found.services - found.peer_services
        minutes, gigabytes = facts["seconds"] / 60, document["capture"]["frameBytes"] / 1e9
        name = f"table 3, {gigabytes:.1f} GB"
        self.row(f"renkei audit of {name}, {packets:,} packets", ours, packets)
        self.note(f"{minutes:.0f} minutes, {facts['networks']:.0f} networks, {facts['clients']:.0f} PCs, "
                  f"{facts['servers']:.0f} servers, {facts['sessions']:,.0f} sessions; store {store:.1f} MB")
        self.note(f"found {len(services - missing)} of {len(services)} services, {len(clients & hosts)} of {len(clients)} clients, "
                  f"{document['summary']['networks']} networks")
        for server, protocol, port in sorted(missing)[:5]:
            self.note(f"not found: {server} {protocol}/{port}")
        if not self.options.quick:
            for what, value, bound in (("GB", gigabytes, gigabytes_min), ("minutes", round(minutes), 61), ("PCs", facts["clients"], 16_075),
                                       ("servers", facts["servers"], 382), ("networks", facts["networks"], 285)):
                if bound:
                    self.expect(f"{name}: {what} in the workload", value, ">=", bound)
        self.expect(f"{name}: services and clients not found", len(missing) + len(clients - hosts), "<=", 0)
        self.expect(f"{name}: store", store, "<=", 20, "MB")
        self.expect(f"{name}: time", ours.wall, "<=", 2, "s")
        self.drop(*paths, path, truth, capture)

    def medium(self):
        """A capture that several sections read, and its facts."""
        if not self.shared:
            self.shared = self.generate("medium.pcap", self.options.packets_medium)
        return self.shared

    def formats(self):
        """The same packets in other wrappings."""
        capture, _ = self.medium()
        others = {name: self.path("medium.pcap" + ending) for name, ending in
                  (("pcapng", "ng"), ("gzip", ".gz"), ("zstd", ".zst"))}
        Run(["editcap", "-F", "pcapng", capture, others["pcapng"]])
        Run(["sh", "-c", f"gzip -1 -c {capture} > {others['gzip']}"])
        Run(["zstd", "-q", "-f", "-3", capture, "-o", others["zstd"]])
        results = self.measure(*(lambda file=file: self.audit(file)[0] for file in (capture, *others.values())))
        plain = results[0]
        for name, result in zip(("pcap", *others), results):
            self.row(f"renkei audit of {name}", result, self.options.packets_medium, f"{result.wall / plain.wall:.2f} of pcap's time")
        for name, command in (("gzip -dc alone", ["gzip", "-dc", others["gzip"]]), ("zstd -dc alone", ["zstd", "-dcq", others["zstd"]])):
            # Into nothing: a megabyte of pipe would be the figure otherwise.
            [result] = self.measure(["sh", "-c", " ".join(command) + " > /dev/null"], runs=1)
            self.row(name, result, self.options.packets_medium)
        self.expect("pcapng beside pcap", results[1].wall / plain.wall, "<=", 1.3, "times")
        self.drop(*others.values())

    def trackers(self):
        """Fewer trackers: the same map, the same work."""
        capture, _ = self.medium()
        numbers = (4, 2, 1)
        results = self.measure(*(lambda n=n: self.audit(capture, "--trackers", str(n))[0] for n in numbers))
        maps = {}
        for number, result in zip(numbers, results):
            self.row(f"renkei audit, {number} tracker{'s' * (number > 1)}", result, self.options.packets_medium)
            command, [path] = self.audit(capture, "--trackers", str(number), outputs=("json",))
            Run(command)
            with open(path, "rb") as file:
                maps[number] = file.read()
            self.drop(path)
        for many, few, a, b in ((2, 1, results[1], results[2]), (4, 2, results[0], results[1])):
            self.expect(f"{many} to {few} trackers: maps that differ", int(maps[many] != maps[few]), "<=", 0)
            self.expect(f"{many} to {few} trackers: CPU seconds a packet differ by", 100 * abs(b.cpu / a.cpu - 1), "<=", 15, "%")
        self.drop(*self.audit(capture)[1])

    def stages(self):
        """Each stage by itself, by the benchmark library; its thresholds are the targets."""
        capture, out = self.medium()[0], self.path("stages")
        os.makedirs(out, exist_ok=True)
        Run(["swift", "package", "--package-path", STAGES_PACKAGE, "--allow-writing-to-directory", out, "benchmark", "run",
             "--no-progress", "--format", "histogramPercentiles", "--path", out],
            environment={**os.environ, "RENKEI_CAPTURE": capture})
        sessions = json.loads(Run([STAGES, "run", "track", capture]).text)["sessions"]
        for stage, name, unit in STAGE_ROWS:
            with open(os.path.join(out, f"Current_run.StageBenchmarks.{stage}.ps_per_item.histogram.percentiles.tsv")) as file:
                picoseconds = int(re.search(r"^50\t(\d+)$", file.read(), re.M)[1])
            name = name.format(sessions=f"{sessions:,}")
            print(f"{name:58} {1e6 / picoseconds:9.1f} M {unit}/s", flush=True)
            threshold = os.path.join(STAGES_PACKAGE, "Thresholds", f"StageBenchmarks.{stage}.p90.json")
            if os.path.exists(threshold):
                with open(threshold) as file:
                    [bound] = json.load(file).values()
                self.expect(name, 1e6 / picoseconds, ">=", round(1e6 / bound, 1), "M/s")
        shutil.rmtree(out)

    def lines(self, *arguments):
        """What renkei-stages prints."""
        return [json.loads(line) for line in Run([STAGES, *arguments]).text.splitlines() if line.startswith("{")]

    def ring(self):
        """Two processes and nothing but the ring between them."""
        found = self.lines("ring", "--runs", str(self.options.runs))
        rate = statistics.median(one["items"] / one["wall"] for one in found) / 1e6
        print(f"{'ring, two processes':58} {rate:9.1f} M records/s", flush=True)
        self.expect("ring, one producer and one consumer process", rate, ">=", 200, "M records/s")

    def instructions(self):
        """Counted by callgrind: what an item costs more in a capture of twice the packets."""
        binary = self.path("renkei-stages")
        # valgrind stumbles over the debugging information; the names that it needs stay.
        Run(["strip", "-g", "-o", binary, STAGES])
        # From two million packets on a capture has all hosts; before, each session would bring new relations.
        most = 800_000 if self.options.quick else 4_000_000
        captures = [self.generate(f"instructions-{packets}.pcap", packets)[0] for packets in (most // 2, most)]
        for stage, unit, bound in INSTRUCTIONS:
            counts, items = [], []
            for capture in captures:
                run = Run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
                           "--toggle-collect=*renkeiMeasured*", binary, "run", stage, capture, "--undrained"])
                counts.append(int(re.search(r"Collected : (\d+)", run.text)[1]))
                items.append(json.loads(re.search(r"^\{.*\}$", run.text, re.M)[0])["items"])
            each = (counts[1] - counts[0]) / (items[1] - items[0])
            print(f"{'instructions, ' + stage:58} {each:9.1f} a {unit}", flush=True)
            if bound:
                self.expect("decode to records, instructions a packet", each, "<=", bound)
        self.drop(binary, *captures)

    def sessions(self):
        """The same packets in more and more sessions."""
        packets, costs = self.options.packets_sessions, {}
        for asked in self.options.session_counts:
            # A session has six packets at least, so the largest number is not quite reached.
            capture, facts = self.generate("sessions.pcap", packets, ("--sessions", str(asked)))
            sessions = facts["sessions"]
            [ours] = self.measure(lambda: self.audit(capture)[0], runs=min(3, self.options.runs))
            self.drop(*self.audit(capture)[1])
            costs[sessions] = ours.cpu / packets
            self.row(f"renkei audit, {packets:,} packets, {sessions:,.0f} sessions", ours, packets,
                     f"{ours.cpu / packets * 1e9:.0f} ns CPU a packet, {ours.peak / sessions:.0f} bytes a session")
            if asked == self.options.session_counts[-1]:
                self.expect(f"memory of all processes, {sessions:,.0f} sessions", ours.peak / sessions, "<=", 160, "bytes/session")
                found = self.lines("run", "track", capture, "--sessions-max", "16000000", "--runs", str(min(3, self.options.runs)))
                rate = statistics.median(one["items"] / one["wall"] for one in found) / 1e6
                name = f"track, {found[0]['sessions']:,} sessions"
                print(f"{name:58} {rate:9.1f} M records/s", flush=True)
                self.expect(name, rate, ">=", 20, "M/s")
            self.drop(capture)
        least, most = min(costs), max(costs)
        self.expect(f"CPU a packet, {least:,.0f} to {most:,.0f} sessions: grows", costs[most] / costs[least], "<=", 3, "times")

    def table4(self):
        """Days of records into the splitter. The paper's 4.7 TB are some 40 times as many packets; hosts, relations and hours are
        as there, and those make the store."""
        growth, before = [], (0, 0)
        for days in self.options.days:
            store = self.path("days.db")
            self.drop(store)
            run = Run(["bash", "-o", "pipefail", "-c", f"{GENERATOR} --packets {days * PACKETS_A_DAY} --days {days} --seed 1 "
                       f"--format records -o - | {STAGES} days {store}"])
            line = json.loads(re.search(r"^\{.*\}$", run.text, re.M)[0])
            sessions, size = int(re.search(r"sessions (\d+)", run.text)[1]), os.path.getsize(store) / 1e6
            growth.append((size - before[1]) / (days - before[0]))
            before = days, size
            packets = line["items"]
            print(f"{f'table 4, {days} days, {sessions / days:,.0f} sessions a day':58} {line['wall']:9.3f} {run.cpu:9.3f} {'':8} {packets / line['wall'] / 1e6:8.1f}  "
                  f"{packets / days:,.0f} packets a day, store {size:.1f} MB, {growth[-1]:.2f} MB a day more", flush=True)
            self.drop(store)
        rises = sum(later > earlier for earlier, later in zip(growth, growth[1:]))
        self.expect(f"table 4: store after {before[0]} days", before[1], "<=", 210, "MB")
        self.expect("table 4: periods in which the store grew faster than before", rises, "<=", 0)

    def run(self):
        self.head()
        for name, section in (
            ("whole", self.whole), ("small", self.small), ("table 3", self.table3), ("memory", self.memory), ("formats", self.formats),
            ("trackers", self.trackers), ("stages", self.stages), ("ring", self.ring), ("instructions", self.instructions),
            ("sessions", self.sessions), ("table 4", self.table4),
        ):
            if not re.search(self.options.only, name):
                continue
            print(f"-- {name}", flush=True)
            try:
                section()
            except Failed as failure:
                print(f"{name}: {failure}", flush=True)
                self.targets.append((f"{name}: done", 0, ">=", 1, "", False, ""))
        return self.summary()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, help="packets of the largest capture: 50,000,000; 5,000,000 with --quick")
    parser.add_argument("--runs", type=int, help="runs of each command: 5; 3 with --quick")
    parser.add_argument("--quick", action="store_true", help="smaller captures; the targets are not for these")
    parser.add_argument("--only", default="", metavar="REGEX", help="sections whose name matches: whole, small, table 3, memory, formats, "
                        "trackers, stages, ring, instructions, sessions, table 4")
    parser.add_argument("--no-peers", action="store_true", help="without the other flow tools")
    parser.add_argument("--keep", metavar="DIR", help="leave captures there")
    options = parser.parse_args()
    options.packets = options.packets or (5_000_000 if options.quick else 50_000_000)
    options.runs = options.runs or (3 if options.quick else 5)
    options.packets_medium = 2_000_000 if options.quick else 10_000_000
    options.packets_table3 = 4_000_000 if options.quick else 40_000_000
    options.packets_sessions = 6_600_000 if options.quick else 66_000_000
    options.session_counts = [10_000, 100_000, 1_300_000] if options.quick else [10_000, 100_000, 1_000_000, 13_000_000]
    options.days = DAYS_QUICK if options.quick else DAYS
    # Who is told to end, as by timeout(1), cleans up as well: captures are large.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Where Debian keeps argus and softflowd.
    os.environ["PATH"] += ":/usr/sbin"
    # A stage that crashes is to end at once, not to be explained at length.
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    for package, product in ((HERE, "renkei-generate"), (STAGES_PACKAGE, "renkei-stages")):
        subprocess.run(["swift", "build", "-c", "release", "--package-path", package, "--product", product],
                       check=True, stdout=sys.stderr)
    began = time.monotonic()
    bench = Bench(options)
    try:
        met = bench.run()
    finally:
        if not options.keep:
            shutil.rmtree(bench.work)
    print(f"\n{time.monotonic() - began:.0f} s", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
