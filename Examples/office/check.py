"""Compares a recording with the rows that are expected of it: check.py office.pcap expected.tsv

What is in the recording is found with tshark (part of Wireshark), not with
renkei: the two must not share a mistake. Ends with status 1 when a row has no
packets, when packets have no row, or when a frame is in the recording twice.
"""
import re
import subprocess
import sys
import tempfile
from collections import Counter

PCAP, EXPECTED = sys.argv[1:3]


def tshark(condition, *fields):
    """The fields of all packets that match; of a field that is there twice
    (a packet quoted in an ICMP error), both values."""
    command = ["tshark", "-n", "-r", PCAP, "-Y", condition, "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, check=True, text=True, capture_output=True)
    return [
        [value.split(",") if value else [] for value in line.split("\t")]
        for line in done.stdout.splitlines()
    ]


def packets(condition, *fields):
    """As tshark, but with source and destination address of the outermost header first."""
    rows = tshark(condition, "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", *fields)
    return [((v4s or v6s)[0], (v4d or v6d)[0], *rest) for v4s, v4d, v6s, v6d, *rest in rows]


def tcp_rows():
    streams = {}
    for source, target, number, from_port, to_port, flags in packets(
        "tcp && !icmp && !icmpv6", "tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.flags"
    ):
        flags = int(flags[0], 16)
        sender, receiver = (source, int(from_port[0])), (target, int(to_port[0]))
        syn, ack, reset = flags & 0x02, flags & 0x10, flags & 0x04
        stream = streams.setdefault(number[0], {"ends": (sender, receiver)})
        if syn and not ack:
            stream["client"], stream["server"] = sender, receiver
        elif syn:
            stream["accepted"] = True
        elif reset and sender == stream.get("server"):
            stream["reset"] = True
    for stream in streams.values():
        if "client" not in stream:
            # Begun before the recording: the service has the lower port.
            server, client = sorted(stream["ends"], key=lambda end: end[1])
            kind = "midstream"
        else:
            server, client = stream["server"], stream["client"]
            kind = (
                "answered" if "accepted" in stream else
                "refused" if "reset" in stream else
                "unanswered"
            )
        yield server[0], "tcp", str(server[1]), client[0], kind


def udp_rows():
    talks, refused = {}, set()
    for source, target, from_port, to_port in packets(
        "udp && !icmp && !icmpv6", "udp.srcport", "udp.dstport"
    ):
        key, back = (source, from_port[0], target, to_port[0]), (target, to_port[0], source, from_port[0])
        if back in talks:
            talks[back] = "answered"
        else:
            talks.setdefault(key, "unanswered")
    for v4s, v4d, v6s, v6d, from_port, to_port in tshark(
        "(icmp.type == 3 && icmp.code == 3) || (icmpv6.type == 1 && icmpv6.code == 4)",
        "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport",
    ):
        if from_port:
            refused.add(((v4s or v6s)[-1], from_port[0], (v4d or v6d)[-1], to_port[0]))
    for (client, from_port, server, port), kind in talks.items():
        if kind == "unanswered" and (client, from_port, server, port) in refused:
            kind = "refused"
        if re.match(r"ff|2(2[4-9]|3\d)\.", server):
            kind = "multicast"
        yield server, "udp", port, client, kind


def ping_rows():
    answered = {}
    for protocol, request, reply in ("icmp", 8, 0), ("icmpv6", 128, 129):
        for source, target in packets(f"{protocol}.type == {request}"):
            answered.setdefault((target, protocol, "0", source), "unanswered")
        for source, target in packets(f"{protocol}.type == {reply}"):
            answered[source, protocol, "0", target] = "answered"
    for key, kind in answered.items():
        yield *key, kind


def duplicates():
    """How many frames are the same as one of the ten before, within 10 ms."""
    with tempfile.NamedTemporaryFile() as output:
        done = subprocess.run(
            ["editcap", "-w", "0.01", PCAP, output.name], check=True, text=True, capture_output=True
        )
    return int(re.search(r"(\d+) packets? skipped", done.stderr + done.stdout).group(1))


with open(EXPECTED) as file:
    header, *expected = [tuple(line.rstrip("\n").split("\t")) for line in file]
# That nobody answers is all that a recording shows of a protocol that never does.
expected = [row[:4] + ("unanswered",) if row[4] == "oneway" else row for row in expected]
found = Counter([*tcp_rows(), *udp_rows(), *ping_rows()])

problems = [f"not in the recording: {' '.join(row)}" for row in expected if row not in found]
problems += [f"not expected: {' '.join(row)}" for row in sorted(found) if row not in expected]
problems += [
    f"expected twice: {' '.join(key)}"
    for key, times in Counter(row[:4] for row in expected).items() if times > 1
]
if twice := duplicates():
    problems.append(f"{twice} frames are in the recording twice")

print(subprocess.run(["capinfos", "-c", "-s", "-d", "-u", "-T", "-r", PCAP],
                     check=True, text=True, capture_output=True).stdout.strip())
print(f"{len(expected)} rows expected, {len(found)} found, "
      f"{sum(found.values())} conversations: {dict(Counter(row[4] for row in expected))}")
print(*problems, sep="\n", end="\n" if problems else "")
sys.exit(1 if problems else 0)
