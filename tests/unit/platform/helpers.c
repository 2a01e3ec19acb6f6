/* helpers.c - the running kernel judges the tables of helpers: who may call them, what each argument
 * must be, and which maps they take. One program per question. */
#include "asking.h"

#include <linux/capability.h>
#include <sys/wait.h>

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

static int load(const struct program *who, const char *license, uint32_t log_level,
                const struct skep_insn *insns, size_t count)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = log_level, .log_buf = verifier_log,
                .log_size = sizeof verifier_log, .expected_attach_type = who->attach_type,
                .prog_flags = who->flags);
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

static const char *name_of(const struct program *who)
{
    static char name[160];

    snprintf(name, sizeof name, "%s/%u%s%s%s", skep_prog_type_name(who->type), who->attach_type,
             who->target ? " at " : "", who->target ? who->target : "",
             who->flags & BPF_F_SLEEPABLE ? ", sleepable" : "");
    return name;
}

static bool loads_trivial(const struct program *who)
{
    const struct skep_insn trivial[] = {insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)};

    return load(who, "GPL", 1, trivial, 2) == 0 || verifier_log[0];
}

/* Whether this kernel lets programs of this kind be verified at all: it may be built without the
 * type, or refuse to attach it, before it looks at the program. */
static bool is_verified(const struct program *who)
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
static const char *verdict(void)
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

static struct platform_caller caller_of(const struct program *who, uint32_t caps)
{
    return (struct platform_caller){who->type, who->attach_type, who->flags & BPF_F_SLEEPABLE,
                                    caps,      who->target,      NULL};
}

enum { CAPS_ROOT = PLATFORM_CAP_BPF | PLATFORM_CAP_PERFMON | PLATFORM_CAP_NET_ADMIN };

/* -- who may call ------------------------------------------------------------------------------ */

static uint32_t compare_callers(uint32_t caps)
{
    uint32_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], caps);

        if (!loads_trivial(&programs[i])) {
            print_message("not verified here: %s\n", name_of(&programs[i]));
            continue;
        }
        for (uint32_t id = 1; id < platform_helper_count(); id++) {
            const struct skep_insn code[] = {insn(0x85, 0, 0, 0, (int32_t)id),
                                             insn(0x95, 0, 0, 0, 0)};
            enum platform_denied ours = platform_helper_check(&who, id);
            bool is_refused, would_sleep;

            load(&programs[i], "GPL", 1, code, 2);
            would_sleep = strstr(verifier_log, "might sleep") != NULL;
            is_refused = would_sleep || strstr(verifier_log, "cannot use helper") ||
                         strstr(verifier_log, "unknown func") ||
                         strstr(verifier_log, "not allowed in probe");
            /* A kernel that is built with all helpers. */
            if (ours == DENIED_OPTIONAL && !is_refused)
                continue;
            if (is_refused != (ours != DENIED_NOT) || would_sleep != (ours == DENIED_SLEEP))
                complain("%s in %s: the table says %d, the kernel: %s", skep_helper_name(id),
                         name_of(&programs[i]), ours, verdict());
            count++;
        }
    }
    return count;
}

static void test_who_may_call_what_is_what_the_verifier_says(void **state)
{
    (void)state;
    complaints = 0;
    need_kernel();
    print_message("%u answers compared\n", compare_callers(CAPS_ROOT));
    assert_int_equal(complaints, 0);
}

static bool drop_to(uint64_t caps)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{(uint32_t)caps, (uint32_t)caps, 0},
                                             {(uint32_t)(caps >> 32), (uint32_t)(caps >> 32), 0}};

    return syscall(SYS_capset, &header, data) == 0;
}

