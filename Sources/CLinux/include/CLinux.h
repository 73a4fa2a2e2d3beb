// System calls and instructions that Swift cannot import because C declares them variadic,
// as macros or as compiler builtins. No logic of renkei's lives here.
#ifndef RENKEI_CLINUX_H
#define RENKEI_CLINUX_H

#include <stdint.h>

/// Waits until the word at `address` differs from `expected`, is woken, or the time is over.
/// futex(2) FUTEX_WAIT, shared between processes. Returns 0 or -errno.
int renkei_futex_wait(const void *address, uint32_t expected, int timeout_milliseconds);

/// Wakes everybody who waits on the word at `address`. futex(2) FUTEX_WAKE.
int renkei_futex_wake(const void *address);

/// An anonymous memory file of `bytes` bytes, closed on exec; -errno on failure. memfd_create(2).
int renkei_memory_file(const char *name, uint64_t bytes);

/// Ends this process with SIGKILL when its parent ends. prctl(2) PR_SET_PDEATHSIG.
void renkei_die_with_parent(int parent_pid);

/// Names this process in ps(1) and top(1), at most 15 bytes. prctl(2) PR_SET_NAME.
void renkei_set_process_name(const char *name);

/// Asks for the cache line at `address` to be brought in for writing.
static inline void renkei_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Asks for the cache line at `address` to be brought in for reading; never faults.
static inline void renkei_prefetch_read(const void *address) { __builtin_prefetch(address, 0, 3); }

/// `value`, of which the compiler then knows nothing: a mask that it could see through would become a
/// branch.
static inline uint64_t renkei_opaque(uint64_t value) {
  __asm__("" : "+r"(value));
  return value;
}

/// Tells the core that this is a spin loop.
static inline void renkei_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// The index of the interface `name`, and its flags (netdevice(7) SIOCGIFFLAGS); -errno where there is none.
int renkei_interface(const char *name, unsigned int *flags);

/// Makes the packet socket one of `group`, whose sockets share an interface's packets: both directions of a
/// session go to the same socket. packet(7) PACKET_FANOUT_HASH. Returns 0 or -errno.
int renkei_fanout_join(int socket, uint16_t group);

/// Lets nothing more into the socket, or everything again. socket(7) SO_ATTACH_FILTER. Returns 0 or -errno.
int renkei_socket_refuse(int socket);
int renkei_socket_accept(int socket);

/// Gives up every right of this process for good: the user and group (none of the supplementary ones) become
/// `uid` and `gid` where `changes_user` is not 0; all capability sets become empty, the bounding set too
/// where that is allowed; and nothing that is executed brings any back (PR_SET_NO_NEW_PRIVS). Looks whether
/// that is so. credentials(7), capabilities(7). The process must have one thread only. A parent-death
/// signal is to be asked for again. Returns 0 or -errno.
int renkei_drop_privileges(uint32_t uid, uint32_t gid, int changes_user);

/// What inode(7) says of a file. Not by struct stat, whose fields Swift takes for those of whichever module
/// it happened to load first.
struct renkei_file_facts {
  uint64_t device, inode, size, seconds, nanoseconds;
  uint32_t mode, owner, group;
};

/// The facts of the file `path`, or, where it is NULL, of `descriptor`. Returns 0 or -errno. stat(2).
int renkei_file_facts(const char *path, int descriptor, struct renkei_file_facts *facts);

#endif
