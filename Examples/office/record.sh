#!/usr/bin/env bash
#
# Records office.pcap: the traffic of a small office, made by real servers and
# real clients in network namespaces of this machine.
#
#   sudo ./record.sh          build the office, record it, check it, write the files
#   ./record.sh check         only compare office.pcap with expected.tsv
#   sudo KEEP=1 ./record.sh   keep the temporary folder, with all logs, after a failure
#
# Written for Debian 12. Nothing leaves the namespaces, and nothing is left
# behind but the installed packages: processes, namespaces and temporary
# files are removed when the script ends. (After a kill -9 the next run removes
# the namespaces and processes of the killed one.)
#
# The office:
#
#   clients 10.20.1.0/24  ----+            +----  servers 10.20.2.0/24
#           fd00:20:1::/64    |   router   |              fd00:20:2::/64
#                             +-- gw1/gw2 -+
#                                          +----  tap (tcpdump listens here)
#
# Both networks are bridges in a namespace "switch" of their own. The bridge of
# the servers never learns where a station is, so it sends every frame to every
# port, like a hub. The port "tap" has no address and says nothing; tcpdump
# on it sees each frame of the server network once. All that the clients do
# with the servers crosses that network exactly once, too.

set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DOMAIN=office.test
OFFICE=renkei-office-               # how the names of all namespaces begin
PREFIX=$OFFICE$$-                   # and how those of this run begin
WORK=                               # temporary folder, made in main
ROWS=                               # where row() collects expected.tsv
PYTHON=/usr/bin/python3             # Debian's, for its packaged modules

say()  { printf '%(%H:%M:%S)T  %s\n' -1 "$*"; }
fail() { printf 'record.sh: %s\n' "$*" >&2; exit 1; }

# ---------------------------------------------------------------- packages