/* In a process of its own, which cannot get its capabilities back. */
static void compare_in_child(uint64_t kernel_caps, uint32_t caps)
{
    uint32_t count;
    int status;
    pid_t child = fork();

    if (child == 0) {
        complaints = 0;
        if (!drop_to(kernel_caps))
            _exit(100);
        count = compare_callers(caps);
        print_message("%u answers compared\n", count);
        fflush(NULL);
        _exit(complaints ? 1 : count ? 0 : 2);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 100 || WEXITSTATUS(status) == 2) {
        print_message("no program is verified with these capabilities\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_with_cap_bpf_and_net_admin_tracing_helpers_are_refused(void **state)
{
    (void)state;
    need_kernel();
    compare_in_child(UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_NET_ADMIN,
                     PLATFORM_CAP_BPF | PLATFORM_CAP_NET_ADMIN);
}

static void test_without_capabilities_guests_have_the_base_helpers(void **state)
{
    (void)state;
    need_kernel();
    compare_in_child(0, 0);
}

static void test_licences_matter_where_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        for (uint32_t id = 1; is_verified(&programs[i]) && id < platform_helper_count(); id++) {
            const struct skep_insn code[] = {insn(0x85, 0, 0, 0, (int32_t)id),
                                             insn(0x95, 0, 0, 0, 0)};
            enum platform_denied denied = platform_helper_check(&who, id);
            bool is_gpl = platform_helper_proto(&who, id)->flags & HELPER_GPL;

            if (denied != DENIED_NOT && denied != DENIED_SLEEP)
                continue;
            load(&programs[i], "none", 1, code, 2);
            if (is_gpl != (strstr(verifier_log, "GPL-restricted") != NULL))
                complain("%s in %s: GPL in the row %d, the kernel: %s", skep_helper_name(id),
                         name_of(&programs[i]), is_gpl, verdict());
            asked += is_gpl;
        }
    }
    print_message("%u answers for GPL only\n", asked);
    assert_int_equal(complaints, 0);
}

/* What is spilled around a call that keeps its registers takes no stack. */
static void test_calls_keep_registers_where_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        for (uint32_t id = 1; is_verified(&programs[i]) && id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper_proto(&who, id);
            const struct skep_insn code[] = {
                insn(0xb7, 1, 0, 0, 5),           insn(0x7b, 10, 1, -8, 0),
                insn(0x85, 0, 0, 0, (int32_t)id), insn(0x79, 1, 10, -8, 0),
                insn(0xb7, 0, 0, 0, 0),           insn(0x95, 0, 0, 0, 0)};
            bool keeps = helper->flags & HELPER_FASTCALL;

            if (helper->args[0] != ARG_NONE || load(&programs[i], "GPL", 4, code, 6) < 0)
                continue;
            if (keeps != (strstr(verifier_log, "stack depth 0") != NULL))
                complain("%s in %s: keeps registers in the row %d, the kernel: %s", helper->name,
                         name_of(&programs[i]), keeps, verdict());
            asked += keeps;
        }
    }
    print_message("%u kept\n", asked);
    assert_int_equal(complaints, 0);
}

/* -- what they take ---------------------------------------------------------------------------- */

enum { MAPS = 64 };
static int maps[MAPS]; /* by type; -1: this kernel has none of it */
static int read_only_map, write_only_map, text_map;

static int make_map(uint32_t type)
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

static int make_array(uint32_t flags)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

    return bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 64, 1, &opts);
}

static void make_maps(void)
{
    for (uint32_t type = 0; type < MAPS; type++)
        maps[type] = type && platform_map_type(type) ? make_map(type) : -1;
    read_only_map = make_array(BPF_F_RDONLY_PROG);
    write_only_map = make_array(BPF_F_WRONLY_PROG);
    text_map = make_array(BPF_F_RDONLY_PROG);
    assert_true(maps[SKEP_MAP_TYPE_ARRAY] >= 0 && read_only_map >= 0 && write_only_map >= 0);
    assert_int_equal(bpf_map_freeze(text_map), 0);
}

static void close_maps(void)
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

static void put(struct code *code, struct skep_insn one)
{
    code->insns[code->count++] = one;
}

static void put_map(struct code *code, uint8_t reg, uint8_t what, int fd)
{
    put(code, insn(0x18, reg, what, 0, fd));
    put(code, insn(0, 0, 0, 0, 0));
}

static int map_for(const struct program *who, uint32_t id)
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
static void begin(struct code *code, const struct program *who)
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

