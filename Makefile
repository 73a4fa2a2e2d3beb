# renkei: everything that a fresh Debian 12 with Swift 6.3 needs. The two commands are
#   make audit          set up, build, audit a capture (PCAP=file for your own)
#   make test           all tests and the format check
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PCAP ?= Examples/office/office.pcap
NAMES ?= $(wildcard $(dir $(PCAP))names.hosts)
OUT ?= $(basename $(basename $(notdir $(PCAP)))).html
RENKEI := .build/release/renkei

# C libraries that are linked; names of ports; Graphviz for pictures of the map; what the comparing tests measure against.
BUILD_PACKAGES := libpcap-dev liblz4-dev libzstd-dev zlib1g-dev libcrypt-dev libsqlite3-dev libnats-dev netbase pkg-config graphviz
BENCHMARK_SOURCES := $(addprefix Benchmarks/,Package.swift Sources Stages/Package.swift Stages/Sources Stages/Benchmarks)
TEST_PACKAGES := $(BUILD_PACKAGES) tshark tcpdump iproute2 zstd lz4 gzip python3 chromium fonts-noto-cjk openssl nats-server

# Those that wait for time-outs on real sockets: by themselves, or the others make them late.
TIMED_TESTS := 'ReportServiceTests|AuthenticatorTests|EventStreamTests|WithServers|ClusterCommandTests'

# Where `make install` puts things; DESTDIR goes before all of them.
DESTDIR ?=
PREFIX ?= /usr
SYSCONFDIR ?= /etc
SYSTEMD_UNITS ?= /lib/systemd/system
PACKAGE_PACKAGES := $(BUILD_PACKAGES) dpkg-dev binutils

.PHONY: help audit build test format lint setup setup-test sanitize bench bench-unit bench-pages bench-cluster cluster-lab check-api accuracy clean record install deb

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

audit: build ## build, then audit PCAP (default: the example office) into OUT
	$(RENKEI) audit -r "$(PCAP)" -o "$(OUT)" $(foreach n,$(NAMES),--names "$(n)")
	@echo "open $$(realpath "$(OUT)")"

build: setup ## the release binary, .build/release/renkei
	swift build -c release --product renkei --static-swift-stdlib

test: setup-test lint ## all tests, and the format check
	swift build --package-path Benchmarks --product renkei-generate
	swift build --build-tests
	swift test --skip-build --skip $(TIMED_TESTS)
	swift test --skip-build --filter $(TIMED_TESTS)

lint: ## the format check
	swift format lint --strict --recursive Sources Tests Package.swift
	[ ! -d Benchmarks ] || swift format lint --strict --recursive $(BENCHMARK_SOURCES)

format: ## format all sources
	swift format --in-place --recursive Sources Tests Package.swift $(BENCHMARK_SOURCES)

sanitize: setup-test ## the tests again with the address sanitizer
	swift build --build-tests --sanitize=address --scratch-path .build/sanitize
	ASAN_OPTIONS=detect_leaks=0 swift test --skip-build --sanitize=address --scratch-path .build/sanitize

bench: build ## speed and memory beside other tools (25 minutes; ARGS=--quick for less)
	@$(call install-missing,tcpdump nfdump softflowd argus-server argus-client wireshark-common zstd gzip valgrind binutils python3)
	Benchmarks/speed.py $(ARGS)

bench-unit: build ## the unit under load, killed, flooded, for days (root; an hour; ARGS=--quick for less)
	@$(call install-missing,tcpreplay tcpdump softflowd argus-server argus-client iproute2 procps gcc libc6-dev libpcap-dev python3)
	Benchmarks/unit.py $(ARGS)

bench-pages: build ## the pages of a large map under load, and its static report (ten minutes; ARGS="--seconds 3" for less)
	@$(call install-missing,wrk python3 chromium)
	swift build -c release --product StoreWriter --static-swift-stdlib
	Benchmarks/pages.py $(ARGS)

cluster-lab: build ## a cluster of eleven hosts in network namespaces, on this machine (root; LAB="equal", "faults --rounds 20", "refusals")
	@$(call install-missing,nats-server openssl perl iproute2 tcpreplay tcpdump python3 procps)
	swift build -c release --package-path Benchmarks --product renkei-generate
	cluster/lab $(or $(LAB),open)

