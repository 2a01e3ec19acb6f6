/* typed.c - typed.def as tables, searched. They are short and asked seldom: no index. */
#include "platform/typed.h"

#include <string.h>

#include <skep/platform.h>

#include "base/check.h"

static const struct {
    const char *type, *member, *pointee;
    enum typed_safe how;
} safe[] = {
#define SAFE(type, member, pointee, how) {type, member, pointee, how},
#include "platform/typed.def"
#undef SAFE
};

static const struct {
    const char *name;
    uint64_t bits;
} null_args[] = {
#define NULL_ARGS(name, bits) {name, bits},
#include "platform/typed.def"
#undef NULL_ARGS
};

enum { NULLABLE = ITER_NULLABLE, TRUSTED = ITER_TRUSTED, BUFFER = ITER_BUFFER, READS = ITER_READS };
static const struct {
    const char *name;
    uint32_t argument;
    int mods;
} iter_args[] = {
#define ITER_ARG(name, argument, mods) {name, argument, mods},
#include "platform/typed.def"
#undef ITER_ARG
};

static const char *const no_trace[] = {
#define NO_TRACE(name) name,
#include "platform/typed.def"
#undef NO_TRACE
};
static const char *const no_return[] = {
#define NO_RETURN(name) name,
#include "platform/typed.def"
#undef NO_RETURN
};

enum { INJECTED = 1, SLEEPS = 2 };
static const struct {
    const char *name;
    int how;
} may_fail[] = {
#define MAY_FAIL(name, how) {name, how},
#include "platform/typed.def"
#undef MAY_FAIL
};

struct member {
    const char *ops, *member;
};
static const struct member ops_sleeps[] = {
#define OPS_SLEEPS(ops, member) {ops, member},
#include "platform/typed.def"
#undef OPS_SLEEPS
};
static const struct member ops_no_member[] = {
#define OPS_NO_MEMBER(ops, member) {ops, member},
#include "platform/typed.def"
#undef OPS_NO_MEMBER
};

enum { EXACT = SPAN_EXACT, RANGE = SPAN_RANGE, STRING = SPAN_STRING };
static const struct typed_write writes[] = {
#define WRITES(prog_type, ops, type, member, cast, cast_member, span)                              \
    {prog_type, ops, type, member, cast, cast_member, span},
#include "platform/typed.def"
#undef WRITES
};

static const struct member releases[] = {
#define RELEASES(type, function) {type, function},
#include "platform/typed.def"
#undef RELEASES
};

static const struct typed_context contexts[] = {
#define CONTEXT(prog_type, name, kernel) {prog_type, name, kernel},
#include "platform/typed.def"
#undef CONTEXT
};

enum { NET = POWER_NET, PERFMON = POWER_PERFMON, GUEST = POWER_GUEST };
static const struct {
    uint32_t prog_type, powers;
} powers[] = {
#define POWER(prog_type, powers) {prog_type, powers},
#include "platform/typed.def"
#undef POWER
};

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* *any: the struct_ops has rows. */
static bool is_member_listed(const struct member *rows, size_t count, const char *ops,
                             const char *member, bool *any)
{
    *any = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].ops, ops) != 0)
            continue;
        *any = true;
        if (strcmp(rows[i].member, member) == 0)
            return true;
    }
    return false;
}

enum typed_safe typed_safe(const char *type, const char *member, const char *pointee)
{
    for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
        if (strcmp(safe[i].member, member) == 0 && strcmp(safe[i].type, type) == 0 &&
            strcmp(safe[i].pointee, pointee) == 0)
            return safe[i].how;
    return SAFE_NOT;
}

bool typed_null_args(const char *tracepoint, uint32_t *nulls, uint32_t *errors)
{
    *nulls = *errors = 0;
    for (size_t i = 0; i < ARRAY_SIZE(null_args); i++) {
        if (strcmp(null_args[i].name, tracepoint) != 0)
            continue;
        for (uint32_t n = 0; n < 16; n++) {
            *nulls |= (uint32_t)(null_args[i].bits >> n * 4 & 1) << n;
            *errors |= (uint32_t)(null_args[i].bits >> (n * 4 + 1) & 1) << n;
        }
        return true;
    }
    return false;
}

int typed_iter_arg(const char *iterator, uint32_t argument)
{
    for (size_t i = 0; i < ARRAY_SIZE(iter_args); i++)
        if (iter_args[i].argument == argument && strcmp(iter_args[i].name, iterator) == 0)
            return iter_args[i].mods;
    return -1;
}

bool typed_may_trace(const char *function)
{
    return !is_listed(no_trace, ARRAY_SIZE(no_trace), function);
}

bool typed_returns(const char *function)
{
    return !is_listed(no_return, ARRAY_SIZE(no_return), function);
}

enum typed_fail typed_may_fail(const char *function, bool *sleeps)
{
    /* Every SYSCALL_DEFINE is open to error injection, under the name that its architecture's wrapper has. */
    static const char *const calls[] = {"__x64_sys_",   "__ia32_sys_", "__arm64_sys_",
                                        "__s390x_sys_", "__s390_sys_", "__riscv_sys_"};

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        if (strncmp(function, calls[i], strlen(calls[i])) == 0) {
            *sleeps = true;
            return FAIL_INJECTED;
        }
    for (size_t i = 0; i < ARRAY_SIZE(may_fail); i++)
        if (strcmp(may_fail[i].name, function) == 0) {
            *sleeps = may_fail[i].how & SLEEPS;
            return may_fail[i].how & INJECTED ? FAIL_INJECTED : FAIL_ALWAYS;
        }
    *sleeps = false;
    return FAIL_NEVER;
}

bool typed_ops_calls(const char *ops, const char *member)
{
    bool any;

    return !is_member_listed(ops_no_member, ARRAY_SIZE(ops_no_member), ops, member, &any);
}

bool typed_ops_sleeps(const char *ops, const char *member)
{
    bool any, found = is_member_listed(ops_sleeps, ARRAY_SIZE(ops_sleeps), ops, member, &any);

    return found || !any;
}

const struct typed_write *typed_write_at(size_t index)
{
    return index < ARRAY_SIZE(writes) ? &writes[index] : NULL;
}

const char *typed_release(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(releases); i++)
        if (strcmp(releases[i].ops, type) == 0)
            return releases[i].member;
    return NULL;
}

const struct typed_context *typed_context(uint32_t prog_type)
{
    for (size_t i = 0; i < ARRAY_SIZE(contexts); i++)
        if (contexts[i].prog_type == prog_type)
            return &contexts[i];
    return NULL;
}

uint32_t typed_power(uint32_t prog_type)
{
    for (size_t i = 0; i < ARRAY_SIZE(powers); i++)
        if (powers[i].prog_type == prog_type)
            return powers[i].powers;
    return 0;
}
