/* helper.c - the prototypes of helper.def, by number and by name, and who may call them. */
#include "platform/platform.h"

#include <string.h>
#include <skep/error.h>

#include "base/check.h"
#include "platform/access.h"

/* What helper.def calls things; local to this table. */
enum {
    GPL = HELPER_GPL,
    SLEEPS = HELPER_SLEEPS,
    CHANGES = HELPER_CHANGES_PACKET,
    READS = HELPER_READS_PACKET,
    CALLS = HELPER_CALLBACK,
    LATER = HELPER_CALLBACK_LATER,
    ACQUIRES = HELPER_ACQUIRES,
    RELEASES = HELPER_RELEASES,
    CASTS = HELPER_CASTS,
    FAST = HELPER_FASTCALL,
    SIZED = HELPER_RET_SIZED,
    BPF = HELPER_BPF,
    PERFMON = HELPER_PERFMON,
    ADMIN = HELPER_ADMIN,
    OPTION = HELPER_OPTIONAL,
    RUNS = HELPER_RUNS
};
enum {
    NONE = ARG_NONE,
    ANY = ARG_ANY,
    LOOSE = ARG_LOOSE,
    SCALAR = ARG_SCALAR,
    CTX = ARG_CTX,
    MAP = ARG_MAP,
    KEY = ARG_MAP_KEY,
    VALUE = ARG_MAP_VALUE,
    OUTPUT = ARG_WRITES | ARG_UNINIT,
    IN = ARG_MEM | ARG_RDONLY,
    OUT = ARG_MEM | OUTPUT,
    INOUT = ARG_MEM | ARG_WRITES,
    SIZE = ARG_SIZE,
    SIZE0 = ARG_SIZE_OR_ZERO,
    ALLOC = ARG_ALLOC_SIZE,
    STR = ARG_STR,
    FUNC = ARG_FUNC,
    STACK = ARG_STACK,
    SOCK = ARG_SOCK_COMMON,
    SOCKET = ARG_SOCKET,
    BTF = ARG_BTF,
    BTF_SOCK = ARG_BTF_SOCK,
    PERCPU = ARG_PERCPU_BTF,
    LOCK = ARG_SPIN_LOCK,
    TIMER = ARG_TIMER,
    KPTR = ARG_KPTR,
    DYNPTR = ARG_DYNPTR,
    RING = ARG_RECORD,
    NIL = ARG_OR_NULL,
    RDONLY = ARG_RDONLY,
    UNINIT = ARG_UNINIT,
    FIXED = ARG_FIXED,
    ALIGNED = ARG_ALIGNED,
    RELEASE = ARG_RELEASE,
    LOCAL = ARG_LOCAL,
    RINGBUF = ARG_RINGBUF
};
enum { ALWAYS, SLEEPABLE, MULTI };

#define T(type) (UINT64_C(1) << SKEP_PROG_TYPE_##type)
#define LWT     (T(LWT_IN) | T(LWT_OUT) | T(LWT_XMIT) | T(LWT_SEG6LOCAL))
/* They see kernel objects as such. */
#define TYPED    (T(TRACING) | T(LSM) | T(STRUCT_OPS) | T(SYSCALL))
#define ANY_TYPE UINT64_MAX
/* They have the bpf_get_smp_processor_id that is inlined. */
#define INLINE_CPU                                                                                 \
    (LWT | T(SCHED_CLS) | T(SCHED_ACT) | T(XDP) | T(KPROBE) | T(TRACEPOINT) | T(PERF_EVENT) |      \
     T(RAW_TRACEPOINT) | T(RAW_TRACEPOINT_WRITABLE) | T(TRACING) | T(LSM) | T(SYSCALL))

#define FIELDS(id_, name_, since_, ret_, flags_)                                                   \
    .id = id_, .name = name_, .since = since_, .ret = ret_, .flags = flags_
#define ARGS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static const struct platform_helper helpers[] = {
#define HELPER(id, name, since, ret, flags, takes, ...)                                            \
    {FIELDS(id, name, since, ret, flags), .args = takes, __VA_ARGS__},
#define VARIANT(...)
#include "platform/helper.def"
#undef HELPER
#undef VARIANT
};

static const struct variant {
    uint64_t types;
    uint8_t when;
    struct platform_helper proto;
} variants[] = {
#define HELPER(...)
#define VARIANT(id, types, when, name, since, ret, flags, takes, ...)                              \
    {types, when, {FIELDS(id, name, since, ret, flags), .args = takes, __VA_ARGS__}},
#include "platform/helper.def"
#undef HELPER
#undef VARIANT
};

