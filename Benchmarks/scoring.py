"""Scores a map, or the flow records of another tool, against the truth of the same capture.

Part of accuracy.py. A relation is a tuple (server, protocol number, port, client); a service the first three.
"""
import functools
import ipaddress
import json

NUMBER = {"icmp": 1, "tcp": 6, "udp": 17, "dccp": 33, "ipv6-icmp": 58, "icmpv6": 58, "sctp": 132}
PORTED = {6, 17, 132}
# Rows of these bases are scored; the others only say that an endpoint is known.
GENERATED = {"syn", "first", "weak"}
DERIVED = {"syn", "init", "first"}
HANDSHAKES = {"handshake", "synAck", "syn"}
EDGES = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.01]


@functools.cache
def protocol(text):
    return int(text) if text.isdigit() else NUMBER.get(text, -1)


@functools.cache
def address(text):
    return str(ipaddress.ip_address(text)) if ":" in text else text


class Truth:
    """Who served whom. `flows` are the flows that a capture has of each relation: so many sessions are asked for at most,
    for there are two opinions on where a flow falls into several. `is_cut`: relations without flows are none."""

    def __init__(self, path, bases, flows=None, is_cut=False):
        self.sessions, self.answered = {}, {}
        self.known, self.relations, self.clients = set(), set(), set()
        with open(path) as lines:
            next(lines)
            for line in lines:
                server, proto, port, client, sessions, basis, answered = line.split("\t")[:7]
                key = (address(server), int(proto), int(port), address(client))
                self.known.add(key[:3])
                if basis == "mcast":
                    continue
                self.relations.add(key)
                self.clients.add(key[3])
                if basis in bases:
                    self.sessions[key] = self.sessions.get(key, 0) + int(sessions)
                    self.answered[key] = self.answered.get(key, 0) + int(answered or 0)
        if flows is not None:
            self.sessions = {k: min(n, flows.get(k, n)) for k, n in self.sessions.items() if k in flows or not is_cut}
        self.services = {k[:3] for k in self.sessions if self.answered[k]}
        # Of a generated capture everything is known.
        self.is_complete = flows is None
        self.pairs = {(k[0], k[1], k[3]) for k in self.relations}


class Calibration:
    """How often roles of a given confidence are right."""

    def __init__(self):
        self.buckets = [[0, 0.0, 0] for _ in EDGES[1:]]

    def add(self, confidence, right):
        bucket = next(b for b, edge in zip(self.buckets, EDGES[1:]) if confidence < edge)
        bucket[0] += 1
        bucket[1] += confidence
        bucket[2] += right

    def merge(self, other):
        for mine, theirs in zip(self.buckets, other.buckets):
            for i in range(3):
                mine[i] += theirs[i]

    def error(self):
        """Expected calibration error: mean distance of confidence and share right, weighted by relations."""
        total = sum(b[0] for b in self.buckets)
        return sum(abs(b[1] - b[2]) for b in self.buckets) / total if total else None

    def table(self):
        yield f"{'confidence':16}{'relations':>12}{'mean':>10}{'right':>10}"
        for low, high, (n, sum_, right) in zip(EDGES, EDGES[1:], self.buckets):
            if n:
                name = f"{low} to {high}" if high <= 1 else f"{low} and more"
                yield f"{name:16}{n:12}{sum_ / n:10.4f}{right / n:10.4f}"


class Score:
    """Figures of one tool, of one capture or added up over several."""

    def __init__(self):
        self.all = self.right = self.reversed = self.failed = 0
        self.services = self.found = self.invented = self.ephemeral = self.reversed_services = 0
        self.examples = []
        self.calibration, self.guessed = Calibration(), Calibration()

    def merge(self, other):
        for name, value in vars(other).items():
            if isinstance(value, Calibration):
                getattr(self, name).merge(value)
            else:
                setattr(self, name, getattr(self, name) + value)

    def score_services(self, listed, truth, swapped, peers=frozenset()):
        """`swapped`: services as which the tool took the client of a relation."""
        self.services += len(truth.services)
        self.found += len(truth.services & (listed | peers))
        invented = {s for s in listed - truth.known if s[1] in PORTED}
        self.invented += len(invented)
        self.ephemeral += sum(s[0] in truth.clients and s[2] >= 1024 for s in invented)
        self.reversed_services += len(swapped & invented)
        self.examples += sorted(invented)[:20]