static void put_stack(struct code *code, uint8_t reg, int32_t at)
{
    put(code, insn(0xbf, reg, 10, 0, 0));
    put(code, insn(0x07, reg, 0, 0, at));
}

/* An argument as the row wants it; false: this test has none. */
static bool put_good(struct code *code, const struct program *who,
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

/* What the verifier says it expects of such an argument; NULL: it takes numbers. */
static const char *expected_of(uint16_t arg)
{
    static const char memory[] =
        "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";

    switch (arg & ARG_KIND) {
    case ARG_CTX:
        return "ctx";
    case ARG_MAP:
        return "map_ptr";
    case ARG_MAP_KEY:
    case ARG_MAP_VALUE:
    case ARG_MEM:
        return memory;
    case ARG_STR:
        return "map_value";
    case ARG_FUNC:
        return "func";
    case ARG_STACK:
        return "fp";
    case ARG_SOCK_COMMON:
        return "sock_common, sock, tcp_sock, xdp_sock";
    case ARG_SOCKET:
        return "sock";
    case ARG_BTF:
        return "ptr_, trusted_ptr_, rcu_ptr_";
    case ARG_BTF_SOCK:
        return "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_";
    case ARG_PERCPU_BTF:
        return "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_";
    case ARG_SPIN_LOCK:
        return "map_value, ptr_";
    case ARG_TIMER:
        return "map_value";
    case ARG_KPTR:
        return "map_value, ptr_";
    case ARG_DYNPTR:
        return "fp, dynptr_ptr";
    case ARG_RECORD:
        return "ringbuf_mem";
    default:
        return NULL;
    }
}

static void finish(struct code *code, const struct program *who, uint32_t id)
{
    put(code, insn(0x85, 0, 0, 0, (int32_t)id));
    put(code, insn(0xb7, 0, 0, 0, 0));
    put(code, insn(0x95, 0, 0, 0, 0));
    load(who, "GPL", 1, code->insns, code->count);
}

/* The verifier's complaint about argument n: "R2 type=scalar expected=fp" from "expected" on. */
static const char *complaint_about(int n, const char *type)
{
    static char text[256];
    char begin_[48];
    const char *at;

    snprintf(begin_, sizeof begin_, "R%d type=%s expected=", n + 1, type);
    at = strstr(verifier_log, begin_);
    if (!at)
        return NULL;
    snprintf(text, sizeof text, "%.*s", (int)strcspn(at + strlen(begin_), "\n"),
             at + strlen(begin_));
    return text;
}

static bool asks_for_good(struct code *code, const struct program *who,
                          const struct platform_helper *helper, int count)
{
    begin(code, who);
    for (int n = 0; n < count; n++)
        if (!put_good(code, who, helper, n))
            return false;
    return true;
}

/* Arguments after a wrong one are as they should be, so that the verifier reaches no other. */
static uint32_t compare_arguments(const struct program *who, const struct platform_helper *helper)
{
    uint32_t count = 0;

    for (int n = 0; n < 5 && helper->args[n] != ARG_NONE; n++) {
        uint16_t arg = helper->args[n];
        uint8_t reg = (uint8_t)(n + 1);
        const char *theirs, *ours = expected_of(arg);
        struct code code;

        /* A number where a pointer is wanted. */
        if (!asks_for_good(&code, who, helper, n))
            break;
        put(&code, insn(0xb7, reg, 0, 0, 7));
        finish(&code, who, helper->id);
        theirs = complaint_about(n, "scalar");
        if (!ours != !theirs || (ours && strcmp(ours, theirs) != 0))
            complain("%s in %s, argument %d: '%s' in the row, the kernel: %s", helper->name,
                     name_of(who), n + 1, ours ? ours : "a number", verdict());
        count++;
        /* A pointer where a number is wanted. */
        if ((arg & ARG_KIND) == ARG_SIZE || (arg & ARG_KIND) == ARG_SIZE_OR_ZERO ||
            (arg & ARG_KIND) == ARG_ALLOC_SIZE) {
            asks_for_good(&code, who, helper, n);
            put_stack(&code, reg, -64);
            finish(&code, who, helper->id);
            theirs = complaint_about(n, "fp");
            if (!theirs || strcmp(theirs, "scalar") != 0)
                complain("%s in %s, argument %d: a number in the row, the kernel: %s", helper->name,
                         name_of(who), n + 1, verdict());
            count++;
        }
        /* NULL. */
        if (ours && (arg & ARG_KIND) != ARG_MAP) {
            asks_for_good(&code, who, helper, n);
            put(&code, insn(0xb7, reg, 0, 0, 0));
            finish(&code, who, helper->id);
            if (!complaint_about(n, "scalar") != !!(arg & ARG_OR_NULL))
                complain("%s in %s, argument %d: null in the row %d, the kernel: %s", helper->name,
                         name_of(who), n + 1, !!(arg & ARG_OR_NULL), verdict());
            count++;
        }
        /* Nothing at all. */
        asks_for_good(&code, who, helper, n);
        if (n) { /* r1 is the context at first, and after a call nothing */
            finish(&code, who, helper->id);
            if ((strstr(verifier_log, "!read_ok") != NULL) == ((arg & ARG_KIND) == ARG_LOOSE))
                complain("%s in %s, argument %d: the kernel: %s", helper->name, name_of(who), n + 1,
                         verdict());
            count++;
        }
    }
    return count;
}

static void test_every_argument_is_what_its_row_says(void **state)
{
    uint32_t helpers = 0;

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        bool was_asked = false;

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
            struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

            if (platform_helper_check(&who, id) != DENIED_NOT || !is_verified(&programs[i]))
                continue;
            asked += compare_arguments(&programs[i], platform_helper_proto(&who, id));
            was_asked = true;
        }
        helpers += was_asked;
    }
    close_maps();
    print_message("%u helpers, %u questions\n", helpers, asked);
    assert_true(helpers > 150);
    assert_int_equal(complaints, 0);
}

