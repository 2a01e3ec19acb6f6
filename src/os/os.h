/* os.h - all that skep asks of the system: files, clocks, CPUs, locks, threads, random bytes.
 *
 * The only room that knows the system: *_linux.c (any POSIX) and *_windows.c. Nothing here knows what eBPF is.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <skep/error.h>

/* -- file.h-like: the whole content, malloc'ed; "-" is standard input; files over 1 GiB are refused  */
int os_file_read(const char *path, uint8_t **bytes, size_t *size, struct skep_error *err);
bool os_file_exists(const char *path);

/* -- time: nanoseconds of SKEP_CLOCK_* (runtime.h) --------------------------------------------- */
uint64_t os_clock(int clock_id);

/* -- CPUs -------------------------------------------------------------------------------------- */
uint32_t os_cpu_count(void);    /* online, at least 1 */
uint32_t os_cpu_possible(void); /* as the kernel counts for per-CPU maps, at least os_cpu_count() */

bool os_numa_is_online(uint32_t node); /* node 0 is, where the system does not say */

/* -- random ------------------------------------------------------------------------------------ */
uint64_t os_random(void); /* from the system's generator; for seeds */

/* -- identity, for helpers --------------------------------------------------------------------- */
uint32_t os_pid(void);
uint64_t os_tid(void);
uint64_t os_uid_gid(void);             /* gid << 32 | uid; 0 on Windows */
void os_comm(char *name, size_t size); /* the program's name, cut, NUL-padded */
void os_yield(void);
void os_sleep(uint64_t ns);

/* -- locks and threads: storage in place, no allocation ---------------------------------------- */
struct os_mutex {
    _Alignas(16) unsigned char room[64];
};
void os_mutex_init(struct os_mutex *);
void os_mutex_lock(struct os_mutex *);
void os_mutex_unlock(struct os_mutex *);
void os_mutex_destroy(struct os_mutex *);

struct os_thread {
    _Alignas(16) unsigned char room[32];
};
int os_thread_start(struct os_thread *, void (*body)(void *), void *arg); /* 0 or a negative code */
void os_thread_join(struct os_thread *);

/* -- memory at an address that may not exist: false, and nothing is promised about `to`, if any of it cannot be read - */
bool os_memory_read(void *to, uint64_t address, size_t size);

#endif
