/* platform.h - names of what eBPF knows: program types, attach types, map types, helpers, kfuncs. Tables, no state. */
#ifndef SKEP_PLATFORM_H
#define SKEP_PLATFORM_H

#include <skep/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers are Linux's (enum bpf_prog_type and so on); the names a user of bpftool knows come from the functions below. */
enum {
    SKEP_PROG_TYPE_UNSPEC = 0,
    SKEP_PROG_TYPE_SOCKET_FILTER = 1,
    SKEP_PROG_TYPE_KPROBE = 2,
    SKEP_PROG_TYPE_SCHED_CLS = 3,
    SKEP_PROG_TYPE_SCHED_ACT = 4,
    SKEP_PROG_TYPE_TRACEPOINT = 5,
    SKEP_PROG_TYPE_XDP = 6,
    SKEP_PROG_TYPE_PERF_EVENT = 7,
    SKEP_PROG_TYPE_CGROUP_SKB = 8,
    SKEP_PROG_TYPE_CGROUP_SOCK = 9,
    SKEP_PROG_TYPE_LWT_IN = 10,
    SKEP_PROG_TYPE_LWT_OUT = 11,
    SKEP_PROG_TYPE_LWT_XMIT = 12,
    SKEP_PROG_TYPE_SOCK_OPS = 13,
    SKEP_PROG_TYPE_SK_SKB = 14,
    SKEP_PROG_TYPE_CGROUP_DEVICE = 15,
    SKEP_PROG_TYPE_SK_MSG = 16,
    SKEP_PROG_TYPE_RAW_TRACEPOINT = 17,
    SKEP_PROG_TYPE_CGROUP_SOCK_ADDR = 18,
    SKEP_PROG_TYPE_LWT_SEG6LOCAL = 19,
    SKEP_PROG_TYPE_LIRC_MODE2 = 20,
    SKEP_PROG_TYPE_SK_REUSEPORT = 21,
    SKEP_PROG_TYPE_FLOW_DISSECTOR = 22,
    SKEP_PROG_TYPE_CGROUP_SYSCTL = 23,
    SKEP_PROG_TYPE_RAW_TRACEPOINT_WRITABLE = 24,
    SKEP_PROG_TYPE_CGROUP_SOCKOPT = 25,
    SKEP_PROG_TYPE_TRACING = 26,
    SKEP_PROG_TYPE_STRUCT_OPS = 27,
    SKEP_PROG_TYPE_EXT = 28,
    SKEP_PROG_TYPE_LSM = 29,
    SKEP_PROG_TYPE_SK_LOOKUP = 30,
    SKEP_PROG_TYPE_SYSCALL = 31,
    SKEP_PROG_TYPE_NETFILTER = 32,
    SKEP_PROG_TYPE_MEMORY = 0x10000 /* skep's own: r1 = bytes, r2 = their number */
};
enum {
    SKEP_MAP_TYPE_HASH = 1,
    SKEP_MAP_TYPE_ARRAY = 2,
    SKEP_MAP_TYPE_PROG_ARRAY = 3,
    SKEP_MAP_TYPE_PERF_EVENT_ARRAY = 4,
    SKEP_MAP_TYPE_PERCPU_HASH = 5,
    SKEP_MAP_TYPE_PERCPU_ARRAY = 6,
    SKEP_MAP_TYPE_STACK_TRACE = 7,
    SKEP_MAP_TYPE_CGROUP_ARRAY = 8,
    SKEP_MAP_TYPE_LRU_HASH = 9,
    SKEP_MAP_TYPE_LRU_PERCPU_HASH = 10,
    SKEP_MAP_TYPE_LPM_TRIE = 11,
    SKEP_MAP_TYPE_ARRAY_OF_MAPS = 12,
    SKEP_MAP_TYPE_HASH_OF_MAPS = 13,
    SKEP_MAP_TYPE_DEVMAP = 14,
    SKEP_MAP_TYPE_SOCKMAP = 15,
    SKEP_MAP_TYPE_CPUMAP = 16,
    SKEP_MAP_TYPE_XSKMAP = 17,
    SKEP_MAP_TYPE_SOCKHASH = 18,
    SKEP_MAP_TYPE_CGROUP_STORAGE = 19,
    SKEP_MAP_TYPE_REUSEPORT_SOCKARRAY = 20,
    SKEP_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21,
    SKEP_MAP_TYPE_QUEUE = 22,
    SKEP_MAP_TYPE_STACK = 23,
    SKEP_MAP_TYPE_SK_STORAGE = 24,
    SKEP_MAP_TYPE_DEVMAP_HASH = 25,
    SKEP_MAP_TYPE_STRUCT_OPS = 26,
    SKEP_MAP_TYPE_RINGBUF = 27,
    SKEP_MAP_TYPE_INODE_STORAGE = 28,
    SKEP_MAP_TYPE_TASK_STORAGE = 29,
    SKEP_MAP_TYPE_BLOOM_FILTER = 30,
    SKEP_MAP_TYPE_USER_RINGBUF = 31,
    SKEP_MAP_TYPE_CGRP_STORAGE = 32,
    SKEP_MAP_TYPE_ARENA = 33,
    SKEP_MAP_TYPE_INSN_ARRAY = 34
};

/* bpftool's names ("sched_cls", "percpu_array", "xdp_cpumap"); NULL: no such number. The numbers: -SKEP_ENOENT if unknown. */
SKEP_API const char *skep_prog_type_name(uint32_t type);
SKEP_API const char *skep_attach_type_name(uint32_t attach_type);
SKEP_API const char *skep_map_type_name(uint32_t type);
SKEP_API const char *skep_helper_name(uint32_t id); /* "bpf_map_lookup_elem" */
SKEP_API int skep_prog_type_number(
    const char *name); /* bpftool's names, libbpf's section prefixes ("tc", "xdp") too */
SKEP_API int skep_map_type_number(const char *name);
SKEP_API int skep_helper_number(const char *name);
/* What the program's return value is called ("XDP_DROP"), NULL: it has no name. */
SKEP_API const char *skep_verdict_name(uint32_t prog_type, uint64_t retval);
/* What a section name says: type, attach type, flags, and where the target begins (NULL: none). -SKEP_ENOENT: nothing. */
SKEP_API int skep_section_parse(const char *section, uint32_t *type, uint32_t *attach_type,
                                uint32_t *flags, const char **target);

/* One row of `skep features`. */
struct skep_feature {
    size_t size;
    const char *kind; /* "program type", "map type", "helper", "kfunc" */
    const char *name;
    uint32_t number;       /* 0 for kfuncs */
    uint32_t is_available; /* runs in this build's own engine */
    const char *why;       /* where not: why, else NULL */
    const char *since;     /* the Linux version that brought it ("5.8"), or NULL */
};
/* -SKEP_ENOENT past the end. */
SKEP_API int skep_feature(size_t index, struct skep_feature *out);

#ifdef __cplusplus
}
#endif
#endif
