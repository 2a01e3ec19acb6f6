/* access.c - the rows of context.def, return.def, attach_fit.def and lsm.def as answers about one
 * program. */
#include "platform/access.h"

#include <string.h>

#include "base/check.h"

/* -- sets of attach types ---------------------------------------------------------------------- */

#define ONE(attach_type) (UINT64_C(1) << (attach_type))
#define ANY              UINT64_MAX

_Static_assert(ATTACH_COUNT <= 64, "sets of attach types are 64-bit masks");

/* Sets that the tables mean by name. */
#define SOCK_LIFE (ONE(ATTACH_CGROUP_INET_SOCK_CREATE) | ONE(ATTACH_CGROUP_INET_SOCK_RELEASE))
#define POST_BIND (ONE(ATTACH_CGROUP_INET4_POST_BIND) | ONE(ATTACH_CGROUP_INET6_POST_BIND))
#define BINDS     (ONE(ATTACH_CGROUP_INET4_BIND) | ONE(ATTACH_CGROUP_INET6_BIND))
#define CONNECTS                                                                                   \
    (ONE(ATTACH_CGROUP_INET4_CONNECT) | ONE(ATTACH_CGROUP_INET6_CONNECT) |                         \
     ONE(ATTACH_CGROUP_UNIX_CONNECT))
#define SENDMSGS                                                                                   \
    (ONE(ATTACH_CGROUP_UDP4_SENDMSG) | ONE(ATTACH_CGROUP_UDP6_SENDMSG) |                           \
     ONE(ATTACH_CGROUP_UNIX_SENDMSG))
#define NAMES4                                                                                     \
    (ONE(ATTACH_CGROUP_UDP4_RECVMSG) | ONE(ATTACH_CGROUP_INET4_GETPEERNAME) |                      \
     ONE(ATTACH_CGROUP_INET4_GETSOCKNAME))
#define NAMES6                                                                                     \
    (ONE(ATTACH_CGROUP_UDP6_RECVMSG) | ONE(ATTACH_CGROUP_INET6_GETPEERNAME) |                      \
     ONE(ATTACH_CGROUP_INET6_GETSOCKNAME))
#define NAMES                                                                                      \
    (NAMES4 | NAMES6 | ONE(ATTACH_CGROUP_UNIX_RECVMSG) | ONE(ATTACH_CGROUP_UNIX_GETPEERNAME) |     \
     ONE(ATTACH_CGROUP_UNIX_GETSOCKNAME))
#define INET4                                                                                      \
    (ONE(ATTACH_CGROUP_INET4_BIND) | ONE(ATTACH_CGROUP_INET4_CONNECT) |                            \
     ONE(ATTACH_CGROUP_UDP4_SENDMSG) | NAMES4)
#define INET6                                                                                      \
    (ONE(ATTACH_CGROUP_INET6_BIND) | ONE(ATTACH_CGROUP_INET6_CONNECT) |                            \
     ONE(ATTACH_CGROUP_UDP6_SENDMSG) | NAMES6)
#define SESSIONS  (ONE(ATTACH_TRACE_KPROBE_SESSION) | ONE(ATTACH_TRACE_UPROBE_SESSION))
#define FUNCTIONS (ONE(ATTACH_TRACE_FENTRY) | ONE(ATTACH_TRACE_FEXIT))

/* An attach type that Linux does not know is in ANY only. */
static bool is_in(uint64_t set, uint32_t attach_type)
{
    return set == ANY || (attach_type < 64 && (set >> attach_type & 1));
}

/* Who may read and write a field, by enum platform_field_who. */
static const struct {
    uint64_t read, write;
} who_may[] = {
    [FOR_ALL] = {ANY, ANY},
    [FOR_DEVMAP] = {ONE(ATTACH_XDP_DEVMAP), 0},
    [FOR_SOCK_LIFE] = {SOCK_LIFE, SOCK_LIFE},
    [FOR_POST_BIND4] = {ONE(ATTACH_CGROUP_INET4_POST_BIND), 0},
    [FOR_POST_BIND6] = {ONE(ATTACH_CGROUP_INET6_POST_BIND), 0},
    [FOR_POST_BIND] = {POST_BIND, 0},
    [FOR_INET4] = {INET4, INET4},
    [FOR_INET6] = {INET6, INET6},
    [FOR_SENDMSG4] = {ONE(ATTACH_CGROUP_UDP4_SENDMSG), ONE(ATTACH_CGROUP_UDP4_SENDMSG)},
    [FOR_SENDMSG6] = {ONE(ATTACH_CGROUP_UDP6_SENDMSG), ONE(ATTACH_CGROUP_UDP6_SENDMSG)},
    [FOR_GETSOCKOPT] = {ONE(ATTACH_CGROUP_GETSOCKOPT), ONE(ATTACH_CGROUP_GETSOCKOPT)},
    [FOR_SETSOCKOPT_W] = {ANY, ONE(ATTACH_CGROUP_SETSOCKOPT)},
};

