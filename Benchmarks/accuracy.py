#!/usr/bin/env python3
"""How often `renkei audit` knows who serves whom, beside other tools on the same captures.

    make accuracy                       everything; installs the other tools first
    Benchmarks/accuracy.py [--packets N | --quick] [--only REGEX] [--no-peers] [--keep DIR] [--full]

Captures are generated with their truth (README.md), and real ones are taken from ../shared/captures where that is there, as
they are and without their handshakes. RENKEI=path names another binary than .build/release/renkei.

    services    services that answered, found of all
    right       sessions with the true server, port and client, in percent of the true sessions; of a tool of flow records:
                records with the true destination, in percent of its records of true relations
    reversed    the same with client and server the wrong way round
    none        the rest: undecided, or not found
    failed      right, and answered in truth, but listed as a failure only
    invented    services listed that the truth does not know; in brackets those at a client's ephemeral port
    swapped     invented services that are the client of a reversed relation
    ECE         expected calibration error of the confidences: of all relations; of those without a handshake

Each row is printed when it is done. Exit status 1 if renkei misses a target.
"""
import sys

sys.dont_write_bytecode = True
import argparse
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

import peers
import scoring
from scoring import Calibration, Map, Score, Truth

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
SHARED = os.path.join(ROOT, "..", "shared")
GENERATOR = os.path.join(HERE, ".build/release/renkei-generate")
RENKEI = os.path.abspath(os.environ.get("RENKEI", os.path.join(ROOT, ".build/release/renkei")))

# Name, options of renkei-generate, seeds, percent of sessions that renkei should have right.
GENERATED = [
    ("enterprise, handshakes", "", (1, 2), 99.9),
    ("enterprise, midstream", "--midstream", (1, 2), 99.5),
    ("enterprise, one-way", "--one-way", (1,), 99.0),
    ("enterprise, 1 in 100", "--sample 100", (1,), 98.0),
    ("highports, handshakes", "--profile highports", (1,), 99.9),
    ("highports, midstream", "--profile highports --midstream", (1, 2), 99.0),
    ("enterprise, midstream, IPv6, VLAN", "--midstream --ipv6 30 --vlan 20", (1,), 99.5),
    ("enterprise, every packet twice", "--duplicate 100", (1,), 99.9),
]
# Name, packets, packets with --full (the whole scan ends by itself before that).
ATTACKS = [
    ("scan", 2_000_000, 40_000_000),
    ("synflood", 1_000_000, 1_000_000),
    ("backscatter", 1_000_000, 1_000_000),
    ("ackscan", 2_000_000, 2_000_000),
]
ECE_MAX = 0.02


