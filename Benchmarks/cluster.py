#!/usr/bin/env python3
"""What a cluster carries on this machine: records through JetStream beside the same records through shared memory.

    make bench-cluster                  everything; installs nats-server first; ten minutes
    Benchmarks/cluster.py [--packets N] [--rounds N] [--only REGEX] [--keep DIR]

Root: the hosts are network namespaces (cluster/lab). One capture box, two trackers, one merger, and one nats-server without replicas or
three with three; TLS, passwords. All of them share this machine's cores, so the sum of their CPU time is what a record costs, and
what a box of its own would carry follows from its part of it.

RENKEI=path names another binary than .build/release/renkei, GENERATOR=path another renkei-generate.
"""
import sys

sys.dont_write_bytecode = True
import argparse
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import statistics
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
loader = importlib.machinery.SourceFileLoader("lab", os.path.join(os.path.dirname(HERE), "cluster", "lab"))
lab = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab", loader))
loader.exec_module(lab)

TICKS = os.sysconf("SC_CLK_TCK")


def hastened(capture, times):
    """The same packets in so much less time: a generated network has 2,700 a second, a core switch a hundred times that."""
    with open(capture, "rb") as file:
        data = bytearray(file.read())
    unit = 10 ** 9 if struct.unpack_from("<I", data)[0] == 0xA1B23C4D else 10 ** 6
    place, first = 24, None
    while place < len(data):
        seconds, fraction, length = struct.unpack_from("<III", data, place)
        time_now = seconds * unit + fraction
        first = time_now if first is None else first
        struct.pack_into("<II", data, place, *divmod(first + (time_now - first) // times, unit))
        place += 16 + length
    with open(capture, "wb") as file:
        file.write(data)
    return capture


def cpu_seconds(pid):
    """User and system time of a process and of the children that it has waited for."""
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return sum(int(word) for word in words[11:15]) / TICKS


def offspring(pid):
    """A process and all that it started."""
    found = [pid]
    for one in found:
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                with open(f"/proc/{one}/task/{task}/children") as file:
                    found += [int(word) for word in file.read().split()]
        except OSError:
            pass
    return found


def role_of(pid, name):
    """What a process of the lab does, by its name."""
    try:
        with open(f"/proc/{pid}/comm") as file:
            word = file.read().strip()
    except OSError:
        return None
    if word.startswith("nats"):
        return "nats-server"
    if name in lab.TRACKERS:
        return "tracker"
    if name in lab.MERGERS:
        return "merger"
    if name in lab.COLLECTORS:
        return "publisher" if "publish" in word or "split" in word else "collector" if "collect" in word else None
    return None


def through_shared_memory(capture):
    """Seconds, and CPU seconds, of an audit: the same stages, joined by rings."""
    began = time.monotonic()
    before = os.times()
    lab.output([lab.RENKEI, "audit", "-r", capture, "--format", "csv", "-o", "-"])
    after = os.times()
    return time.monotonic() - began, after.children_user + after.children_system - before.children_user - before.children_system


def through_cluster(capture, packets, folder, replicas):
    """One run of one collector, two trackers and one merger."""
    names = list(lab.NATS)[:replicas]
    trackers, merger = list(lab.TRACKERS)[:2], next(iter(lab.MERGERS))
    one = lab.Lab(folder, servers=names)
    cpu = {}
    try:
        one.up(trackers=trackers, mergers=[merger])
        base = {pid: cpu_seconds(pid) for process in one.processes.values() for pid in offspring(process.pid)}
        collector = next(iter(lab.COLLECTORS))
        began = time.monotonic()
        one.start_collector(collector, "-r", capture)
        seen, published = {}, None
        most = {}
        while True:
            for name, process in one.processes.items():
                for pid in offspring(process.pid):
                    try:
                        seconds = cpu_seconds(pid)
                    except OSError:
                        continue
                    role = role_of(pid, name)
                    if role:
                        seen[pid] = (role, seconds - base.get(pid, 0))
            if published is None and one.processes[collector].poll() is not None:
                published = time.monotonic() - began
                if one.processes.pop(collector).returncode:
                    raise lab.Failed(one.text(collector))
            found = [entry for entry in one.processes_of("collector")]
            if found:
                most = found[0]["collector"]
            if published is not None and one.settled(merger, packets):
                break
            if time.monotonic() > began + 600:
                raise lab.Failed(f"not in ten minutes: {json.dumps(one.status())[:3000]}")
            time.sleep(0.1)
        mapped = time.monotonic() - began
        for role, seconds in seen.values():
            cpu[role] = cpu.get(role, 0) + seconds
        return {"published": published, "mapped": mapped, "bytes": most["bytes"], "records": most["records"], "batches": most["batches"], "cpu": cpu}
    finally:
        one.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", help="keep captures and logs here")
    arguments = parser.parse_args()
    folder = arguments.keep or tempfile.mkdtemp(prefix="renkei-bench-")
    os.makedirs(folder, exist_ok=True)
    try:
        capture = hastened(lab.generated(folder, 1, arguments.packets), 100)
        with open(capture, "rb") as file:
            while file.read(1 << 20):
                pass
        rings, runs = [], {1: [], 3: []}
        for number in range(arguments.rounds):
            rings.append(through_shared_memory(capture))
            print(f"shared memory: {arguments.packets / rings[-1][0] / 1e6:.2f} M packets/s", flush=True)
            for replicas in runs:
                if arguments.only and not re.search(arguments.only, f"replicas {replicas}"):
                    continue
                run = through_cluster(capture, arguments.packets, os.path.join(folder, f"run{number}-{replicas}"), replicas)
                runs[replicas].append(run)
                print(f"{replicas} replica(s): stored {run['records'] / run['published'] / 1e6:.2f} M records/s, mapped {run['records'] / run['mapped'] / 1e6:.2f} M/s, "
                      f"{run['bytes'] / run['records']:.2f} bytes a record, {run['batches']} batches", flush=True)
        median = statistics.median
        print(f"\n{arguments.packets:,} packets of the enterprise profile, 270,000 a second, medians of {arguments.rounds} on {os.cpu_count()} cores\n")
        print("| link | stored, M records/s | mapped, M records/s | bytes a record | CPU, ns a record |\n|---|---|---|---|---|")
        print(f"| shared memory (audit) | | {arguments.packets / median(one[0] for one in rings) / 1e6:.2f} | 19 | {median(one[1] for one in rings) / arguments.packets * 1e9:.0f} |")
        for replicas, all_runs in runs.items():
            if not all_runs:
                continue
            records = all_runs[0]["records"]
            roles = sorted({role for run in all_runs for role in run["cpu"]})
            costs = {role: median(run["cpu"].get(role, 0) for run in all_runs) / records * 1e9 for role in roles}
            print(f"| JetStream, {replicas} replica{'s' * (replicas > 1)} | {records / median(run['published'] for run in all_runs) / 1e6:.2f} | "
                  f"{records / median(run['mapped'] for run in all_runs) / 1e6:.2f} | {median(run['bytes'] for run in all_runs) / records:.2f} | "
                  f"{sum(costs.values()):.0f}: " + ", ".join(f"{role} {cost:.0f}" for role, cost in costs.items()) + " |")
        return 0
    except lab.Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