bench-cluster: build ## records through NATS beside shared memory (root; ten minutes; ARGS="--packets N --rounds N")
	@$(call install-missing,nats-server openssl perl iproute2 tcpreplay tcpdump python3 procps)
	swift build -c release --package-path Benchmarks --product renkei-generate
	Benchmarks/cluster.py $(ARGS)

check-api: build ## the JSON API beside its OpenAPI description, by schemathesis from PyPI (three minutes)
	@$(call install-missing,python3 python3-venv)
	[ -x .build/schemathesis/bin/schemathesis ] || { \
	  python3 -m venv .build/schemathesis && \
	  .build/schemathesis/bin/pip install -q 'schemathesis==4.*'; }
	Tests/check-api $(ARGS)

accuracy: build ## how often the roles are right, beside other tools (half an hour; ARGS=--quick for less)
	@$(call install-missing,argus-server argus-client nfdump python3 wireshark-common time)
	Benchmarks/accuracy.py $(ARGS)

record: ## record the example office again (root; makes network namespaces)
	Examples/office/record.sh

install: ## install what was built (DESTDIR, PREFIX=/usr); a configuration that is there stays
	@[ -x $(RENKEI) ] || { echo "build it first: make build" >&2; exit 1; }
	install -D -m 0755 $(RENKEI) "$(DESTDIR)$(PREFIX)/bin/renkei"
	strip "$(DESTDIR)$(PREFIX)/bin/renkei"
	install -d "$(DESTDIR)$(SYSTEMD_UNITS)"
	for unit in Packaging/*.service; do \
	  sed 's|/usr/bin/renkei|$(PREFIX)/bin/renkei|' "$$unit" > "$(DESTDIR)$(SYSTEMD_UNITS)/$${unit##*/}"; \
	  chmod 0644 "$(DESTDIR)$(SYSTEMD_UNITS)/$${unit##*/}"; \
	done
	[ -e "$(DESTDIR)$(SYSCONFDIR)/renkei/renkei.yaml" ] || \
	  install -D -m 0644 Packaging/renkei.yaml "$(DESTDIR)$(SYSCONFDIR)/renkei/renkei.yaml"
	install -D -m 0644 Packaging/renkei.1 "$(DESTDIR)$(PREFIX)/share/man/man1/renkei.1"
	install -d "$(DESTDIR)$(PREFIX)/share/bash-completion/completions"
	$(RENKEI) --generate-completion-script bash | sed '1{/^#!/d}' > \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/renkei"
	install -d "$(DESTDIR)$(PREFIX)/share/doc/renkei"
	install -m 0644 README.md README.ja.md CHANGELOG.md docs/*.md "$(DESTDIR)$(PREFIX)/share/doc/renkei/"
	install -d "$(DESTDIR)$(PREFIX)/share/doc/renkei/cluster"
	install -m 0644 cluster/*.yaml cluster/*.conf "$(DESTDIR)$(PREFIX)/share/doc/renkei/cluster/"
	install -m 0755 cluster/make-* "$(DESTDIR)$(PREFIX)/share/doc/renkei/cluster/"

deb: build ## the Debian package, .build/renkei_VERSION_ARCHITECTURE.deb
	@$(call install-missing,$(PACKAGE_PACKAGES))
	Packaging/build-deb .build

setup:
	@$(call install-missing,$(BUILD_PACKAGES))

setup-test:
	@$(call install-missing,$(TEST_PACKAGES))

# Installs the packages of $(1) that are not there; says how where it may not.
define install-missing
missing=(); \
for p in $(1); do \
  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing+=($$p); \
done; \
if [ $${#missing[@]} -gt 0 ]; then \
  echo "installing $${missing[*]}"; \
  run=""; \
  if [ $$(id -u) -ne 0 ]; then \
    if command -v sudo >/dev/null; then run=sudo; \
    else echo "renkei: not root and no sudo; run as root: apt-get install $${missing[*]}" >&2; exit 1; fi; \
  fi; \
  $$run apt-get update -qq || true; \
  $$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $${missing[@]} >/dev/null; \
fi
endef

clean: ## remove what was built
	rm -rf .build