/* -- accesses ---------------------------------------------------------------------------------- */

/* No field: plain bytes. */
static void fill(struct platform_access *out, const struct platform_field *field, uint32_t size)
{
    if (!out)
        return;
    *out = (struct platform_access){.yields = YIELD_SCALAR};
    if (!field || size < field->size) /* a part of a pointer is a number */
        return;
    out->yields = field->kind;
    out->is_maybe_null = field->access & FIELD_MAYBE_NULL;
    out->is_32bit_view = field->kind != YIELD_SCALAR && field->size < 8;
    out->btf_type = field->btf_type;
}

bool platform_context_access(uint32_t prog_type, uint32_t attach_type, bool has_bpf,
                             uint32_t offset, uint32_t size, bool is_write,
                             struct platform_access *out)
{
    const struct platform_prog_type *type = platform_prog_type(prog_type);
    const struct platform_field *field;

    if (!type || !type->ctx)
        return false;
    if (type->ctx->kind == CTX_MEMORY) {
        if ((size != 1 && size != 2 && size != 4 && size != 8) || offset % size ||
            offset >= type->ctx->size || (is_write && type->ctx->is_read_only))
            return false;
        fill(out, NULL, size);
        return true;
    }
    field = platform_field_access(type->ctx, offset, size, is_write, NULL);
    if (!field)
        return false;
    attach_type = platform_attach_effective(prog_type, attach_type);
    if (!is_in(is_write ? who_may[field->who].write : who_may[field->who].read, attach_type))
        return false;
    if (!has_bpf && field->access & (is_write ? FIELD_W_CAP : FIELD_R_CAP))
        return false;
    fill(out, field, size);
    return true;
}

bool platform_sock_access(enum platform_sock which, uint32_t offset, uint32_t size, bool is_write,
                          struct platform_access *out)
{
    static const struct platform_ctx *const views[] = {
        [PLATFORM_SOCK] = &context_sock,
        [PLATFORM_SOCK_COMMON] = &context_sock_common,
        [PLATFORM_TCP_SOCK] = &context_tcp_sock,
        [PLATFORM_XDP_SOCK] = &context_xdp_sock,
    };
    const struct platform_field *field;

    field = is_write ? NULL : platform_field_access(views[which], offset, size, false, NULL);
    if (!field)
        return false;
    fill(out, field, size);
    return true;
}

bool platform_flow_keys_access(uint32_t offset, uint32_t size)
{
    return check_range(offset, size, PLATFORM_FLOW_KEYS_SIZE);
}

