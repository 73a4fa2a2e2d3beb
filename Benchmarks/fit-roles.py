#!/usr/bin/env python3
"""Fit the weights of the role rule (Sources/ServiceMap/Roles/RoleWeights.swift) and print them.

    Benchmarks/fit-roles.py            needs python3-numpy, and .build/release/renkei

Training traffic: generated captures of which the truth is known (other seeds than those of accuracy.py), and, where
../shared/captures is there, the real ones, as they are and cut to mid-stream. `renkei evidence` gives the features of
every link without a handshake; a link counts where the truth knows one of its two ends as the server. Where the capture
is unaltered only the strict truth counts, since the rest of it rests on port numbers.

Logistic regression without intercept (the features are differences of the two ends), ridge 10, real links eightfold, within
BOUNDS. The bounds hold back what depends on the habits of one network: a rule that trusts them is right more often on the
traffic it was fitted on, and wrong with confidence on other traffic.
"""
import csv, ipaddress, os, subprocess, sys, tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
RENKEI = os.environ.get("RENKEI", os.path.join(HERE, "../.build/release/renkei"))
GENERATE = os.path.join(HERE, ".build/release/renkei-generate")
SHARED = os.path.join(HERE, "../../shared")
GENERATED = [
    ("enterprise", 2_000_000, 11, ["--midstream"]), ("enterprise", 300_000, 12, ["--midstream"]),
    ("highports", 2_000_000, 13, ["--midstream"]), ("enterprise", 2_000_000, 14, ["--one-way"]),
    ("enterprise", 5_000_000, 15, ["--sample", "100"]), ("enterprise", 300_000, 16, []),
    ("highports", 600_000, 17, []), ("highports", 600_000, 18, ["--one-way"]),
]
STRICT = {"syn", "init", "first"}
REAL_WEIGHT, RIDGE, WEIGHT_MAX = 8.0, 10.0, 3.0
# Feature, by protocol where it differs: least and greatest weight. All others 0 … WEIGHT_MAX.
BOUNDS = {
    "firstSpeaker tcp": (0, 0.2), "firstOfWhole tcp": (0, 0.2), "asked tcp": (0, 0), "firstSpeaker udp": (0, 0.4),
    "asked udp": (0, 0.6), "firstOfWhole udp": (0, 2.4), "portKnown": (0.6, 3), "portRange": (0.3, 3), "host": (0, 0.35),
    "notEphemeral": (0, 0.5), "silence tcp": (0, 1), "silence udp": (0, 0.4),
}


def address(text):
    return str(ipaddress.ip_address(text.split("%")[0]))


def truth(path):
    rows = csv.DictReader(open(path), delimiter="\t")
    return {(address(r["server_ip"]), r["ip_proto"], r["server_port"], address(r["client_ip"])): r["basis"] for r in rows}


def links(capture, truth_path, work, strict):
    """(protocol, features, ±1: A or B is the server, sessions, served) of each link that the truth knows."""
    store = os.path.join(work, "map.db")
    if subprocess.run([RENKEI, "audit", "-q", "-r", capture, "-o", store], capture_output=True).returncode:
        return
    known = truth(truth_path)
    text = subprocess.run([RENKEI, "evidence", "--store", store], capture_output=True, text=True, check=True).stdout
    os.remove(store)
    rows = csv.DictReader(text.splitlines(), delimiter="\t")
    names = rows.fieldnames[rows.fieldnames.index("served") + 1:]
    for r in rows:
        a = known.get((r["a"], r["protocol"], r["a_port"], r["b"]))
        b = known.get((r["b"], r["protocol"], r["b_port"], r["a"])) if r["b_ports"] == "1" else None
        a, b = (basis is not None and (not strict or basis in STRICT) for basis in (a, b))
        if a != b and r["served"] == "0":
            yield "udp" if r["protocol"] == "17" else "tcp", names, [float(r[n]) for n in names], 1 if a else -1


def training(work):
    for profile, packets, seed, extra in GENERATED:
        capture, known = os.path.join(work, "g.pcap"), os.path.join(work, "g.tsv")
        subprocess.run([GENERATE, "--profile", profile, "--packets", str(packets), "--seed", str(seed), *extra,
                        "-o", capture, "--truth", known], check=True, capture_output=True)
        name = f"{profile} {' '.join(extra)} seed {seed}"
        for link in links(capture, known, work, strict=False):
            yield (name, 1.0, *link)
    for kind in ("real", "large"):
        folder = os.path.join(SHARED, "captures", kind)
        for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            source, known = os.path.join(folder, file), os.path.join(SHARED, "captures/truth", file + ".tsv")
            if not os.path.exists(known):
                continue
            for link in links(source, known, work, strict=True):
                yield ("real", REAL_WEIGHT, *link)
            plain, cut = os.path.join(work, "r.pcap"), os.path.join(work, "m.pcap")
            if subprocess.run(["editcap", "-F", "pcap", source, plain], capture_output=True).returncode == 0 and \
               subprocess.run([sys.executable, os.path.join(SHARED, "tools/midstream.py"), plain, cut],
                              capture_output=True).returncode == 0:
                for link in links(cut, known, work, strict=False):
                    yield ("real, mid-stream", REAL_WEIGHT, *link)


def fit(x, weight, names, protocol):
    """Newton's method within the bounds; x is turned so that the right answer is positive."""
    bounds = np.array([BOUNDS.get(f"{n} {protocol}", BOUNDS.get(n, (0, WEIGHT_MAX))) for n in names])
    low, high = bounds[:, 0], bounds[:, 1]
    beta = np.clip(np.full(len(names), 0.3), low, high)
    for _ in range(200):
        wrong = 1 / (1 + np.exp(np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * wrong) - RIDGE * beta
        hessian = (x * (weight * wrong * (1 - wrong))[:, None]).T @ x + RIDGE * np.eye(len(names))
        free = ~((beta <= low) & (gradient < 0) | (beta >= high) & (gradient > 0))
        step = np.zeros(len(names))
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        moved = np.clip(beta + step, low, high)
        if np.abs(moved - beta).max() < 1e-6:
            break
        beta = moved
    return beta


def main():
    with tempfile.TemporaryDirectory(prefix="renkei-fit-") as work:
        rows = list(training(work))
    print(f"{len(rows)} links")
    for protocol in ("tcp", "udp"):
        mine = [r for r in rows if r[2] == protocol]
        names = mine[0][3]
        x = np.array([[v * r[5] for v in r[4]] for r in mine])
        weight = np.array([r[1] for r in mine])
        beta = fit(x, weight, names, protocol)
        print(f"{protocol}: " + ", ".join(f"{n} {b:.2f}" for n, b in zip(names, beta)))
        print(f"  values: [{', '.join(f'{b:.2f}' for b in beta)}]")
        sum_ = x @ beta
        for source in sorted({r[0] for r in mine}):
            here = sum_[[r[0] == source for r in mine]]
            sure = np.abs(here) > 2.59  # RoleRule.decidedAbove, 0.93
            print(f"  {source:36} {len(here):7} links, right {(here > 0).mean():.4f}, decided {sure.mean():.4f}, "
                  f"of these wrong {(sure & (here < 0)).sum()}")


if __name__ == "__main__":
    main()