static bool put_kfunc(struct code *code, const char *name)
{
    int id = btf__find_by_name_kind(kernel_btf, name, BTF_KIND_FUNC);

    put(code, insn(0x85, 0, BPF_PSEUDO_KFUNC_CALL, 0, id));
    return id > 0;
}

/* r9: eight bytes of the packet that may only be read, out of a dynptr; false: not to be had. */
static bool begin_read_only(struct code *code, const struct program *who)
{
    bool has_kfuncs;

    begin(code, who);
    if (!kernel_btf)
        kernel_btf = btf__load_vmlinux_btf();
    put(code, insn(0xbf, 1, 6, 0, 0));
    put(code, insn(0xb7, 2, 0, 0, 0));
    put_stack(code, 3, -128);
    has_kfuncs = put_kfunc(code, "bpf_dynptr_from_skb");
    put_stack(code, 1, -128);
    put(code, insn(0xb7, 2, 0, 0, 0));
    put(code, insn(0xb7, 3, 0, 0, 0));
    put(code, insn(0xb7, 4, 0, 0, 8));
    has_kfuncs &= put_kfunc(code, "bpf_dynptr_slice");
    put(code, insn(0x55, 0, 0, 1, 0));
    put(code, insn(0x95, 0, 0, 0, 0));
    put(code, insn(0xbf, 9, 0, 0, 0));
    return has_kfuncs;
}

