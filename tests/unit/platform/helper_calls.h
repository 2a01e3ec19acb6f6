/* helper_calls.h - programs that call one helper: which kinds of programs there are to ask, maps of
 * every type, and arguments as the helper's row wants them. */
#ifndef TESTS_UNIT_PLATFORM_HELPER_CALLS_H
#define TESTS_UNIT_PLATFORM_HELPER_CALLS_H

#include "asking.h"
#include "platform/platform.h"

/* -- programs ------------------------------------------------------------------------------------ */

struct program {
    uint32_t type, attach_type;
    const char *target;
    uint32_t flags;
};
static const struct program programs[] = {
    {SKEP_PROG_TYPE_SOCKET_FILTER, 0, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, 0, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_PERF_EVENT, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_KPROBE_MULTI, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_UPROBE_MULTI, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_KPROBE_SESSION, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_UPROBE_SESSION, NULL, 0},
    {SKEP_PROG_TYPE_KPROBE, 0, NULL, BPF_F_SLEEPABLE},
    {SKEP_PROG_TYPE_SCHED_CLS, 0, NULL, 0},
    {SKEP_PROG_TYPE_SCHED_CLS, ATTACH_TCX_INGRESS, NULL, 0},
    {SKEP_PROG_TYPE_SCHED_CLS, ATTACH_TCX_EGRESS, NULL, 0},
    {SKEP_PROG_TYPE_SCHED_CLS, ATTACH_NETKIT_PRIMARY, NULL, 0},
    {SKEP_PROG_TYPE_SCHED_ACT, 0, NULL, 0},
    {SKEP_PROG_TYPE_TRACEPOINT, 0, NULL, 0},
    {SKEP_PROG_TYPE_XDP, 0, NULL, 0},
    {SKEP_PROG_TYPE_XDP, ATTACH_XDP_DEVMAP, NULL, 0},
    {SKEP_PROG_TYPE_XDP, ATTACH_XDP_CPUMAP, NULL, 0},
    {SKEP_PROG_TYPE_PERF_EVENT, 0, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SKB, ATTACH_CGROUP_INET_INGRESS, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SKB, ATTACH_CGROUP_INET_EGRESS, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET_SOCK_CREATE, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET_SOCK_RELEASE, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET4_POST_BIND, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET6_POST_BIND, NULL, 0},
    {SKEP_PROG_TYPE_LWT_IN, 0, NULL, 0},
    {SKEP_PROG_TYPE_LWT_OUT, 0, NULL, 0},
    {SKEP_PROG_TYPE_LWT_XMIT, 0, NULL, 0},
    {SKEP_PROG_TYPE_SOCK_OPS, ATTACH_CGROUP_SOCK_OPS, NULL, 0},
    {SKEP_PROG_TYPE_SK_SKB, ATTACH_SK_SKB_STREAM_PARSER, NULL, 0},
    {SKEP_PROG_TYPE_SK_SKB, ATTACH_SK_SKB_STREAM_VERDICT, NULL, 0},
    {SKEP_PROG_TYPE_SK_SKB, ATTACH_SK_SKB_VERDICT, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_DEVICE, ATTACH_CGROUP_DEVICE, NULL, 0},
    {SKEP_PROG_TYPE_SK_MSG, ATTACH_SK_MSG_VERDICT, NULL, 0},
    {SKEP_PROG_TYPE_RAW_TRACEPOINT, 0, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_BIND, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_BIND, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_CONNECT, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_CONNECT, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP4_SENDMSG, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP6_SENDMSG, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP4_RECVMSG, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP6_RECVMSG, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_GETPEERNAME, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_GETPEERNAME, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_GETSOCKNAME, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_GETSOCKNAME, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_CONNECT, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_SENDMSG, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_RECVMSG, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_GETPEERNAME, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_GETSOCKNAME, NULL, 0},
    {SKEP_PROG_TYPE_LWT_SEG6LOCAL, 0, NULL, 0},
    {SKEP_PROG_TYPE_LIRC_MODE2, ATTACH_LIRC_MODE2, NULL, 0},
    {SKEP_PROG_TYPE_SK_REUSEPORT, ATTACH_SK_REUSEPORT_SELECT, NULL, 0},
    {SKEP_PROG_TYPE_SK_REUSEPORT, ATTACH_SK_REUSEPORT_SELECT_OR_MIGRATE, NULL, 0},
    {SKEP_PROG_TYPE_FLOW_DISSECTOR, ATTACH_FLOW_DISSECTOR, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SYSCTL, ATTACH_CGROUP_SYSCTL, NULL, 0},
    {SKEP_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCKOPT, ATTACH_CGROUP_GETSOCKOPT, NULL, 0},
    {SKEP_PROG_TYPE_CGROUP_SOCKOPT, ATTACH_CGROUP_SETSOCKOPT, NULL, 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_RAW_TP, "sched_switch", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "vfs_truncate", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FEXIT, "vfs_statfs", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_MODIFY_RETURN, "bpf_modify_return_test", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "bpf_iter_task", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "bpf_iter_task", BPF_F_SLEEPABLE},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "bpf_iter_tcp", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "bpf_iter_udp", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "bpf_iter_unix", 0},
    {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "bpf_iter_netlink", 0},
    {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "bpf_lsm_file_open", 0},
    {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "bpf_lsm_file_open", BPF_F_SLEEPABLE},
    {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "bpf_lsm_task_alloc", 0},
    {SKEP_PROG_TYPE_LSM, ATTACH_LSM_CGROUP, "bpf_lsm_socket_post_create", 0},
    {SKEP_PROG_TYPE_LSM, ATTACH_LSM_CGROUP, "bpf_lsm_socket_bind", 0},
    {SKEP_PROG_TYPE_SK_LOOKUP, ATTACH_SK_LOOKUP, NULL, 0},
    {SKEP_PROG_TYPE_SYSCALL, 0, NULL, BPF_F_SLEEPABLE},
    {SKEP_PROG_TYPE_NETFILTER, ATTACH_NETFILTER, NULL, 0}};