class Map:
    """What is scored of a renkei map. Every entry of the file is a line, so no map has to fit into memory."""

    def __init__(self, path, sections=("hosts", "failures", "undecided")):
        self.services, self.provided, self.failed, self.rows = set(), {}, {}, []
        self.peer_services, self.peer_relations = set(), set()
        section, head = None, []
        with open(path) as lines:
            for line in lines:
                if line.startswith('"hosts":['):
                    self.capture = json.loads("".join(head).rstrip(",\n") + "}")["capture"]
                    head = None
                if head is not None:
                    head.append(line)
                elif line.startswith('"'):
                    section = line[1:line.index('"', 1)]
                elif line.startswith("{") and section in sections:
                    READERS[section](self, json.loads(line.rstrip(",\n")))

    def host(self, entry):
        here = address(entry["address"])
        for one in entry["provides"]:
            services = self.peer_services if one["kind"] == "peer" else self.services
            services.add((here, protocol(one["protocol"]), one["port"]))
        for one in entry["requests"]:
            proto = protocol(one["protocol"])
            if proto in PORTED:
                key = (address(one["server"]), proto, one["port"], here)
                self.provided[key] = self.provided.get(key, 0) + one["sessions"]
                self.rows.append((key, one["confidence"], one["basis"], None))
                if one["kind"] == "peer":
                    self.peer_relations.add(key)

    def failure(self, one):
        proto = protocol(one["protocol"])
        if proto in PORTED:
            key = (address(one["server"]), proto, one["port"], address(one["client"]))
            self.failed[key] = self.failed.get(key, 0) + one["sessions"]

    def undecided(self, one):
        if one.get("likelyServer") and protocol(one["protocol"]) in PORTED:
            a, b = (address(one["a"]), one["aPort"]), (address(one["b"]), one["bPort"])
            server, client = (a, b) if one["likelyServer"] == "a" else (b, a)
            key = (server[0], protocol(one["protocol"]), server[1], client[0])
            self.rows.append((key, one["confidence"], "undecided", (client[0], key[1], client[1], server[0])))


READERS = {"hosts": Map.host, "failures": Map.failure, "undecided": Map.undecided}


def answered(path):
    """The services that answered, or whose protocol never does, for truths that do not fit into memory."""
    services = set()
    with open(path) as lines:
        next(lines)
        for line in lines:
            server, proto, port, _, _, basis, answers = line.split("\t")[:7]
            if (answers != "0" or (proto, port) == ("17", "514")) and basis != "mcast":
                services.add((address(server), int(proto), int(port)))
    return services


def score_map(map_, truth):
    """Sessions that the map has the right way round, reversed, or not at all. A relation of peers the wrong way round is
    neither right nor reversed, and no service is invented by it: the map says that either side asks."""
    score = Score()
    found = dict(map_.provided)
    for key, n in map_.failed.items():
        found[key] = found.get(key, 0) + n
    missing = {}
    for key, n in truth.sessions.items():
        right = min(n, found.get(key, 0))
        score.all += n
        score.right += right
        if right and truth.answered[key] and key not in map_.provided:
            score.failed += right
        if right < n:
            pair = (key[0], key[1], key[3])
            missing[pair] = missing.get(pair, 0) + n - right
    swapped = set()
    for key, n in found.items():
        pair = (key[3], key[1], key[0])
        if key not in truth.relations and key not in map_.peer_relations and missing.get(pair, 0):
            taken = min(n, missing[pair])
            missing[pair] -= taken
            score.reversed += taken
            if key in map_.provided:
                swapped.add(key[:3])
    score.score_services(map_.services, truth, swapped, map_.peer_services)
    for key, confidence, basis, other in map_.rows:
        right = key in truth.relations
        if not right and not truth.is_complete and (key[3], key[1], key[0]) not in truth.pairs:
            continue  # The truth knows neither way round.
        if basis == "undecided" and not right and other not in truth.relations:
            continue
        score.calibration.add(confidence, right)
        if basis not in HANDSHAKES:
            score.guessed.add(confidence, right)
    return score


def score_records(records, truth):
    """`records` are (protocol, source, source port, destination, destination port), the destination being the server."""
    score = Score()
    listed, swapped = set(), set()
    for proto, source, source_port, target, target_port in records:
        listed.add((target, proto, target_port))
        if (target, proto, target_port, source) in truth.sessions:
            score.all += 1
            score.right += 1
        elif (source, proto, source_port, target) in truth.sessions:
            score.all += 1
            score.reversed += 1
            swapped.add((target, proto, target_port))
    score.score_services(listed, truth, swapped)
    return score
