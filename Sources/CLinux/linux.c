#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

int renkei_interface(const char *name, unsigned int *flags) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (strlen(name) >= sizeof request.ifr_name) return -ENODEV;
  strcpy(request.ifr_name, name);
  // Any socket can ask; this family is there even without a network.
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int result = 0;
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
    result = -errno;
  } else {
    *flags = (unsigned short)request.ifr_flags;
    result = ioctl(fd, SIOCGIFINDEX, &request) != 0 ? -errno : request.ifr_ifindex;
  }
  close(fd);
  return result;
}

int renkei_fanout_join(int socket, uint16_t group) {
  // The hash is of the sorted addresses and ports. No defragmentation: packets are counted as they were
  // sent; fragments are hashed by their addresses, so they stay together.
  uint32_t argument = group | (uint32_t)PACKET_FANOUT_HASH << 16;
  int result = setsockopt(socket, SOL_PACKET, PACKET_FANOUT, &argument, sizeof argument);
  return result != 0 ? -errno : 0;
}

int renkei_socket_refuse(int socket) {
  struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {1, &nothing};
  int result = setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  return result != 0 ? -errno : 0;
}

int renkei_socket_accept(int socket) {
  int unused = 0;
  int result = setsockopt(socket, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
  return result != 0 ? -errno : 0;
}

// Whether any of the three sets holds a capability, or the answer can't be had.
static int has_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return 1;
  return (data[0].effective | data[1].effective | data[0].permitted | data[1].permitted |
          data[0].inheritable | data[1].inheritable) != 0;
}

int renkei_drop_privileges(uint32_t uid, uint32_t gid, int changes_user) {
  // The bounding set first, while that is still allowed; an ordinary user's needs no emptying, because
  // nothing executed brings capabilities back.
  for (int capability = 0; capability < 64; capability++) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) break;
  }
  if (changes_user) {
    if (setgroups(0, NULL) != 0) return -errno;
    if (setresgid(gid, gid, gid) != 0) return -errno;
    if (setresuid(uid, uid, uid) != 0) return -errno;
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2];
  memset(none, 0, sizeof none);
  if (syscall(SYS_capset, &header, none) != 0) return -errno;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;

  if (has_capabilities() || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return -EPERM;
  if (changes_user) {
    uid_t real, effective, saved;
    if (getresuid(&real, &effective, &saved) != 0) return -errno;
    if (real != uid || effective != uid || saved != uid) return -EPERM;
    gid_t realGroup, effectiveGroup, savedGroup;
    if (getresgid(&realGroup, &effectiveGroup, &savedGroup) != 0) return -errno;
    if (realGroup != gid || effectiveGroup != gid || savedGroup != gid) return -EPERM;
    if (getgroups(0, NULL) != 0) return -EPERM;
    // The way back must be shut.
    if (uid != 0 && setresuid(0, 0, 0) == 0) return -EPERM;
  }
  return 0;
}

int renkei_file_facts(const char *path, int descriptor, struct renkei_file_facts *facts) {
  struct stat status;
  if ((path ? stat(path, &status) : fstat(descriptor, &status)) != 0) return -errno;
  *facts = (struct renkei_file_facts){
      .device = status.st_dev,
      .inode = status.st_ino,
      .size = (uint64_t)status.st_size,
      .seconds = (uint64_t)status.st_mtim.tv_sec,
      .nanoseconds = (uint64_t)status.st_mtim.tv_nsec,
      .mode = status.st_mode,
      .owner = status.st_uid,
      .group = status.st_gid,
  };
  return 0;
}