static struct btf *kernel_btf;

static uint32_t target_id(const struct program *who)
{
    char name[128];
    bool is_raw = who->attach_type == ATTACH_TRACE_RAW_TP;
    int id;

    if (!kernel_btf)
        kernel_btf = btf__load_vmlinux_btf();
    snprintf(name, sizeof name, "%s%s", is_raw ? "btf_trace_" : "", who->target);
    id = btf__find_by_name_kind(kernel_btf, name, is_raw ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC);
    return id > 0 ? (uint32_t)id : UINT32_MAX;
}

/* Without a log (level 0) the answer comes sooner. */
static inline int load(const struct program *who, const char *license, uint32_t log_level,
                       const struct skep_insn *insns, size_t count)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = log_level,
                .log_buf = log_level ? verifier_log : NULL,
                .log_size = log_level ? sizeof verifier_log : 0,
                .expected_attach_type = who->attach_type, .prog_flags = who->flags);
    int fd;

    if (who->target && (opts.attach_btf_id = target_id(who)) == UINT32_MAX)
        return -ENOENT;
    verifier_log[0] = '\0';
    fd = bpf_prog_load(who->type, NULL, license, (const struct bpf_insn *)insns, count, &opts);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static inline const char *name_of(const struct program *who)
{
    static char name[160];

    snprintf(name, sizeof name, "%s/%u%s%s%s", skep_prog_type_name(who->type), who->attach_type,
             who->target ? " at " : "", who->target ? who->target : "",
             who->flags & BPF_F_SLEEPABLE ? ", sleepable" : "");
    return name;
}

static inline bool loads_trivial(const struct program *who)
{
    const struct skep_insn trivial[] = {insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)};

    return load(who, "GPL", 1, trivial, 2) == 0 || verifier_log[0];
}

/* Whether this kernel lets programs of this kind be verified at all: it may be built without the
 * type, or refuse to attach it, before it looks at the program. */
static inline bool is_verified(const struct program *who)
{
    static bool was_asked, answers[ARRAY_SIZE(programs)];

    if (who < programs || who >= programs + ARRAY_SIZE(programs))
        return loads_trivial(who);
    for (size_t i = 0; !was_asked && i < ARRAY_SIZE(programs); i++)
        answers[i] = loads_trivial(&programs[i]);
    was_asked = true;
    return answers[who - programs];
}