/* Types without a row only read packets, and pass them to nobody. */
static const struct {
    uint32_t prog_type;
    struct platform_packet_use use;
} packet_uses[] = {
    {SKEP_PROG_TYPE_SCHED_CLS, {true, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_SCHED_ACT, {true, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_XDP, {true, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_LWT_XMIT, {true, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_SK_SKB, {true, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_SK_MSG, {true, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_LWT_IN, {false, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_LWT_OUT, {false, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_LWT_SEG6LOCAL, {false, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_SK_REUSEPORT, {false, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_FLOW_DISSECTOR, {false, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_CGROUP_SKB, {false, PACKET_ARGS_MARKED}},
    {SKEP_PROG_TYPE_CGROUP_SOCKOPT, {true, PACKET_ARGS_ALL}},
};

struct platform_packet_use platform_packet_use(uint32_t prog_type)
{
    for (size_t i = 0; i < ARRAY_SIZE(packet_uses); i++)
        if (packet_uses[i].prog_type == prog_type)
            return packet_uses[i].use;
    return (struct platform_packet_use){false, PACKET_ARGS_NONE};
}

/* -- loading ----------------------------------------------------------------------------------- */

static const struct {
    uint32_t prog_type;
    uint64_t attach_types;
} fits[] = {
#define FIT(prog_type, attach_types) {prog_type, attach_types},
#include "platform/attach_fit.def"
#undef FIT
};

uint32_t platform_attach_effective(uint32_t prog_type, uint32_t attach_type)
{
    if (attach_type != 0)
        return attach_type;
    switch (prog_type) {
    case SKEP_PROG_TYPE_CGROUP_SOCK:
        return ATTACH_CGROUP_INET_SOCK_CREATE;
    case SKEP_PROG_TYPE_SK_REUSEPORT:
        return ATTACH_SK_REUSEPORT_SELECT;
    default:
        return 0;
    }
}

bool platform_attach_fits(uint32_t prog_type, uint32_t attach_type)
{
    attach_type = platform_attach_effective(prog_type, attach_type);
    for (size_t i = 0; i < ARRAY_SIZE(fits); i++)
        if (fits[i].prog_type == prog_type)
            return is_in(fits[i].attach_types, attach_type);
    return true;
}

enum platform_sleep platform_sleep(uint32_t prog_type, uint32_t attach_type)
{
    switch (prog_type) {
    case SKEP_PROG_TYPE_SYSCALL:
        return SLEEP_MUST;
    case SKEP_PROG_TYPE_KPROBE:
    case SKEP_PROG_TYPE_STRUCT_OPS:
        return SLEEP_MAY;
    case SKEP_PROG_TYPE_LSM:
        return attach_type == ATTACH_LSM_CGROUP ? SLEEP_NEVER : SLEEP_MAY;
    case SKEP_PROG_TYPE_TRACING:
        return is_in(FUNCTIONS | ONE(ATTACH_MODIFY_RETURN) | ONE(ATTACH_TRACE_ITER), attach_type)
                   ? SLEEP_MAY
                   : SLEEP_NEVER;
    default:
        return SLEEP_NEVER;
    }
}

bool platform_is_typed(uint32_t prog_type)
{
    const struct platform_prog_type *type = platform_prog_type(prog_type);

    return type && !type->ctx && prog_type != SKEP_PROG_TYPE_UNSPEC;
}

/* -- return values ----------------------------------------------------------------------------- */

static const struct {
    uint32_t prog_type;
    int32_t min, max;
    uint64_t attach_types;
} returns[] = {
#define RETURN(prog_type, attach_types, min, max) {prog_type, min, max, attach_types},
#include "platform/return.def"
#undef RETURN
};

bool platform_return_range(uint32_t prog_type, uint32_t attach_type, int32_t *min, int32_t *max)
{
    attach_type = platform_attach_effective(prog_type, attach_type);
    for (size_t i = 0; i < ARRAY_SIZE(returns); i++)
        if (returns[i].prog_type == prog_type && is_in(returns[i].attach_types, attach_type)) {
            *min = returns[i].min;
            *max = returns[i].max;
            return true;
        }
    return false;
}

bool platform_return_is_32bit(uint32_t prog_type, uint32_t attach_type)
{
    return prog_type == SKEP_PROG_TYPE_LSM && attach_type != ATTACH_LSM_CGROUP;
}

/* -- LSM hooks --------------------------------------------------------------------------------- */

/* MAX_ERRNO: what an int may be that means an error. */
enum { ERRNO_MAX = 4095 };

/* What lsm.def calls things. */
enum {
    DISABLED = LSM_DISABLED,
    SLEEPS = LSM_SLEEPS,
    UNTRUSTED = LSM_UNTRUSTED,
    LOCKED = LSM_SOCK_LOCKED,
    NEW = LSM_SOCK_NEW
};

/* Sorted by name. */
static const struct platform_lsm_hook lsm_hooks[] = {
#define LSM_HOOK(name, returns, flags) {name, LSM_##returns, flags},
#include "platform/lsm.def"
#undef LSM_HOOK
};

const struct platform_lsm_hook *platform_lsm_hook_at(size_t index)
{
    return index < ARRAY_SIZE(lsm_hooks) ? &lsm_hooks[index] : NULL;
}

const struct platform_lsm_hook *platform_lsm_hook(const char *name)
{
    static const char prefix[] = "bpf_lsm_";
    size_t low = 0, high = ARRAY_SIZE(lsm_hooks);

    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, lsm_hooks[middle].name);

        if (order == 0)
            return &lsm_hooks[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool platform_lsm_return(const char *name, uint32_t attach_type, int32_t *min, int32_t *max)
{
    const struct platform_lsm_hook *hook = platform_lsm_hook(name);

    if (!hook)
        return false;
    if (attach_type == ATTACH_LSM_CGROUP) {
        /* 1 lets the call go on; at a void hook there is nothing to refuse. */
        *min = hook->returns == LSM_VOID;
        *max = 1;
        return true;
    }
    if (hook->returns == LSM_VOID)
        return false;
    *min = hook->returns == LSM_BOOL ? 0 : -ERRNO_MAX;
    *max = hook->returns == LSM_BOOL;
    return true;
}
