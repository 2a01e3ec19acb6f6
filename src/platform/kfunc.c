/* kfunc.c - the rows of kfunc.def, by name, and who may call them.
 *
 * Linux registers each kfunc for kinds of callers ("hooks"), several program types to one, and for some kfuncs asks the
 * attach type too.
 */
#include "platform/kfunc.h"

#include <string.h>

#include <skep/platform.h>

#include "base/check.h"

enum hook {
    HOOK_XDP = 1 << 0,
    HOOK_TC = 1 << 1,
    HOOK_STRUCT_OPS = 1 << 2,
    HOOK_TRACING = 1 << 3,
    HOOK_SYSCALL = 1 << 4,
    HOOK_CGROUP = 1 << 5,
    HOOK_SCHED_ACT = 1 << 6,
    HOOK_SK_SKB = 1 << 7,
    HOOK_SOCKET_FILTER = 1 << 8,
    HOOK_LWT = 1 << 9,
    HOOK_NETFILTER = 1 << 10,
    HOOK_KPROBE = 1 << 11,
    HOOK_EVERY = 1 << 12
};

enum kfunc_set {
    SET_NOBODY, /* marked in BTF for other reasons: functions that programs may replace */
    SET_EVERY,
    SET_GENERIC,
    SET_CPUMASK,
    SET_TRACING,
    SET_FILES,     /* LSM programs only */
    SET_ITERATORS, /* socket iterators only */
    SET_SESSION,   /* k(ret)probe and u(ret)probe sessions only */
    SET_SKB,
    SET_TC,
    SET_TC_BOTH,
    SET_XDP,
    SET_XDP_TC,
    SET_XDP_METADATA,
    SET_CRYPTO,
    SET_CGROUP,
    SET_SYSCALL,
    SET_STRUCT_OPS,
    SET_KERNEL_TEST
};

static const uint16_t set_hooks[] = {
    [SET_NOBODY] = 0,
    [SET_EVERY] = HOOK_EVERY,
    [SET_GENERIC] =
        HOOK_TRACING | HOOK_TC | HOOK_XDP | HOOK_STRUCT_OPS | HOOK_SYSCALL | HOOK_CGROUP,
    [SET_CPUMASK] = HOOK_TRACING | HOOK_STRUCT_OPS | HOOK_SYSCALL,
    [SET_TRACING] = HOOK_TRACING,
    [SET_FILES] = HOOK_TRACING,
    [SET_ITERATORS] = HOOK_TRACING,
    [SET_SESSION] = HOOK_KPROBE,
    [SET_SKB] = HOOK_TC | HOOK_SCHED_ACT | HOOK_SK_SKB | HOOK_SOCKET_FILTER | HOOK_CGROUP |
                HOOK_LWT | HOOK_NETFILTER | HOOK_TRACING,
    [SET_TC] = HOOK_TC,
    [SET_TC_BOTH] = HOOK_TC | HOOK_SCHED_ACT,
    [SET_XDP] = HOOK_XDP,
    [SET_XDP_TC] = HOOK_XDP | HOOK_TC,
    [SET_XDP_METADATA] = HOOK_XDP,
    [SET_CRYPTO] = HOOK_TC | HOOK_SCHED_ACT | HOOK_XDP,
    [SET_CGROUP] = HOOK_CGROUP,
    [SET_SYSCALL] = HOOK_SYSCALL,
    [SET_STRUCT_OPS] = HOOK_STRUCT_OPS,
    [SET_KERNEL_TEST] = HOOK_TC | HOOK_TRACING | HOOK_SYSCALL,
};