/* The verifier's last word: the last line but its statistics. */
static inline const char *verdict(void)
{
    static char line[256];
    size_t end = strlen(verifier_log), begin;
    const char *statistics = strstr(verifier_log, "processed ");

    if (statistics)
        end = (size_t)(statistics - verifier_log);
    while (end > 0 && verifier_log[end - 1] == '\n')
        end--;
    for (begin = end; begin > 0 && verifier_log[begin - 1] != '\n';)
        begin--;
    snprintf(line, sizeof line, "%.*s", (int)(end - begin), verifier_log + begin);
    return line;
}

static inline struct platform_caller caller_of(const struct program *who, uint32_t caps)
{
    return (struct platform_caller){who->type, who->attach_type, who->flags & BPF_F_SLEEPABLE,
                                    caps,      who->target,      NULL};
}

enum { CAPS_ROOT = PLATFORM_CAP_BPF | PLATFORM_CAP_PERFMON | PLATFORM_CAP_NET_ADMIN };
/* -- maps and arguments ------------------------------------------------------------------------ */

enum { MAPS = 64 };
static int maps[MAPS]; /* by type; -1: this kernel has none of it */
static int read_only_map, write_only_map, text_map;

static inline int make_map(uint32_t type)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts);
    uint32_t key = 4, value = 8, entries = 1;

    switch (type) {
    case SKEP_MAP_TYPE_LPM_TRIE:
        key = 8;
        opts.map_flags = BPF_F_NO_PREALLOC;
        break;
    case SKEP_MAP_TYPE_CGROUP_STORAGE:
    case SKEP_MAP_TYPE_PERCPU_CGROUP_STORAGE:
        key = 8;
        entries = 0;
        break;
    case SKEP_MAP_TYPE_QUEUE:
    case SKEP_MAP_TYPE_STACK:
    case SKEP_MAP_TYPE_BLOOM_FILTER:
        key = 0;
        break;
    case SKEP_MAP_TYPE_RINGBUF:
    case SKEP_MAP_TYPE_USER_RINGBUF:
        key = value = 0;
        entries = 4096;
        break;
    case SKEP_MAP_TYPE_ARENA:
        key = value = 0;
        opts.map_flags = BPF_F_MMAPABLE;
        break;
    case SKEP_MAP_TYPE_ARRAY_OF_MAPS:
    case SKEP_MAP_TYPE_HASH_OF_MAPS:
        value = 4;
        opts.inner_map_fd = (uint32_t)maps[SKEP_MAP_TYPE_ARRAY];
        break;
    case SKEP_MAP_TYPE_PROG_ARRAY:
    case SKEP_MAP_TYPE_PERF_EVENT_ARRAY:
    case SKEP_MAP_TYPE_CGROUP_ARRAY:
    case SKEP_MAP_TYPE_XSKMAP:
        value = 4;
        break;
    default:
        break;
    }
    return bpf_map_create(type, "m", key, value, entries, &opts);
}

static inline int make_array(uint32_t flags)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

    return bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 64, 1, &opts);
}

static inline void make_maps(void)
{
    for (uint32_t type = 0; type < MAPS; type++)
        maps[type] = type && platform_map_type(type) ? make_map(type) : -1;
    read_only_map = make_array(BPF_F_RDONLY_PROG);
    write_only_map = make_array(BPF_F_WRONLY_PROG);
    text_map = make_array(BPF_F_RDONLY_PROG);
    assert_true(maps[SKEP_MAP_TYPE_ARRAY] >= 0 && read_only_map >= 0 && write_only_map >= 0);
    assert_int_equal(bpf_map_freeze(text_map), 0);
}

static inline void close_maps(void)
{
    for (uint32_t type = 0; type < MAPS; type++)
        if (maps[type] >= 0)
            close(maps[type]);
    close(read_only_map);
    close(write_only_map);
    close(text_map);
}

struct code {
    struct skep_insn insns[64];
    size_t count;
};

static inline void put(struct code *code, struct skep_insn one)
{
    code->insns[code->count++] = one;
}

static inline void put_map(struct code *code, uint8_t reg, uint8_t what, int fd)
{
    put(code, insn(0x18, reg, what, 0, fd));
    put(code, insn(0, 0, 0, 0, 0));
}