static void test_read_only_memory_is_taken_where_the_rows_say(void **state)
{
    static const struct program ask = {SKEP_PROG_TYPE_SCHED_CLS, 0, NULL, 0};
    struct platform_caller who = caller_of(&ask, CAPS_ROOT);

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        const struct platform_helper *helper = platform_helper_proto(&who, id);

        for (int n = 0; platform_helper_check(&who, id) == DENIED_NOT && n < 5; n++) {
            uint16_t kind = helper->args[n] & ARG_KIND;
            struct code code;
            bool knows = begin_read_only(&code, &ask), ours, theirs;

            for (int k = 0; knows && k < n; k++)
                knows = put_good(&code, &ask, helper, k);
            put(&code, insn(0xbf, (uint8_t)(n + 1), 9, 0, 0));
            if (!knows || (kind != ARG_MEM && kind != ARG_MAP_VALUE && kind != ARG_MAP_KEY))
                continue;
            finish(&code, &ask, id);
            ours = helper->args[n] & ARG_RDONLY;
            theirs = complaint_about(n, "rdonly_mem") == NULL;
            if (ours != theirs)
                complain("%s, argument %d: read-only in the row %d, the kernel: %s", helper->name,
                         n + 1, ours, verdict());
            asked++;
        }
    }
    close_maps();
    print_message("%u arguments\n", asked);
    assert_int_equal(complaints, 0);
}

/* Packet pointers are taken where the row says, in programs that have some. */
static void test_packets_are_taken_where_the_rows_say(void **state)
{
    static const struct {
        uint32_t type;
        int16_t data, data_end;
        uint8_t load;
    } types[] = {
        {SKEP_PROG_TYPE_SCHED_CLS, 76, 80, 0x61}, {SKEP_PROG_TYPE_XDP, 0, 4, 0x61},
        {SKEP_PROG_TYPE_SK_SKB, 76, 80, 0x61},    {SKEP_PROG_TYPE_LWT_XMIT, 76, 80, 0x61},
        {SKEP_PROG_TYPE_LWT_IN, 76, 80, 0x61},    {SKEP_PROG_TYPE_CGROUP_SKB, 76, 80, 0x61},
        {SKEP_PROG_TYPE_SK_MSG, 0, 8, 0x79}};

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        const struct program ask = {
            types[i].type, types[i].type == SKEP_PROG_TYPE_SK_MSG ? ATTACH_SK_MSG_VERDICT : 0, NULL,
            0};
        struct platform_caller who = caller_of(&ask, CAPS_ROOT);

        for (uint32_t id = 1; is_verified(&ask) && id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper_proto(&who, id);

            if (platform_helper_check(&who, id) != DENIED_NOT)
                continue;
            for (int n = 0; n < 5; n++) {
                uint16_t kind = helper->args[n] & ARG_KIND;
                bool ours = helper->flags & HELPER_READS_PACKET, theirs, knows = true;
                struct code code;

                if (kind != ARG_MEM && kind != ARG_MAP_VALUE && kind != ARG_MAP_KEY)
                    continue;
                begin(&code, &ask);
                put(&code, insn(types[i].load, 9, 6, types[i].data, 0));
                for (int k = 0; knows && k < n; k++)
                    knows = put_good(&code, &ask, helper, k);
                put(&code, insn(0xbf, (uint8_t)(n + 1), 9, 0, 0));
                if (!knows)
                    continue;
                finish(&code, &ask, id);
                theirs = !strstr(verifier_log, "access to the packet is not allowed");
                if (ours != theirs)
                    complain("%s in %s, argument %d: packets in the row %d, the kernel: %s",
                             helper->name, name_of(&ask), n + 1, ours, verdict());
                asked++;
            }
        }
    }
    close_maps();
    print_message("%u arguments\n", asked);
    assert_true(asked > 100);
    assert_int_equal(complaints, 0);
}