/* A type that is not here has none of its own: it may call what everybody may. */
static const uint16_t type_hook[] = {
    [SKEP_PROG_TYPE_XDP] = HOOK_XDP,
    [SKEP_PROG_TYPE_SCHED_CLS] = HOOK_TC,
    [SKEP_PROG_TYPE_SCHED_ACT] = HOOK_SCHED_ACT,
    [SKEP_PROG_TYPE_STRUCT_OPS] = HOOK_STRUCT_OPS,
    [SKEP_PROG_TYPE_TRACING] = HOOK_TRACING,
    [SKEP_PROG_TYPE_TRACEPOINT] = HOOK_TRACING,
    [SKEP_PROG_TYPE_PERF_EVENT] = HOOK_TRACING,
    [SKEP_PROG_TYPE_LSM] = HOOK_TRACING,
    [SKEP_PROG_TYPE_SYSCALL] = HOOK_SYSCALL,
    [SKEP_PROG_TYPE_CGROUP_SKB] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_CGROUP_SOCK] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_CGROUP_DEVICE] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_CGROUP_SOCK_ADDR] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_CGROUP_SOCKOPT] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_CGROUP_SYSCTL] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_SOCK_OPS] = HOOK_CGROUP,
    [SKEP_PROG_TYPE_SK_SKB] = HOOK_SK_SKB,
    [SKEP_PROG_TYPE_SOCKET_FILTER] = HOOK_SOCKET_FILTER,
    [SKEP_PROG_TYPE_LWT_IN] = HOOK_LWT,
    [SKEP_PROG_TYPE_LWT_OUT] = HOOK_LWT,
    [SKEP_PROG_TYPE_LWT_XMIT] = HOOK_LWT,
    [SKEP_PROG_TYPE_LWT_SEG6LOCAL] = HOOK_LWT,
    [SKEP_PROG_TYPE_NETFILTER] = HOOK_NETFILTER,
    [SKEP_PROG_TYPE_KPROBE] = HOOK_KPROBE,
};

/* What kfunc.def calls flags; local to this table. */
enum {
    ACQUIRE = KFUNC_ACQUIRE,
    RELEASE = KFUNC_RELEASE,
    RET_NULL = KFUNC_RET_NULL,
    TRUSTED = KFUNC_TRUSTED,
    RCU = KFUNC_RCU,
    RCU_HELD = KFUNC_RCU_HELD,
    SLEEPS = KFUNC_SLEEPS,
    DESTRUCTIVE = KFUNC_DESTRUCTIVE,
    ITER_NEW = KFUNC_ITER_NEW,
    ITER_NEXT = KFUNC_ITER_NEXT,
    ITER_DESTROY = KFUNC_ITER_DESTROY,
    FASTCALL = KFUNC_FASTCALL,
    ARENA_RET = KFUNC_ARENA_RET,
    ARENA_ARG2 = KFUNC_ARENA_ARG2,
    LOCKED = KFUNC_LOCKED,
    PACKET = KFUNC_PACKET
};

static const struct platform_kfunc kfuncs[] = {
#define KFUNC_ROW(group, name, since, callers, flags, does)                                        \
    {name, since, SET_##callers, KFUNC_DOES_##does, flags},
#define KFUNC_KERNEL(name, callers, flags, does)                                                   \
    {name, NULL, SET_##callers, KFUNC_DOES_##does, flags},
#include "platform/kfunc.def"
};

const struct platform_kfunc *platform_kfunc(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++)
        if (strcmp(kfuncs[i].name, name) == 0)
            return &kfuncs[i];
    return NULL;
}

const struct platform_kfunc *platform_kfunc_at(size_t index)
{
    return index < ARRAY_SIZE(kfuncs) ? &kfuncs[index] : NULL;
}

static bool fits_attach_type(const struct platform_kfunc *kfunc, uint32_t prog_type,
                             uint32_t attach_type, bool is_dev_bound)
{
    enum { TRACE_ITER = 28, KPROBE_SESSION = 56, UPROBE_SESSION = 57 }; /* enum bpf_attach_type */

    switch (kfunc->callers) {
    case SET_FILES:
        return prog_type == SKEP_PROG_TYPE_LSM;
    case SET_ITERATORS:
        return attach_type == TRACE_ITER;
    case SET_SESSION:
        return attach_type == KPROBE_SESSION || attach_type == UPROBE_SESSION;
    case SET_XDP_METADATA:
        return is_dev_bound;
    default:
        return true;
    }
}

bool platform_kfunc_allowed(const struct platform_kfunc *kfunc, uint32_t prog_type,
                            uint32_t attach_type, bool is_dev_bound)
{
    uint16_t hook = prog_type < ARRAY_SIZE(type_hook) ? type_hook[prog_type] : 0;

    return (set_hooks[kfunc->callers] & (hook | HOOK_EVERY)) &&
           fits_attach_type(kfunc, prog_type, attach_type, is_dev_bound);
}

bool platform_kfunc_needs_device(const struct platform_kfunc *kfunc)
{
    return kfunc->callers == SET_XDP_METADATA;
}