static inline int map_for(const struct program *who, uint32_t id)
{
    bool sleeps = who->flags & BPF_F_SLEEPABLE;

    for (uint32_t type = 1; type < MAPS; type++)
        if (maps[type] >= 0 && platform_map_fits_helper(type, id) &&
            (!sleeps || platform_map_may_sleep(type)) && type != SKEP_MAP_TYPE_SOCKMAP &&
            type != SKEP_MAP_TYPE_SOCKHASH)
            return maps[type];
    for (uint32_t type = 1; type < MAPS; type++)
        if (maps[type] >= 0 && platform_map_fits_helper(type, id) &&
            (!sleeps || platform_map_may_sleep(type)))
            return maps[type];
    return -1;
}

/* r6: the context; r7: the current task, or 0; r8: a socket of the packet's, or 0. */
static inline void begin(struct code *code, const struct program *who)
{
    struct platform_caller caller = caller_of(who, CAPS_ROOT);

    code->count = 0;
    put(code, insn(0xbf, 6, 1, 0, 0));
    put(code, insn(0xb7, 7, 0, 0, 0));
    if (who->type == SKEP_PROG_TYPE_SCHED_CLS) {
        put(code, insn(0x79, 8, 6, 168, 0));
        put(code, insn(0x55, 8, 0, 2, 0));
        put(code, insn(0xb7, 0, 0, 0, 0));
        put(code, insn(0x95, 0, 0, 0, 0));
    }
    for (int16_t at = -128; at < 0; at += 8)
        put(code, insn(0x7a, 10, 0, at, 0));
    if (platform_helper_check(&caller, 158) == DENIED_NOT) {
        put(code, insn(0x85, 0, 0, 0, 158));
        put(code, insn(0xbf, 7, 0, 0, 0));
    }
}

static inline void put_stack(struct code *code, uint8_t reg, int32_t at)
{
    put(code, insn(0xbf, reg, 10, 0, 0));
    put(code, insn(0x07, reg, 0, 0, at));
}

/* An argument as the row wants it; false: this test has none. */
static inline bool put_good(struct code *code, const struct program *who,
                            const struct platform_helper *helper, int n)
{
    uint8_t reg = (uint8_t)(n + 1);
    uint16_t arg = helper->args[n];
    int map;

    switch (arg & ARG_KIND) {
    case ARG_ANY:
    case ARG_LOOSE:
    case ARG_SCALAR:
        put(code, insn(0xb7, reg, 0, 0, 0));
        return true;
    case ARG_SIZE:
    case ARG_SIZE_OR_ZERO:
    case ARG_ALLOC_SIZE:
        put(code, insn(0xb7, reg, 0, 0, 8));
        return true;
    case ARG_CTX:
        put(code, insn(0xbf, reg, 6, 0, 0));
        return true;
    case ARG_MAP:
        map = map_for(who, helper->id);
        put_map(code, reg, BPF_PSEUDO_MAP_FD, map);
        return map >= 0;
    case ARG_MAP_KEY:
    case ARG_MAP_VALUE:
    case ARG_MEM:
    case ARG_STACK:
        put_stack(code, reg, -64);
        return true;
    case ARG_STR:
        put_map(code, reg, BPF_PSEUDO_MAP_VALUE, text_map);
        return true;
    case ARG_DYNPTR:
        put_stack(code, reg, -128);
        return arg & ARG_UNINIT;
    case ARG_SOCK_COMMON:
    case ARG_BTF_SOCK:
        put(code, insn(0xbf, reg, 8, 0, 0));
        return who->type == SKEP_PROG_TYPE_SCHED_CLS && !(arg & ARG_RELEASE);
    default:
        if (arg & ARG_OR_NULL) {
            put(code, insn(0xb7, reg, 0, 0, 0));
            return true;
        }
        put(code, insn(0xbf, reg, 7, 0, 0));
        return (arg & ARG_KIND) == ARG_BTF && !strcmp(helper->btf, "task_struct");
    }
}
static inline void finish(struct code *code, const struct program *who, uint32_t id)
{
    put(code, insn(0x85, 0, 0, 0, (int32_t)id));
    put(code, insn(0xb7, 0, 0, 0, 0));
    put(code, insn(0x95, 0, 0, 0, 0));
    load(who, "GPL", 1, code->insns, code->count);
}

#endif
