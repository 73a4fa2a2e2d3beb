"""Runs other flow tools on a capture; part of accuracy.py.

Each yields flow records (protocol, source, source port, destination, destination port) of TCP and UDP, oriented as the
tool believes: the destination is the server. Groups and broadcasts are left to the scoring, which knows the truth.
"""
import os
import subprocess
import tempfile

from scoring import address, protocol



def argus(capture):
    """`-F /dev/null`: not the system's configuration. Through a file, since argus loses records where a pipe is slow.
    ICMP and others have types where the ports are; they are skipped."""
    with tempfile.TemporaryDirectory(prefix="renkei-peer-") as folder:
        flows = os.path.join(folder, "argus")
        subprocess.run(["argus", "-F", "/dev/null", "-r", capture, "-w", flows], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fields = ["proto", "saddr", "sport", "daddr", "dport"]
        printer = subprocess.Popen(
            ["ra", "-F", "/dev/null", "-r", flows, "-n", "-n", "-c", ",", "-s", *fields, "-", "tcp or udp"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in printer.stdout:
            part = line.rstrip("\n").split(",")
            if len(part) == 5 and part[2].isdigit() and part[4].isdigit():
                yield protocol(part[0]), address(part[1]), int(part[2]), address(part[3]), int(part[4])
        printer.wait()


def nfdump(capture):
    """`-B` joins both directions and guesses who asked; `-6` prints addresses in full."""
    with tempfile.TemporaryDirectory(prefix="renkei-peer-") as folder:
        subprocess.run(["nfpcapd", "-r", capture, "-w", folder], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        printer = subprocess.Popen(
            ["nfdump", "-6", "-R", folder, "-B", "-N", "-q", "-o", "fmt:%pr,%sa,%sp,%da,%dp", "proto tcp or proto udp"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in printer.stdout:
            part = [field.strip() for field in line.split(",")]
            if len(part) == 5 and part[2].isdigit() and part[4].isdigit():
                yield protocol(part[0].lower()), address(part[1]), int(part[2]), address(part[3]), int(part[4])
        printer.wait()


PEERS = {"argus": argus, "nfdump -B": nfdump}