const struct platform_helper *platform_helper(uint32_t id)
{
    return id - 1 < ARRAY_SIZE(helpers) ? &helpers[id - 1] : NULL;
}

size_t platform_helper_count(void)
{
    return ARRAY_SIZE(helpers) + 1;
}

static bool attaches_to_many(const struct platform_caller *who)
{
    switch (who->attach_type) {
    case ATTACH_TRACE_KPROBE_MULTI:
    case ATTACH_TRACE_UPROBE_MULTI:
    case ATTACH_TRACE_KPROBE_SESSION:
    case ATTACH_TRACE_UPROBE_SESSION:
        return true;
    default:
        return false;
    }
}

static bool is_when(const struct platform_caller *who, uint8_t when)
{
    return when == ALWAYS || (when == SLEEPABLE ? who->is_sleepable : attaches_to_many(who));
}

const struct platform_helper *platform_helper_proto(const struct platform_caller *who, uint32_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
        if (variants[i].proto.id == id && who->prog_type < 64 &&
            variants[i].types >> who->prog_type & 1 && is_when(who, variants[i].when))
            return &variants[i].proto;
    return platform_helper(id);
}

/* -- who may call what ------------------------------------------------------------------------- */

static const uint8_t every[] = {
#define EVERY(...) __VA_ARGS__
#define CALLER(type, ...)
#define ONLY(...)
#include "platform/caller.def"
#undef EVERY
#undef CALLER
#undef ONLY
};

/* Ids of one type's row; no type may call more than these on top of `every`. */
struct caller {
    uint32_t type;
    uint8_t ids[80];
};
static const struct caller callers[] = {
#define EVERY(...)
#define CALLER(type, ...) {type, {__VA_ARGS__}},
#define ONLY(...)
#include "platform/caller.def"
#undef EVERY
#undef CALLER
#undef ONLY
};

/* Among those of a type's programs that attach in one of these ways only. */
#define IDS(...)                                                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define AT(name) (UINT64_C(1) << ATTACH_##name)
#define TRAMPOLINE                                                                                 \
    (AT(TRACE_FENTRY) | AT(TRACE_FEXIT) | AT(MODIFY_RETURN) /* code patched in at the function */)
static const struct only {
    uint32_t type;
    uint8_t ids[8];
    uint64_t attach_types;
} onlys[] = {
#define EVERY(...)
#define CALLER(...)
#define ONLY(type, ids, attach_types) {type, ids, attach_types},
#include "platform/caller.def"
#undef EVERY
#undef CALLER
#undef ONLY
};

static bool has_id(const uint8_t *ids, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

bool platform_helper_allowed(uint32_t prog_type, uint32_t id)
{
    const struct platform_helper *helper = platform_helper(id);

    if (!helper)
        return false;
    /* An extension calls what the program may that it becomes part of. */
    if (prog_type == SKEP_PROG_TYPE_EXT || has_id(every, ARRAY_SIZE(every), id))
        return true;
    if (prog_type == SKEP_PROG_TYPE_MEMORY) /* skep's own: what needs no other type's context */
        return (helper->args[0] & ARG_KIND) != ARG_CTX;
    for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
        if (callers[i].type == prog_type)
            return has_id(callers[i].ids, ARRAY_SIZE(callers[i].ids), id);
    return false;
}

static bool fits_attach_type(const struct platform_caller *who, uint32_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(onlys); i++)
        if (onlys[i].type == who->prog_type && has_id(onlys[i].ids, ARRAY_SIZE(onlys[i].ids), id))
            return who->attach_type < 64 && onlys[i].attach_types >> who->attach_type & 1;
    return true;
}

enum { /* helpers that what a typed program attaches to decides about */
       ID_SETSOCKOPT = 49,
       ID_GETSOCKOPT = 57,
       ID_SK_STORAGE_GET = 107,
       ID_SK_STORAGE_DELETE = 108,
       ID_TCP_SEND_ACK = 116,
       ID_D_PATH = 147,
       ID_IMA_INODE_HASH = 161,
       ID_IMA_FILE_HASH = 193
};

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; name && i < count; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static bool hook_has(const struct platform_caller *who, uint8_t flags)
{
    const struct platform_lsm_hook *hook = who->target ? platform_lsm_hook(who->target) : NULL;

    return hook && hook->flags & flags;
}

