"""Runs other flow tools on a capture; part of accuracy.py.

Each yields flow records (protocol, source, source port, destination, destination port) of TCP and UDP, oriented as the
tool believes: the destination is the server. Groups and broadcasts are left to the scoring, which knows the truth.
"""
import os
import subprocess
import tempfile

from scoring import address, protocol



def argus(capture):
    """`-F /dev/null`: not the system's configuration. ICMP and others have types where the ports are; they are skipped."""
    reader = subprocess.Popen(["argus", "-F", "/dev/null", "-r", capture, "-w", "-"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    fields = ["proto", "saddr", "sport", "daddr", "dport"]
    printer = subprocess.Popen(["ra", "-F", "/dev/null", "-r", "-", "-n", "-n", "-c", ",", "-s", *fields, "-", "tcp or udp"],
                               stdin=reader.stdout, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    reader.stdout.close()
    for line in printer.stdout:
        part = line.rstrip("\n").split(",")
        if len(part) == 5 and part[0] in ("tcp", "udp", "6", "17") and part[2].isdigit() and part[4].isdigit():
            yield protocol(part[0]), address(part[1]), int(part[2]), address(part[3]), int(part[4])
    printer.wait()
    reader.wait()


def nfdump(capture):
    """`-B` joins both directions and guesses who asked; `-6` prints addresses in full."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(capture)) as folder:
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