class Harness:
    def __init__(self, options):
        self.options = options
        self.work = options.keep or tempfile.mkdtemp(prefix="renkei-accuracy-")
        os.makedirs(self.work, exist_ok=True)
        self.calibration, self.guessed = Calibration(), Calibration()
        self.targets = []

    def wants(self, name):
        return re.search(self.options.only, name) is not None

    def path(self, name):
        return os.path.join(self.work, name)

    def drop(self, *paths):
        for path in paths:
            if not self.options.keep and os.path.exists(path):
                os.remove(path)

    # Running

    def generate(self, name, arguments, packets, seed):
        """The capture, its truth, and the packets written."""
        stem = self.path(re.sub(r"\W+", "-", name))
        capture, truth = stem + ".pcap", stem + ".tsv"
        run = subprocess.run([GENERATOR, "--packets", str(packets), "--seed", str(seed), *arguments.split(),
                              "-o", capture, "--truth", truth], check=True, stderr=subprocess.PIPE, text=True)
        return capture, truth, int(re.search(r"packets (\d+)", run.stderr)[1])

    def audit(self, capture, **options):
        """The map, wall seconds, and peak memory in MB of the largest process; no map if renkei fails."""
        path, usage = self.path("map.json"), self.path("usage")
        run = subprocess.run(["/usr/bin/time", "-q", "-f", "%e %M", "-o", usage, RENKEI, "audit", "-q", "-r", capture, "-o", path],
                             stderr=subprocess.PIPE, text=True)
        seconds, kilobytes = open(usage).read().split()[-2:]
        if run.returncode:
            print(f"  renkei: {os.path.basename(capture)}: {run.stderr.strip()}", flush=True)
        map_ = Map(path, **options) if run.returncode == 0 else None
        self.drop(path, usage)
        return map_, float(seconds), int(kilobytes) / 1024

    def scores(self, capture, truth):
        """(tool, score) for renkei and the other tools; renkei's map goes along for what only it says."""
        map_ = self.audit(capture)[0]
        yield "renkei", scoring.score_map(map_, truth) if map_ else Score(), map_
        if not self.options.no_peers:
            for tool, records in peers.PEERS.items():
                yield tool, scoring.score_records(records(capture), truth), None

    # Rows

    def generated(self, name, arguments, seed, target):
        name = f"{name}, seed {seed}"
        if not self.wants(name):
            return
        capture, path, packets = self.generate(name, arguments, self.options.packets, seed)
        truth = Truth(path, scoring.GENERATED)
        for tool, score, map_ in self.scores(capture, truth):
            self.show(name, tool, score)
            if map_:
                if "selfCheck" in map_.capture:
                    print(f"  selfCheck: {map_.capture['selfCheck']}", flush=True)
                self.calibration.merge(score.calibration)
                self.guessed.merge(score.guessed)
                self.target(name, score, target)
                self.expect(f"{name}: invented", score.invented, "<=", 0)
                self.expect(f"{name}: ECE", round(score.calibration.error() or 0, 4), "<=", ECE_MAX)
                if "--duplicate" in arguments:
                    mapped = map_.capture["accounting"]["mapped"]
                    print(f"  mapped {mapped} packets, of {packets} without the copies", flush=True)
                    self.expect(f"{name}: copies in the map", abs(mapped - packets), "<=", 0)
        self.drop(capture, path)

    def attacked(self, profile, packets, packets_full):
        """A service that nobody answered for is an invention here, too: it is what a scan is meant to find out."""
        name = f"attack: {profile}, seed 1"
        if not self.wants(name):
            return
        packets = packets_full if self.options.full else min(packets, self.options.packets)
        capture, path, packets = self.generate(name, f"--profile {profile}", packets, 1)
        map_, seconds, megabytes = self.audit(capture, sections=("hosts",))
        services = scoring.answered(path)
        listed = {s for s in map_.services | map_.peer_services if s[1] in scoring.PORTED} if map_ else set()
        invented = listed - services
        print(f"{name:41} {'renkei':9} {f'{len(services & listed)}/{len(services)}':>13}   invented {len(invented)}, "
              f"{packets} packets, {seconds:.1f} s, largest process {megabytes:.0f} MB", flush=True)
        if self.options.verbose:
            for service in sorted(invented)[:20]:
                print(f"    invented {service}", flush=True)
        self.expect(f"{name}: invented", len(invented), "<=", 0)
        self.drop(capture, path)

    def real(self, name, is_midstream, target, sides=1):
        """Of mid-stream captures only what is still visible counts: relations with packets of so many sides, bare resets
        aside."""
        if not self.wants(name):
            return
        if not os.path.isdir(os.path.join(SHARED, "captures")):
            print(f"{name}: skipped, there is no ../shared/captures", flush=True)
            return
        totals = {}
        for folder in ("real", "large"):
            folder = os.path.join(SHARED, "captures", folder)
            for file in sorted(os.listdir(folder)):
                path = os.path.join(SHARED, "captures/truth", file + ".tsv")
                if not os.path.exists(path):
                    continue
                capture, classic = os.path.join(folder, file), self.path("real.pcap")
                subprocess.run(["editcap", "-F", "pcap", capture, classic], check=True, stderr=subprocess.DEVNULL)
                if is_midstream:
                    capture = self.path("real-midstream.pcap")
                    subprocess.run([sys.executable, os.path.join(SHARED, "tools/midstream.py"), classic, capture], check=True)
                    classic = capture
                truth = Truth(path, scoring.DERIVED, flows(classic, sides if is_midstream else 0), is_midstream)
                # Strict relations that were answered, each once, however many sessions it has.
                truth.sessions = {key: 1 for key in truth.sessions if truth.answered[key]}
                for tool, score, _ in self.scores(capture, truth):
                    if self.options.verbose and tool == "renkei":
                        self.show("  " + file[-40:], tool, score)
                    totals.setdefault(tool, Score()).merge(score)
                self.drop(self.path("real.pcap"), self.path("real-midstream.pcap"))
        for tool, score in totals.items():
            self.show(name, tool, score)
        if target is not None:
            self.target(name, totals["renkei"], target)

    # Printing

    def head(self):
        print(f"renkei {RENKEI}\n{self.options.packets} packets a generated capture\n")
        print(f"{'capture':41} {'tool':9} {'services':>13} {'right':>8} {'reversed':>8} {'none':>8} {'failed':>8} "
              f"{'invented':>12} {'swapped':>7} {'ECE':>13}", flush=True)

    def show(self, name, tool, score):
        percent = lambda n: f"{100 * n / score.all:8.3f}" if score.all else f"{'-':>8}"
        error = ""
        if score.calibration.error() is not None:
            error = f"{score.calibration.error():.4f} {score.guessed.error() or 0:.4f}"
        print(f"{name:41} {tool:9} {f'{score.found}/{score.services}':>13} {percent(score.right)} {percent(score.reversed)} "
              f"{percent(score.all - score.right - score.reversed)} {percent(score.failed)} "
              f"{f'{score.invented} ({score.ephemeral})':>12} {score.reversed_services:7} {error:>13}", flush=True)
        if self.options.verbose and tool == "renkei":
            for service in score.examples[:20]:
                print(f"    invented {service}", flush=True)

    def target(self, name, score, percent):
        self.expect(f"{name}: right", round(100 * score.right / score.all, 3) if score.all else 0, ">=", percent)

    def expect(self, what, value, relation, bound):
        met = value >= bound if relation == ">=" else value <= bound
        self.targets.append((what, value, f"{relation} {bound}", met))

    def summary(self):
        for title, calibration in (("all relations", self.calibration), ("relations without a handshake", self.guessed)):
            if calibration.error() is not None:
                print(f"\nConfidence of generated captures, {title}: ECE {calibration.error():.4f}")
                print("\n".join(calibration.table()))
        print("\nTargets")
        for what, value, bound, met in self.targets:
            print(f"{what:60} {value:>10} {bound:>9}  {'met' if met else 'MISSED'}")
        return all(met for *_, met in self.targets)

    def run(self):
        self.head()
        for name, arguments, seeds, target in GENERATED:
            for seed in seeds:
                self.generated(name, arguments, seed, target)
        for attack in ATTACKS:
            self.attacked(*attack)
        self.real("real and large", False, 99.8)
        self.real("real and large, midstream", True, None)
        self.real("real and large, midstream, both sides", True, 98.0, sides=2)
        return self.summary()


