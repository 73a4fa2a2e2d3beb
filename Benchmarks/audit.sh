#!/usr/bin/env bash
# How long `renkei audit` takes for a generated capture, beside `tcpdump --count`, which does nothing
# but read the same file. Whole processes, wall time, in turns, medians; the file is in the page cache.
#
#   Benchmarks/audit.sh [PACKETS [RUNS]]        default: 10000000 5
set -euo pipefail
cd "$(dirname "$0")/.."
packets=${1:-10000000}
runs=${2:-5}
renkei=.build/release/renkei
work=$(mktemp -d "${TMPDIR:-/tmp}/renkei-bench-XXXXXX")
trap 'rm -rf "$work"' EXIT

swift build -c release --package-path Benchmarks --product renkei-generate >&2
Benchmarks/.build/release/renkei-generate --packets "$packets" --seed 1 \
  -o "$work/traffic.pcap" --truth "$work/truth.tsv"
cat "$work/traffic.pcap" >/dev/null

# seconds CPU-seconds peak-KB of the largest process, of one run
timed() { /usr/bin/time -f '%e %U %S %M' -o "$work/time" "$@" >/dev/null 2>&1; cat "$work/time"; }
for _ in $(seq "$runs"); do
  timed "$renkei" audit -q -r "$work/traffic.pcap" -o "$work/out.html" -o "$work/map.db" >>"$work/renkei"
  timed tcpdump -nr "$work/traffic.pcap" --count >>"$work/tcpdump"
done

median() { sort -n "$1" | awk '{ v[NR] = $1; cpu[NR] = $2 + $3 } END { m = int((NR + 1) / 2); print v[m], cpu[m] }'; }
read -r ours ours_cpu < <(median "$work/renkei")
read -r theirs theirs_cpu < <(median "$work/tcpdump")
printf '%-34s %8s %8s %8s\n' "$packets packets, median of $runs" 'wall s' 'CPU s' 'Mpps'
for row in "renkei audit (map.db and HTML)|$ours|$ours_cpu" "tcpdump --count|$theirs|$theirs_cpu"; do
  IFS='|' read -r name wall cpu <<<"$row"
  awk -v n="$name" -v w="$wall" -v c="$cpu" -v p="$packets" \
    'BEGIN { printf "%-34s %8.2f %8.2f %8.1f\n", n, w, c, p / w / 1e6 }'
done
awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "ratio of wall times: %.2f\n", a / b }'