PACKAGES=(
    nginx postgresql redis-server dnsmasq-base openssh-server
    openssh-client python3-minimal python3-aiosmtpd python3-psycopg2
    python3-redis bind9-dnsutils curl netcat-openbsd iputils-ping iproute2
    ethtool openssl tcpdump tshark
)
# Services that would be switched on, by the package that brings each of them.
declare -A SYSTEM_SERVICE=(
    [nginx]=nginx [postgresql-common]=postgresql
    [redis-server]=redis-server [openssh-server]=ssh
)
POLICY=/usr/sbin/policy-rc.d

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# Installs what is missing, without letting the packages start their services.
install_packages() {
    local missing=() new_services=() package
    for package in "${PACKAGES[@]}"; do
        installed "$package" || missing+=("$package")
    done
    for package in "${!SYSTEM_SERVICE[@]}"; do
        installed "$package" || new_services+=("${SYSTEM_SERVICE[$package]}")
    done
    if (( ${#missing[@]} )); then
        say "installing ${missing[*]}"
        apt-get update -qq
        if [[ -e $POLICY ]]; then cp -p "$POLICY" "$WORK/policy.kept"; fi
        touch "$WORK/policy.replaced"
        printf '#!/bin/sh\nexit 101\n' >"$POLICY"
        chmod 755 "$POLICY"
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
            --no-install-recommends "${missing[@]}" >"$WORK/apt.log" 2>&1 ||
            { tail -n 20 "$WORK/apt.log" >&2; fail "apt-get install failed"; }
        restore_policy
        switch_off "${new_services[@]}"
    fi
    unpack_chrony
}

restore_policy() {
    [[ -e $WORK/policy.replaced ]] || return 0
    if [[ -e $WORK/policy.kept ]]; then
        cp -p "$WORK/policy.kept" "$POLICY"
    else
        rm -f "$POLICY"
    fi
    rm -f "$WORK/policy.replaced"
}

# Only what this script has brought: services that were there before stay on.
switch_off() {
    command -v systemctl >/dev/null || return 0
    local service
    for service in "$@"; do
        systemctl disable --quiet "$service" 2>/dev/null || true
    done
}

# Installing chrony would remove another time service of this machine, so the
# package is only unpacked into the temporary folder.
unpack_chrony() {
    ( cd "$WORK" && apt-get download -qq chrony >/dev/null 2>&1 ) ||
        { apt-get update -qq && ( cd "$WORK" && apt-get download -qq chrony >/dev/null 2>&1 ); } ||
        fail "cannot download chrony"
    dpkg-deb -x "$WORK"/chrony_*.deb "$WORK/chrony"
}

# ---------------------------------------------------------------- clean up

namespaces() { ip netns list | awk '{ print $1 }' | grep "^$OFFICE" || true; }

remove_office() {
    local space pids
    for space in $(namespaces); do
        pids=$(ip netns pids "$space")
        # shellcheck disable=SC2086   # one argument per process
        [[ -z $pids ]] || kill $pids 2>/dev/null || true
    done
    sleep 0.5
    for space in $(namespaces); do
        pids=$(ip netns pids "$space")
        # shellcheck disable=SC2086
        [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
        ip netns delete "$space"
    done
    rm -rf /etc/netns/"$OFFICE"*
    rmdir --ignore-fail-on-non-empty /etc/netns 2>/dev/null || true
}

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    set +e
    # shellcheck disable=SC2046   # one argument per process
    kill $(jobs -p) 2>/dev/null
    remove_office
    restore_policy
    if [[ -e $WORK/made-run-sshd ]]; then rmdir /run/sshd; fi
    if (( status )) && [[ -n ${KEEP:-} ]]; then
        say "kept $WORK"
    else
        rm -rf "$WORK"
    fi
    wait 2>/dev/null
    exit "$status"
}

# ---------------------------------------------------------------- the hosts

declare -A V4 V6 LAN RESOLVER
HOSTS=()

# host NAME LAN NUMBER RESOLVER [only6]
# RESOLVER is 4 or 6: by which address the host asks the name server.
host() {
    local name=$1 lan=$2 number=$3
    HOSTS+=("$name")
    LAN[$name]=$lan
    RESOLVER[$name]=$4
    [[ ${5:-} == only6 ]] || V4[$name]=10.20.$lan.$number
    V6[$name]=fd00:20:$lan::$number
}

# Clients, and a printer among them.
host anna    1 11 4          # office desk: web pages, the order form
host ben     1 12 4          # developer: ssh, a database client
host carla   1 13 6          # office desk, prefers IPv6
host dora    1 14 4          # bookkeeper: ledger, mail
host emil    1 15 4          # analyst: a database session, open since long
host frida   1 16 6          # administrator: ssh, ping, DNS by TCP
host gustav  1 17 4          # has all the wrong addresses
host hanna   1 18 6 only6    # knows no IPv4 at all
host printer 1 30 4          # raw printing, used by the worker

# Servers.
host shell   2 22 4          # sshd
host mail    2 25 4          # SMTP
host ledger  2 28 4          # a service of the house on port 28471
host db      2 32 4          # PostgreSQL, sshd
host log     2 51 4          # syslog by UDP, never answers
host ns      2 53 4          # dnsmasq
host cache   2 63 4          # Redis
host web     2 80 4          # nginx, sshd
host app     2 81 4          # the application behind nginx
host worker  2 90 4          # takes jobs from Redis, sends mail, prints
host time    2 123 4         # chrony
host beacon  2 40 4          # announces itself by multicast
host display 2 41 4          # listens to the beacon

# Addresses that are no namespace of their own.
V4[gw1]=10.20.1.1    V6[gw1]=fd00:20:1::1       # the router, client side
V4[gw2]=10.20.2.1    V6[gw2]=fd00:20:2::1       # the router, server side
V4[retired]=10.20.2.200  V6[retired]=fd00:20:2::200   # a name without a host
V4[group]=239.255.20.20  V6[group]=ff15::20:20  # where the beacon sends
EXTRA=(gw1 gw2 retired group)

LEDGER_PORT=28471
BEACON_PORT=20020
PRINTER_PORT=9100

# address NAME FAMILY
address() {
    if [[ $2 == 6 ]]; then echo "${V6[$1]}"; else echo "${V4[$1]}"; fi
}

write_names() {
    local name
    for name in "${HOSTS[@]}" "${EXTRA[@]}"; do
        [[ -z ${V4[$name]:-} ]] || printf '%s\t%s.%s\n' "${V4[$name]}" "$name" "$DOMAIN"
        printf '%s\t%s.%s\n' "${V6[$name]}" "$name" "$DOMAIN"
    done
}

# ---------------------------------------------------------------- the network

in_switch() { ip netns exec "${PREFIX}switch" "$@"; }
quiet_v6()  { ip netns exec "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"; }

# plug NAMESPACE INTERFACE LAN PORT MAC: a cable from a namespace to a bridge
plug() {
    local space=$1 interface=$2 lan=$3 port=$4 mac=$5 setting
    ip link add name "$interface" netns "$space" address "$mac" \
        type veth peer name "$port" netns "${PREFIX}switch"
    # Segments as they would be on a wire: no offloading into giant packets.
    for setting in tso gso gro tx; do
        ip netns exec "$space" ethtool -K "$interface" "$setting" off >/dev/null
        in_switch ethtool -K "$port" "$setting" off >/dev/null
    done
    in_switch sysctl -qw "net.ipv6.conf.$port.disable_ipv6=1"
    in_switch ip link set "$port" master "lan$lan" up
}

build_switch() {
    ip netns add "${PREFIX}switch"
    quiet_v6 "${PREFIX}switch" default
    # ageing_time 0: never learn, always flood.
    in_switch ip link add lan1 type bridge mcast_snooping 0
    in_switch ip link add lan2 type bridge mcast_snooping 0 ageing_time 0
    in_switch ip link set lan1 up
    in_switch ip link set lan2 up
}

build_tap() {
    ip netns add "${PREFIX}tap"
    quiet_v6 "${PREFIX}tap" default
    plug "${PREFIX}tap" tap 2 p-tap 02:20:02:00:00:fe
    ip -n "${PREFIX}tap" link set tap up
}

build_router() {
    local space=${PREFIX}router lan
    ip netns add "$space"
    ip netns exec "$space" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    for lan in 1 2; do
        plug "$space" "eth$lan" "$lan" "p-gw$lan" "02:20:0$lan:00:00:01"
        ip -n "$space" link set "eth$lan" up
        ip -n "$space" address add "${V4[gw$lan]}/24" dev "eth$lan"
        ip -n "$space" address add "${V6[gw$lan]}/64" dev "eth$lan" nodad
    done
    # The router still believes in the retired server, so requests to it
    # appear on the server network instead of dying in address resolution.
    ip -n "$space" neighbour add "${V4[retired]}" lladdr 02:20:02:00:00:c8 dev eth2
    ip -n "$space" neighbour add "${V6[retired]}" lladdr 02:20:02:00:00:c8 dev eth2
}

build_host() {
    local name=$1 space=$PREFIX$1 lan=${LAN[$1]} number=${V6[$1]##*:}
    ip netns add "$space"
    ip -n "$space" link set lo up
    plug "$space" eth0 "$lan" "p-$name" "$(printf '02:20:%02x:00:00:%02x' "$lan" "$number")"
    ip -n "$space" link set eth0 up
    if [[ -n ${V4[$name]:-} ]]; then
        ip -n "$space" address add "${V4[$name]}/24" dev eth0
        ip -n "$space" route add default via "${V4[gw$lan]}"
    fi
    ip -n "$space" address add "${V6[$name]}/64" dev eth0 nodad
    ip -n "$space" route add default via "${V6[gw$lan]}"
    write_etc "$name"
}

# Files that stand in for those of /etc inside the host's namespace. The user
# "staff" exists only there: it is who logs in by ssh.
write_etc() {
    local etc=/etc/netns/$PREFIX$1
    mkdir -p "$etc"
    printf 'nameserver %s\noptions timeout:2 attempts:2\n' \
        "$(address ns "${RESOLVER[$1]}")" >"$etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$etc/hosts"
    printf '%s: files\n' passwd group shadow services protocols >"$etc/nsswitch.conf"
    printf 'hosts: files dns\n' >>"$etc/nsswitch.conf"
    cp /etc/passwd "$etc/passwd"
    cp -p /etc/shadow "$etc/shadow"
    printf 'staff:x:28471:28471::%s:/bin/sh\n' "$WORK/staff" >>"$etc/passwd"
    printf 'staff:*:19700:0:99999:7:::\n' >>"$etc/shadow"
}

build_office() {
    local name
    build_switch
    build_tap
    build_router
    for name in "${HOSTS[@]}"; do build_host "$name"; done
}

# become HOST COMMAND...: turns this shell into a command on a host, which
# knows its own name
become() {
    exec ip netns exec "$PREFIX$1" unshare --uts -- \
        sh -c 'hostname "$0" && exec "$@"' "$@"
}

# on HOST COMMAND...: runs a command on a host
on() { ( become "$@" ); }

# ---------------------------------------------------------------- the servers

# serve HOST COMMAND...: starts a server; clean_up ends it with the namespace
serve() {
    become "$@" </dev/null >>"$WORK/$1.log" 2>&1 &
}

as() { local user=$1; shift; echo setpriv --reuid="$user" --regid="$user" --clear-groups "$@"; }

# wait_until WHAT COMMAND...: until the command succeeds, for 15 s at most
wait_until() {
    local what=$1 i; shift
    for (( i = 0; i < 150; i++ )); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    fail "$what did not come up"
}

# Looks into the table of sockets: sends nothing.
listens() { [[ -n $(ip netns exec "$PREFIX$1" ss -Hln "$2" "sport = :$3") ]]; }

start_ns() {
    serve ns dnsmasq --keep-in-foreground --conf-file=/dev/null --user=nobody \
        --no-resolv --no-hosts --addn-hosts="$WORK/names.hosts" \
        --local="/$DOMAIN/" --pid-file= --log-facility=-
    wait_until dnsmasq listens ns -u 53
}

start_sshd() {
    local name=$1
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/hostkey-$name"
    cat >"$WORK/sshd-$name.conf" <<END
HostKey $WORK/hostkey-$name
AuthorizedKeysFile $WORK/staff/authorized_keys
AllowUsers staff
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
END
    serve "$name" /usr/sbin/sshd -D -e -f "$WORK/sshd-$name.conf"
    wait_until "sshd of $name" listens "$name" -t 22
}

start_db() {
    local bin data=$WORK/db
    bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    install -d -o postgres -g postgres -m 700 "$data"
    ( cd / && $(as postgres "$bin/initdb") -D "$data" -U office -A trust -E UTF8 \
        --locale=C.UTF-8 --no-sync >"$WORK/initdb.log" )
    printf 'host all all %s trust\n' 10.20.0.0/16 fd00:20::/32 >>"$data/pg_hba.conf"
    cat >>"$data/postgresql.conf" <<END
listen_addresses = '${V4[db]}, ${V6[db]}'
unix_socket_directories = '$data'
fsync = off
shared_buffers = 16MB
timezone = 'UTC'
log_timezone = 'UTC'
END
    # shellcheck disable=SC2046
    serve db $(as postgres "$bin/postgres") -D "$data"
    wait_until PostgreSQL listens db -t 5432
    wait_until PostgreSQL on db psql -h "$data" -U office -c 'select 1' postgres
    on db psql -q -v ON_ERROR_STOP=1 -h "$data" -U office postgres <<'END'
create table orders (id serial primary key, item text not null, amount int not null);
insert into orders (item, amount)
    select 'item ' || n, 1 + n % 7 from generate_series(1, 500) n;
END
}

start_cache() {
    # shellcheck disable=SC2046
    serve cache $(as redis redis-server) --bind "${V4[cache]}" "${V6[cache]}" \
        --protected-mode no --save '' --appendonly no --dir /tmp
    wait_until Redis listens cache -t 6379
}

start_app() {
    serve app "$PYTHON" "$HERE/hosts/app.py" "${V4[app]}" 8000 "$DOMAIN"
    wait_until 'the application' listens app -t 8000
}

start_web() {
    mkdir -p "$WORK/html" "$WORK/nginx"
    "$PYTHON" - "$WORK/html" <<'END'
import sys
for name, lines in ("index.html", 40), ("news.html", 250), ("plan.html", 500):
    with open(f"{sys.argv[1]}/{name}", "w") as page:
        page.writelines(f"<p>{name}, line {n} of the office's own pages</p>\n" for n in range(lines))
END
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=web.$DOMAIN" -addext "subjectAltName=DNS:web.$DOMAIN" \
        -keyout "$WORK/web.key" -out "$WORK/web.crt" 2>"$WORK/openssl.log"
    cat >"$WORK/nginx.conf" <<END
worker_processes 1;
daemon off;
pid $WORK/nginx.pid;
error_log $WORK/nginx/error.log;
events { }
http {
    access_log off;
    client_body_temp_path $WORK/nginx/body;
    proxy_temp_path $WORK/nginx/proxy;
    fastcgi_temp_path $WORK/nginx/fastcgi;
    uwsgi_temp_path $WORK/nginx/uwsgi;
    scgi_temp_path $WORK/nginx/scgi;
    server {
        listen 80;
        listen [::]:80;
        listen 443 ssl;
        listen [::]:443 ssl;
        server_name web.$DOMAIN;
        ssl_certificate $WORK/web.crt;
        ssl_certificate_key $WORK/web.key;
        root $WORK/html;
        location /app/ { proxy_pass http://${V4[app]}:8000/; }
    }
}
END
    serve web nginx -e "$WORK/nginx/error.log" -c "$WORK/nginx.conf"
    wait_until nginx listens web -t 443
}

start_time() {
    # -x: never touches the clock of this machine.
    serve time "$WORK/chrony/usr/sbin/chronyd" -d -x -u nobody \
        'local stratum 3' 'allow all' 'cmdport 0' 'bindcmdaddress /' "pidfile $WORK/time.pid"
    wait_until chrony listens time -u 123
}

start_mail() {
    serve mail "$PYTHON" "$HERE/hosts/mail.py" "mail.$DOMAIN" "${V4[mail]}" "${V6[mail]}"
    wait_until 'the mail server' listens mail -t 25
}

start_ledger() {
    serve ledger "$PYTHON" "$HERE/hosts/ledger.py" "$LEDGER_PORT"
    wait_until 'the ledger' listens ledger -t "$LEDGER_PORT"
}

start_printer() {
    serve printer "$PYTHON" "$HERE/hosts/printer.py" "$PRINTER_PORT"
    wait_until 'the printer' listens printer -t "$PRINTER_PORT"
}

start_log() {
    serve log nc -4 -u -k -l 514
    wait_until 'the log' listens log -u 514
}

start_display() {
    serve display "$PYTHON" "$HERE/hosts/display.py" "${V4[group]}" "${V6[group]}" "$BEACON_PORT"
    wait_until 'the display' listens display -u "$BEACON_PORT"
}

# The worker holds one connection to Redis, by IPv6, from before the recording.
start_worker() {
    serve worker "$PYTHON" "$HERE/hosts/worker.py" "${V6[cache]}" "$DOMAIN" "$PRINTER_PORT"
    wait_until 'the worker' grep -q '^connected' "$WORK/worker.log"
    row 6 cache tcp 6379 worker midstream
}

# So does the analyst, with a psql that gets a new question every two seconds.
start_emil() {
    for n in {1..80}; do
        echo "select item, sum(amount) from orders where id % 80 = $n group by item;"
        sleep 2
    done | on emil psql -h "${V4[db]}" -U office postgres >"$WORK/emil-session.log" 2>&1 &
    wait_until "emil's session" grep -q ' rows*)' "$WORK/emil-session.log"
    row 4 db tcp 5432 emil midstream
}

start_servers() {
    if mkdir /run/sshd 2>/dev/null; then touch "$WORK/made-run-sshd"; fi
    install -d -o 28471 -g 28471 "$WORK/staff"
    ssh-keygen -q -t ed25519 -N '' -C staff -f "$WORK/staffkey"
    install -m 644 "$WORK/staffkey.pub" "$WORK/staff/authorized_keys"

    start_ns
    start_db
    start_cache
    start_app
    start_web
    start_time
    start_mail
    start_ledger
    start_printer
    start_log
    start_display
    local name
    for name in shell web db; do start_sshd "$name"; done
    start_worker
    start_emil
}

# ---------------------------------------------------------------- what is expected

# row FAMILY SERVER PROTOCOL PORT CLIENT KIND: one line of expected.tsv
row() {
    printf '%s\t%s\t%s\t%s\t%s\n' \
        "$(address "$2" "$1")" "$3" "$4" "$(address "$5" "$1")" "$6" >>"$ROWS"
}

# Every name that a host looks up is a question to its name server.
asks_ns() { row "${RESOLVER[$1]}" ns udp 53 "$1" answered; }

# talk CLIENT FAMILY SERVER PROTOCOL PORT COMMAND...: has to succeed
talk() {
    local client=$1 family=$2 server=$3 protocol=$4 port=$5; shift 5
    row "$family" "$server" "$protocol" "$port" "$client" answered
    on "$client" timeout 20 "$@" >>"$WORK/$client.log" 2>&1 </dev/null ||
        fail "$client: failed: $*"
}

# miss KIND CLIENT FAMILY SERVER PROTOCOL PORT COMMAND...: has to fail
miss() {
    local kind=$1 client=$2 family=$3 server=$4 protocol=$5 port=$6; shift 6
    row "$family" "$server" "$protocol" "$port" "$client" "$kind"
    if on "$client" timeout 20 "$@" >>"$WORK/$client.log" 2>&1 </dev/null; then
        fail "$client: should have failed: $*"
    fi
}

# ---------------------------------------------------------------- what clients do

CURL=(curl --silent --show-error --fail --output /dev/null --max-time 15 --noproxy '*')

port_of() { case $1 in http) echo 80 ;; https) echo 443 ;; esac; }

# page CLIENT FAMILY http|https PATH: a page that nginx has itself
page() {
    asks_ns "$1"
    talk "$1" "$2" web tcp "$(port_of "$3")" \
        "${CURL[@]}" "-$2" --cacert "$WORK/web.crt" "$3://web.$DOMAIN/$4"
}

# A request that nginx passes on: the application asks for two names, counts
# in Redis and looks into PostgreSQL.
behind_web() {
    row 4 app tcp 8000 web answered
    asks_ns app
    row 4 cache tcp 6379 app answered
    row 4 db tcp 5432 app answered
}

# order CLIENT FAMILY http|https NUMBER
order() {
    behind_web
    page "$1" "$2" "$3" "app/orders/$4"
}

# new_order CLIENT FAMILY http|https ITEM: leaves a job, too; the worker takes
# it, sends a mail (IPv6) and prints (IPv4)
new_order() {
    behind_web
    asks_ns worker
    row 6 mail tcp 25 worker answered
    row 4 printer tcp "$PRINTER_PORT" worker answered
    asks_ns "$1"
    talk "$1" "$2" web tcp "$(port_of "$3")" \
        "${CURL[@]}" "-$2" --cacert "$WORK/web.crt" --data "item=$4" "$3://web.$DOMAIN/app/orders"
}

# login CLIENT FAMILY SERVER COMMAND
login() {
    asks_ns "$1"
    talk "$1" "$2" "$3" tcp 22 \
        ssh -F none -n "-$2" -i "$WORK/staffkey" -o BatchMode=yes -o LogLevel=ERROR \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        "staff@$3.$DOMAIN" "$4"
}

# book CLIENT FAMILY AMOUNT...: one conversation with the ledger
book() {
    local client=$1 family=$2; shift 2
    asks_ns "$client"
    talk "$client" "$family" ledger tcp "$LEDGER_PORT" \
        "$PYTHON" "$HERE/hosts/book.py" "$family" "ledger.$DOMAIN" "$LEDGER_PORT" "$@"
}

# post CLIENT FAMILY: a mail
post() {
    asks_ns "$1"
    printf 'From: %s\r\nTo: boss\r\nSubject: report\r\n\r\nAll is well.\r\n' "$1" >"$WORK/mail-$1"
    talk "$1" "$2" mail tcp 25 \
        "${CURL[@]}" "-$2" --url "smtp://mail.$DOMAIN" --upload-file "$WORK/mail-$1" \
        --mail-from "$1@$DOMAIN" --mail-rcpt "boss@$DOMAIN"
}

# clock CLIENT FAMILY: measures the time, does not set it
clock() {
    asks_ns "$1"
    talk "$1" "$2" time udp 123 \
        "$WORK/chrony/usr/sbin/chronyd" "-$2" -Q -t 15 -u nobody "pidfile $WORK/clock-$1-$2.pid" \
        'cmdport 0' 'bindcmdaddress /' "server time.$DOMAIN iburst"
}

# lookup CLIENT FAMILY udp|tcp NAME TYPE
lookup() {
    local how=+notcp
    if [[ $3 == tcp ]]; then how=+tcp; fi
    talk "$1" "$2" ns "$3" 53 dig "@$(address ns "$2")" $how +tries=2 +time=3 "$4.$DOMAIN" "$5"
}

# query CLIENT FAMILY SQL
query() { talk "$1" "$2" db tcp 5432 psql -h "$(address db "$2")" -U office -c "$3" postgres; }

# pings CLIENT FAMILY SERVER COUNT
pings() {
    local protocol=icmp
    if [[ $2 == 6 ]]; then protocol=icmpv6; fi
    talk "$1" "$2" "$3" "$protocol" 0 ping -n "-$2" -q -c "$4" -i 0.3 "$(address "$3" "$2")"
}

# note CLIENT TEXT: one message to the log, which never answers
note() {
    row 4 log udp 514 "$1" oneway
    on "$1" logger --server "${V4[log]}" --port 514 --udp --tag office "$2"
}

# ---------------------------------------------------------------- a day of each host

day_of_anna() {
    local n
    for n in {1..11}; do
        page anna 4 http index.html;  sleep 1.3
        page anna 4 https news.html;  sleep 1.7
        order anna 4 https "$n";      sleep 2.1
        if (( n % 4 == 0 )); then new_order anna 4 https "paper $n"; fi
    done
    clock anna 4
}

day_of_ben() {
    local n
    for n in {1..7}; do
        login ben 4 shell 'seq 1 300 | cksum; id'; sleep 2.3
        query ben 4 "select count(*) from orders where id > $n"; sleep 1.9
        order ben 4 http "$(( 40 + n ))"; sleep 3.4
    done
    login ben 4 web 'ls /usr/bin | head -n 400'
    book ben 4 12 7
}

day_of_carla() {
    local n
    for n in {1..10}; do
        page carla 6 http news.html;   sleep 2.2
        order carla 6 https "$(( 60 + n ))"; sleep 2.6
        if (( n % 3 == 0 )); then login carla 6 shell 'uname -s; seq 1 50'; fi
        if (( n == 5 )); then new_order carla 6 https pens; fi
        sleep 1.1
    done
    page carla 4 http plan.html
}

day_of_dora() {
    local n
    for n in {1..12}; do
        book dora 4 "$n" 20 -5 30; sleep 2.9
        if (( n % 3 == 0 )); then post dora 4; fi
        if (( n % 4 == 0 )); then page dora 4 https index.html; fi
        sleep 2.0
    done
}

day_of_emil() {
    local n
    sleep 3
    for n in {1..8}; do
        book emil 4 100 "$n"; sleep 3.1
        order emil 4 http "$(( 80 + n ))"; sleep 4.2
    done
    page emil 6 https news.html
}

day_of_frida() {
    local n server
    clock frida 6
    for n in 1 2 3; do
        for server in shell web db; do login frida 6 "$server" 'date -u; df -P /'; sleep 1.6; done
        login frida 4 web 'ps -e | head -n 5'; sleep 1.2
        pings frida 4 web 4; sleep 0.7
        pings frida 6 web 4; sleep 0.7
        pings frida 6 ns 2
        lookup frida 6 udp db AAAA; sleep 0.8
        lookup frida 6 tcp mail A; sleep 2.5
        page frida 6 https index.html
        sleep 3
    done
    lookup frida 4 tcp web A
}

day_of_gustav() {
    local try=("${CURL[@]}" --connect-timeout 4) n
    for n in 1 2 3; do
        page gustav 4 http index.html; sleep 1.4
        # Nobody listens there.
        asks_ns gustav
        miss refused gustav 4 web tcp 8080 "${try[@]}" -4 "http://web.$DOMAIN:8080/"; sleep 1.2
        miss refused gustav 6 web tcp 8443 "${try[@]}" -6 "https://web.$DOMAIN:8443/"; sleep 1.2
        miss refused gustav 4 db tcp 5433 nc -4 -z -w 3 "${V4[db]}" 5433; sleep 1.2
        miss refused gustav 4 shell udp 53 dig "@${V4[shell]}" +tries=1 +time=2 "web.$DOMAIN"; sleep 1.2
        miss refused gustav 6 shell udp 53 dig "@${V6[shell]}" +tries=1 +time=2 "web.$DOMAIN"; sleep 1.2
        # Nobody is there at all.
        miss unanswered gustav 4 retired tcp 80 "${try[@]}" -4 "http://retired.$DOMAIN/"
        miss unanswered gustav 6 retired tcp 80 "${try[@]}" -6 "http://retired.$DOMAIN/"
        miss unanswered gustav 4 retired tcp 445 nc -4 -z -w 3 "${V4[retired]}" 445
        miss unanswered gustav 4 retired udp 53 dig "@${V4[retired]}" +tries=1 +time=2 "web.$DOMAIN"
        miss unanswered gustav 4 retired icmp 0 ping -n -q -c 2 -i 0.3 -W 1 "${V4[retired]}"
    done
}

day_of_hanna() {
    local n
    for n in {1..9}; do
        page hanna 6 https plan.html; sleep 2.1
        lookup hanna 6 udp app AAAA
        order hanna 6 http "$(( 100 + n ))"; sleep 2.7
        book hanna 6 3 "$n"; sleep 2.2
    done
    login hanna 6 shell 'seq 1 100'
    post hanna 6
}

# Servers that write to the log, look at the clock, and announce themselves.
day_of_servers() {
    local n
    row 4 group udp "$BEACON_PORT" beacon multicast
    row 6 group udp "$BEACON_PORT" beacon multicast
    on beacon timeout 90 "$PYTHON" "$HERE/hosts/beacon.py" \
        "${V4[group]}" "${V6[group]}" "$BEACON_PORT" 30 2 >>"$WORK/beacon.log" 2>&1 &
    clock web 4
    clock db 6
    for n in {1..8}; do
        note web "nginx is well, round $n";        sleep 1.9
        note db "the database is well, round $n";  sleep 2.3
        note shell "$n people are here";           sleep 2.1
    done
    wait
}

# ---------------------------------------------------------------- the recording

start_recording() {
    ip netns exec "${PREFIX}tap" tcpdump -i tap -s 128 -n -U -Z root \
        --time-stamp-precision=nano -w "$WORK/office.pcap" 2>"$WORK/tcpdump.log" &
    TCPDUMP=$!
    wait_until tcpdump grep -q '^tcpdump: listening' "$WORK/tcpdump.log"
    sleep 1
}

stop_recording() {
    sleep 2
    ip netns pids "${PREFIX}tap" | xargs -r kill -INT
    wait "$TCPDUMP"
    grep -q '^0 packets dropped by kernel' "$WORK/tcpdump.log" || fail "packets were lost"
}

live() {
    local who days=()
    for who in anna ben carla dora emil frida gustav hanna servers; do
        "day_of_$who" &
        days+=($!)
    done
    for who in "${days[@]}"; do wait "$who" || fail "a day went wrong"; done
}

write_expected() {
    printf 'server_address\tprotocol\tport\tclient_address\tkind\n'
    LC_ALL=C sort -u -t $'\t' -k 1,1 -k 2,2 -k 3,3n -k 4,4 -k 5,5 "$ROWS"
}

main() {
    if [[ ${1:-} == check ]]; then
        exec "$PYTHON" "$HERE/check.py" "$HERE/office.pcap" "$HERE/expected.tsv"
    fi
    (( EUID == 0 )) || fail "needs root"
    export PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC
    WORK=$(mktemp -d /tmp/office.XXXXXX)
    ROWS=$WORK/rows
    chmod 755 "$WORK"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    install_packages
    remove_office                   # what a killed run may have left
    say "building"
    build_office
    write_names >"$WORK/names.hosts"
    start_servers
    say "recording"
    start_recording
    live
    stop_recording
    say "checking"
    write_expected >"$WORK/expected.tsv"
    "$PYTHON" "$HERE/check.py" "$WORK/office.pcap" "$WORK/expected.tsv"
    install -m 644 "$WORK/office.pcap" "$WORK/expected.tsv" "$WORK/names.hosts" "$HERE/"
    say "done"
}

main "$@"