def flows(path, sides=0):
    """How many flows of each relation a classic pcap file has; either endpoint of a flow may be the server. It reads what
    midstream.py reads: Ethernet, with VLAN tags or without, and raw IP. `sides`: those of which so many sides said more than
    a reset; 0 takes all."""
    found = {}
    with open(path, "rb") as file:
        head = file.read(24)
        order = "<" if head[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        link = struct.unpack(order + "I", head[20:24])[0] & 0xFFFF
        while len(record := file.read(16)) == 16:
            data = file.read(struct.unpack(order + "I", record[8:12])[0])
            offset, kind = 0, None
            if link == 1 and len(data) >= 14:
                offset, kind = 14, data[12] << 8 | data[13]
                while kind in (0x8100, 0x88A8, 0x9100) and len(data) >= offset + 4:
                    kind = data[offset + 2] << 8 | data[offset + 3]
                    offset += 4
            elif link in (12, 14, 101, 228, 229) and data:
                kind = {4: 0x0800, 6: 0x86DD}.get(data[0] >> 4)
            if kind == 0x0800 and len(data) >= offset + 20:
                proto, a, b = data[offset + 9], data[offset + 12:offset + 16], data[offset + 16:offset + 20]
                if (data[offset + 6] & 0x1F) or data[offset + 7]:
                    continue
                offset += (data[offset] & 15) * 4
            elif kind == 0x86DD and len(data) >= offset + 40:
                proto, a, b = data[offset + 6], data[offset + 8:offset + 24], data[offset + 24:offset + 40]
                offset += 40
            else:
                continue
            if proto in (6, 17) and len(data) >= offset + 4:
                x, y = (a, data[offset:offset + 2]), (b, data[offset + 2:offset + 4])
                is_reset = proto == 6 and len(data) > offset + 13 and data[offset + 13] & 4
                said = found.setdefault((proto, min(x, y), max(x, y)), set())
                if not is_reset:
                    said.add(x)
    text = lambda octets: scoring.address(scoring.ipaddress.ip_address(octets).compressed)
    count = {}
    for proto, x, y in (flow for flow, said in found.items() if len(said) >= sides):
        for server, client in ((x, y), (y, x)):
            key = (text(server[0]), proto, int.from_bytes(server[1], "big"), text(client[0]))
            count[key] = count.get(key, 0) + 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=5_000_000, help="packets of a generated capture")
    parser.add_argument("--quick", action="store_true", help="300,000 packets each")
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose name matches")
    parser.add_argument("--no-peers", action="store_true", help="renkei alone")
    parser.add_argument("--keep", metavar="DIR", help="leave captures and maps there")
    parser.add_argument("--full", action="store_true", help="scan 256 hosts completely: 16.7 million probes")
    parser.add_argument("-v", "--verbose", action="store_true", help="name what was invented, and each real file")
    options = parser.parse_args()
    if options.quick:
        options.packets = 300_000
    subprocess.run(["swift", "build", "-c", "release", "--package-path", HERE, "--product", "renkei-generate"],
                   check=True, stdout=sys.stderr)
    began = time.monotonic()
    harness = Harness(options)
    try:
        met = harness.run()
    finally:
        if not options.keep:
            shutil.rmtree(harness.work)
    print(f"\n{time.monotonic() - began:.0f} s", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
