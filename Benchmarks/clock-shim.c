// Another clock for the unit that unit.py measures, by LD_PRELOAD: faster, or stepped. The machine's own clock stays as it is.
//
// RENKEI_CLOCK names a file of four 64-bit numbers in the order of the machine:
//   0  nanoseconds since 1970 at which this clock and the machine's are the same
//   1  the same moment on CLOCK_BOOTTIME
//   2  how many times as fast this clock runs
//   3  nanoseconds to add to CLOCK_REALTIME; changed during the run, it is a step
// CLOCK_REALTIME and CLOCK_BOOTTIME follow it, and the stamps of packets from libpcap (in nanoseconds, as the collector asks
// for them); CLOCK_MONOTONIC does not, so pauses and epochs take their usual time.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shared;
static int (*dispatch)(pcap_t *, int, pcap_handler, u_char *);

__attribute__((constructor)) static void begin(void) {
  dispatch = dlsym(RTLD_NEXT, "pcap_dispatch");
  const char *path = getenv("RENKEI_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  // Now, since later this process may not read it any more.
  void *memory = mmap(NULL, 4 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (memory != MAP_FAILED) shared = memory;
  close(file);
}

static int64_t wall(int64_t ns) { return shared[0] + (ns - shared[0]) * shared[2] + shared[3]; }

int clock_gettime(clockid_t clock, struct timespec *time) {
  int status = (int)syscall(SYS_clock_gettime, clock, time);
  if (status || !shared || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME)) return status;
  int64_t ns = time->tv_sec * 1000000000 + time->tv_nsec;
  ns = clock == CLOCK_REALTIME ? wall(ns) : shared[1] + (ns - shared[1]) * shared[2];
  time->tv_sec = ns / 1000000000;
  time->tv_nsec = ns % 1000000000;
  return 0;
}

struct taker {
  pcap_handler take;
  u_char *user;
};

static void take(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes) {
  struct taker *taker = (struct taker *)user;
  struct pcap_pkthdr changed = *header;
  int64_t ns = wall(header->ts.tv_sec * 1000000000 + header->ts.tv_usec);
  changed.ts.tv_sec = ns / 1000000000;
  changed.ts.tv_usec = ns % 1000000000;
  taker->take(taker->user, &changed, bytes);
}

int pcap_dispatch(pcap_t *handle, int count, pcap_handler handler, u_char *user) {
  struct taker taker = {handler, user};
  return shared ? dispatch(handle, count, take, (u_char *)&taker) : dispatch(handle, count, handler, user);
}