/* Maps that programs may only read, or only write, tell what a helper does with memory. */
static void test_memory_is_read_and_written_as_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        if (!is_verified(&programs[i]))
            continue;
        for (uint32_t id = 1; id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper_proto(&who, id);

            if (platform_helper_check(&who, id) != DENIED_NOT)
                continue;
            for (int n = 0; n < 5; n++) {
                uint16_t kind = helper->args[n] & ARG_KIND;
                bool writes = helper->args[n] & ARG_WRITES;
                bool theirs[2], knows = kind == ARG_MAP_VALUE || kind == ARG_MEM;

                for (int is_write = 0; knows && is_write < 2; is_write++) {
                    struct code code;

                    knows = asks_for_good(&code, &programs[i], helper, n);
                    put_map(&code, (uint8_t)(n + 1), BPF_PSEUDO_MAP_VALUE,
                            is_write ? read_only_map : write_only_map);
                    for (int k = n + 1; knows && k < 5 && helper->args[k] != ARG_NONE; k++)
                        knows = put_good(&code, &programs[i], helper, k);
                    if (!knows)
                        break;
                    finish(&code, &programs[i], id);
                    theirs[is_write] =
                        strstr(verifier_log, is_write ? "write into map forbidden"
                                                      : "read from map forbidden") != NULL;
                }
                if (!knows)
                    continue;
                if (theirs[1] != writes || theirs[0] == writes)
                    complain("%s in %s, argument %d: writes in the row %d, the kernel: reads %d, "
                             "writes %d: %s",
                             helper->name, name_of(&programs[i]), n + 1, writes, theirs[0],
                             theirs[1], verdict());
                asked++;
            }
        }
    }
    close_maps();
    print_message("%u arguments\n", asked);
    assert_true(asked > 500);
    assert_int_equal(complaints, 0);
}

/* -- maps -------------------------------------------------------------------------------------- */

static void test_every_map_goes_with_the_helpers_that_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (uint32_t id = 1; id < platform_helper_count(); id++)
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
            struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);
            const struct platform_helper *helper = platform_helper_proto(&who, id);

            if (platform_helper_check(&who, id) != DENIED_NOT || !is_verified(&programs[i]))
                continue;
            for (uint32_t type = 1; type < MAPS; type++) {
                bool ours = platform_map_fits_helper(type, id), knows = maps[type] >= 0;
                bool has_map = false, is_sockmap;
                struct code code;

                begin(&code, &programs[i]);
                for (int n = 0; knows && n < 5 && helper->args[n] != ARG_NONE; n++)
                    if ((helper->args[n] & ARG_KIND) == ARG_MAP) {
                        put_map(&code, (uint8_t)(n + 1), BPF_PSEUDO_MAP_FD, maps[type]);
                        has_map = true;
                    } else {
                        knows = put_good(&code, &programs[i], helper, n);
                    }
                if (!has_map || !knows)
                    continue;
                finish(&code, &programs[i], id);
                is_sockmap = type == SKEP_MAP_TYPE_SOCKMAP || type == SKEP_MAP_TYPE_SOCKHASH;
                if (is_sockmap && ours && (id == 2 || id == 3))
                    ours =
                        platform_may_change_sockmap(programs[i].type, programs[i].attach_type, id);
                /* A refused argument comes first: then nothing is known, but for yes. */
                if (strstr(verifier_log, "cannot pass map_type") ||
                            strstr(verifier_log, "expected prog array")
                        ? ours
                    : strstr(verifier_log, "Sleepable programs can only")
                        ? platform_map_may_sleep(type)
                        : !ours && !strstr(verifier_log, "expected=") &&
                              !strstr(verifier_log, "invalid") &&
                              !strstr(verifier_log, "sockmap") &&
                              !strstr(verifier_log, "forbidden") &&
                              !strstr(verifier_log, "user address"))
                    complain("%s with map type %u in %s: the row says %d, the kernel: %s",
                             helper->name, type, name_of(&programs[i]), ours, verdict());
                asked++;
            }
        }
    close_maps();
    print_message("%u pairs\n", asked);
    assert_true(asked > 10000);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_call_what_is_what_the_verifier_says),
        cmocka_unit_test(test_with_cap_bpf_and_net_admin_tracing_helpers_are_refused),
        cmocka_unit_test(test_without_capabilities_guests_have_the_base_helpers),
        cmocka_unit_test(test_licences_matter_where_the_rows_say),
        cmocka_unit_test(test_calls_keep_registers_where_the_rows_say),
        cmocka_unit_test(test_every_argument_is_what_its_row_says),
        cmocka_unit_test(test_memory_is_read_and_written_as_the_rows_say),
        cmocka_unit_test(test_read_only_memory_is_taken_where_the_rows_say),
        cmocka_unit_test(test_packets_are_taken_where_the_rows_say),
        cmocka_unit_test(test_every_map_goes_with_the_helpers_that_the_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