/* Where a path is safe to be walked up to the root. */
static bool may_print_path(const struct platform_caller *who)
{
    static const char *const functions[] = {"security_file_permission",
                                            "security_inode_getattr",
                                            "security_file_open",
                                            "security_path_truncate",
                                            "vfs_truncate",
                                            "vfs_fallocate",
                                            "dentry_open",
                                            "vfs_getattr",
                                            "filp_close"};

    if (who->prog_type == SKEP_PROG_TYPE_LSM)
        return hook_has(who, LSM_SLEEPS);
    return who->prog_type == SKEP_PROG_TYPE_TRACING &&
           (who->attach_type == ATTACH_TRACE_ITER ||
            is_one_of(who->target, functions, ARRAY_SIZE(functions)));
}

/* Not from within what the helper itself calls. */
static bool may_use_sk_storage(const struct platform_caller *who)
{
    static const char itself[] = "bpf_sk_storage";

    switch (who->prog_type) {
    case SKEP_PROG_TYPE_TRACING:
        return who->attach_type == ATTACH_TRACE_ITER || who->attach_type == ATTACH_TRACE_RAW_TP ||
               (who->attach_type != ATTACH_MODIFY_RETURN && who->target &&
                strncmp(who->target, itself, sizeof itself - 1) != 0);
    case SKEP_PROG_TYPE_SYSCALL:
        return false;
    default:
        return true;
    }
}

static bool is_tcp_congestion(const struct platform_caller *who)
{
    return who->target && !strcmp(who->target, "tcp_congestion_ops");
}

static bool may_set_sockopt(const struct platform_caller *who)
{
    static const char *const iterators[] = {"bpf_iter_tcp", "bpf_iter_unix"};

    switch (who->prog_type) {
    case SKEP_PROG_TYPE_TRACING:
        return is_one_of(who->target, iterators, ARRAY_SIZE(iterators));
    case SKEP_PROG_TYPE_LSM:
        return hook_has(who, LSM_SOCK_LOCKED | LSM_SOCK_NEW);
    case SKEP_PROG_TYPE_STRUCT_OPS: /* `release` has no use for new settings */
        return is_tcp_congestion(who) && !(who->member && !strcmp(who->member, "release"));
    default:
        return true;
    }
}

static bool fits_target(const struct platform_caller *who, uint32_t id)
{
    switch (id) {
    case ID_SETSOCKOPT:
    case ID_GETSOCKOPT:
        return may_set_sockopt(who);
    case ID_D_PATH:
        return may_print_path(who);
    case ID_IMA_INODE_HASH:
    case ID_IMA_FILE_HASH:
        return hook_has(who, LSM_SLEEPS);
    case ID_SK_STORAGE_GET:
    case ID_SK_STORAGE_DELETE:
        if (!may_use_sk_storage(who))
            return false;
        break;
    default:
        break;
    }
    /* Congestion control has helpers that other struct_ops do not have. */
    return who->prog_type != SKEP_PROG_TYPE_STRUCT_OPS || has_id(every, ARRAY_SIZE(every), id) ||
           is_tcp_congestion(who);
}

static bool has_caps(const struct platform_caller *who, const struct platform_helper *helper)
{
    uint32_t needed = 0;

    if (who->caps & PLATFORM_CAP_SYS_ADMIN)
        return true;
    if (helper->flags & (HELPER_BPF | HELPER_PERFMON))
        needed |= PLATFORM_CAP_BPF;
    if (helper->flags & HELPER_PERFMON)
        needed |= PLATFORM_CAP_PERFMON;
    if (helper->flags & HELPER_ADMIN)
        needed |= PLATFORM_CAP_SYS_ADMIN;
    return (who->caps & needed) == needed;
}

enum platform_denied platform_helper_check(const struct platform_caller *who, uint32_t id)
{
    const struct platform_helper *helper = platform_helper_proto(who, id);

    if (!helper)
        return DENIED_UNKNOWN;
    if (!platform_helper_allowed(who->prog_type, id))
        return DENIED_TYPE;
    if (!fits_attach_type(who, id))
        return DENIED_ATTACH;
    if (!fits_target(who, id))
        return DENIED_TARGET;
    if (helper->flags & HELPER_OPTIONAL)
        return DENIED_OPTIONAL;
    if (!has_caps(who, helper))
        return DENIED_CAP;
    if (helper->flags & HELPER_SLEEPS && !who->is_sleepable)
        return DENIED_SLEEP;
    return DENIED_NOT;
}

/* -- names ------------------------------------------------------------------------------------- */

const char *skep_helper_name(uint32_t id)
{
    const struct platform_helper *helper = platform_helper(id);

    return helper ? helper->name : NULL;
}

int skep_helper_number(const char *name)
{
    if (!name)
        return -SKEP_EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
        if (strcmp(helpers[i].name, name) == 0 || strcmp(helpers[i].name + 4, name) == 0)
            return (int)helpers[i].id;
    return -SKEP_ENOENT;
}
