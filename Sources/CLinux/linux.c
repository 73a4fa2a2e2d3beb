#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int renkei_futex_wait(const void *address, uint32_t expected, int timeout_milliseconds) {
  struct timespec limit = {timeout_milliseconds / 1000, (timeout_milliseconds % 1000) * 1000000L};
  long result = syscall(SYS_futex, address, FUTEX_WAIT, expected, &limit, NULL, 0);
  return result < 0 ? -errno : 0;
}

int renkei_futex_wake(const void *address) {
  long result = syscall(SYS_futex, address, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
  return result < 0 ? -errno : 0;
}

int renkei_memory_file(const char *name, uint64_t bytes) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)bytes) != 0) {
    int reason = errno;
    close(fd);
    return -reason;
  }
  return fd;
}

void renkei_die_with_parent(int parent_pid) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // The parent may have ended between fork and prctl; then the signal never comes.
  if (getppid() != parent_pid) _exit(1);
}

void renkei_set_process_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
