/* call.c - where a run meets the outside: helpers, callbacks, tail calls, and the end with an
 * error.
 *
 * A helper's arguments are judged by its prototype (platform/helper.def) and turned into host
 * pointers here, so that bodies trust them and every engine checks the same way.
 */
#include "exec/code.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <skep/object.h>

#include "base/check.h"
#include "isa/opcode.h"

/* -- the end of a run -------------------------------------------------------------------------- */

void exec_fault(struct skep_call *call, int code, const char *format, ...)
{
    va_list args;

    if (call->code_result)
        return;
    call->code_result = code;
    va_start(args, format);
    error_setv(&call->err, code, format, args);
    va_end(args);
}

int exec_explain(struct skep_call *call, const struct exec_code *code, uint32_t insn)
{
    const struct exec_line *line = NULL;
    size_t low = 0, high = code->line_count;
    char text[128];

    while (low < high) { /* the last line that begins at or before the instruction */
        size_t middle = low + (high - low) / 2;
        if (code->lines[middle].insn <= insn) {
            line = &code->lines[middle];
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (skep_disasm(code->insns, code->insn_count, insn, SKEP_DISASM_LLVM, NULL, text, sizeof text,
                    NULL) < 0)
        text[0] = '\0';
    error_prefix(&call->err, "insn %u (%s)", insn, text);
    error_subject(&call->err, "prog %s", code->name);
    error_place(&call->err, insn, line ? line->file : NULL, line ? line->line : 0,
                line ? line->column : 0);
    return call->code_result;
}

const char *exec_helper_refusal(const struct exec_code *code, uint32_t id)
{
    const struct platform_helper *helper = platform_helper(id);

    if (!code->prog_type || !helper)
        return NULL; /* what does not exist is reported when it is called */
    if (!platform_helper_allowed(code->prog_type, id))
        return "programs of this type cannot use helper";
    if ((helper->flags & HELPER_GPL) && !code->is_gpl)
        return "only programs with a GPL-compatible licence can use helper";
    return NULL;
}

bool exec_refuse_helper(struct skep_call *call, const struct exec_code *code, uint32_t id)
{
    const char *reason = exec_helper_refusal(code, id);

    if (reason)
        exec_fault(call, -SKEP_ENOHELPER, "%s %s#%u", reason, platform_helper(id)->name, id);
    return reason != NULL;
}

void exec_refuse(struct skep_call *call, const struct exec_code *code, uint32_t insn)
{
    const struct skep_insn *at = &code->insns[insn];
    struct isa_op const *op = insn < code->insn_count ? isa_find(at) : NULL;
    uint32_t number;

    if (!op) {
        exec_fault(call, -SKEP_EFAULTED, "control runs past the last instruction");
    } else if (op->id == ISA_CALL && at->imm == SKEP_POISON) {
        exec_fault(
            call, -SKEP_EUNRESOLVED,
            "a field, type or enumerator that the target BTF does not have (CO-RE relocation)");
    } else if (op->id == ISA_CALL && exec_refuse_helper(call, code, (uint32_t)at->imm)) {
        return;
    } else {
        number = op->id == ISA_CALL ? (uint32_t)at->imm - SKEP_POISON - 1 : (uint32_t)at->imm;
        exec_fault(call, -SKEP_EUNRESOLVED, "extern '%s' is not offered by this engine",
                   number < code->extern_count ? code->externs[number].name : "?");
    }
}

void exec_refuse_dead(struct skep_call *call)
{
    exec_fault(call, -SKEP_EFAULTED,
               "verification says that no run comes here: this is a bug of skep");
}

/* -- maps -------------------------------------------------------------------------------------- */

struct skep_map *exec_map(struct skep_call *call, uint64_t handle)
{
    if (handle - EXEC_MAP_BASE < call->code->map_count)
        return call->code->maps[handle - EXEC_MAP_BASE];
    if (handle - EXEC_INNER_BASE < call->grant_count)
        return call->grants[handle - EXEC_INNER_BASE];
    return NULL;
}

uint64_t exec_map_handle(const struct skep_call *call, const struct skep_map *map)
{
    for (uint32_t i = 0; i < call->code->map_count; i++)
        if (call->code->maps[i] == map)
            return EXEC_MAP_BASE + i;
    for (uint32_t i = 0; i < call->grant_count; i++)
        if (call->grants[i] == map)
            return EXEC_INNER_BASE + i;
    return 0;
}

/* An inner map that a lookup found becomes one that this run may use; epochs keep it alive until
 * the run ends. */
static uint64_t grant(struct skep_call *call, struct skep_map *inner)
{
    for (uint32_t i = 0; i < call->grant_count; i++)
        if (call->grants[i] == inner)
            return EXEC_INNER_BASE + i;
    if (call->grant_count == EXEC_GRANTS) {
        exec_fault(call, -SKEP_EFAULTED, "one run uses more than %d inner maps", EXEC_GRANTS);
        return 0;
    }
    call->grants[call->grant_count] = inner;
    return EXEC_INNER_BASE + call->grant_count++;
}

const struct exec_code *exec_tail_target(struct skep_call *call, const uint64_t *r)
{
    struct skep_map *map = exec_map(call, r[2]);
    const struct exec_target *target;
    uint32_t index = (uint32_t)r[3];

    if (!map || !map->ops || map->def.type != SKEP_MAP_TYPE_PROG_ARRAY) {
        exec_fault(call, -SKEP_EFAULTED, "bpf_tail_call: argument 2 is not a prog array");
        return NULL;
    }
    if (call->tail_calls >= EXEC_TAIL_CALLS || index >= map->def.max_entries)
        return NULL;
    target = map->ops->lookup(map, &index, call->cpu);
    if (!target)
        return NULL;
    call->tail_calls++;
    if (call->slots_dirty < target->code->slots)
        call->slots_dirty = target->code->slots;
    return target->code;
}

/* -- helpers ----------------------------------------------------------------------------------- */

struct arguments {
    struct skep_map *map;
    const char *helper;
    uint64_t value[5];
};

static bool refuse_argument(struct skep_call *call, const struct arguments *a, int n,
                            const char *what)
{
    exec_fault(call, -SKEP_EFAULTED, "%s: argument %d is not %s", a->helper, n + 1, what);
    return false;
}

static bool take_memory(struct skep_call *call, struct arguments *a, int n, uint64_t size,
                        bool is_write, bool or_null)
{
    if (or_null && !a->value[n])
        return true;
    if (!size) { /* nothing is read or written there; bodies still get an address */
        a->value[n] = (uint64_t)(uintptr_t)call->first.stack;
        return true;
    }
    if (!exec_memory(call, a->value[n], size, is_write)) {
        error_prefix(&call->err, "%s: argument %d", a->helper, n + 1);
        return false;
    }
    return true;
}

static bool take_ctx(struct skep_call *call, struct arguments *a, int n)
{
    bool is_fields = call->code->ctx && call->code->ctx->kind == CTX_FIELDS;
    uint64_t expected = is_fields ? EXEC_CTX_BASE : (uint64_t)(uintptr_t)call->ctx;

    if (a->value[n] != expected)
        return refuse_argument(call, a, n, "the context");
    a->value[n] = (uint64_t)(uintptr_t)call->ctx;
    return true;
}

/* The end of a string must lie in memory that the program may read. */
static bool take_string(struct skep_call *call, struct arguments *a, int n)
{
    uint64_t at = a->value[n], size;

    while ((size = exec_readable(call, at))) {
        if (memchr((const void *)(uintptr_t)at, '\0', (size_t)size))
            return true;
        at += size;
    }
    error_prefix(&call->err, "%s: argument %d (a string)", a->helper, n + 1);
    return false;
}

static bool take_bytes(struct skep_call *call, struct arguments *a, int n, uint16_t arg,
                       uint64_t size)
{
    bool or_null = arg & ARG_OR_NULL;

    if (!(arg & ARG_UNINIT) && !take_memory(call, a, n, size, false, or_null))
        return false;
    return (arg & ARG_RDONLY && !(arg & ARG_WRITES)) ||
           take_memory(call, a, n, size, true, or_null);
}

static bool take_argument(struct skep_call *call, const struct platform_helper *proto,
                          struct arguments *a, int n)
{
    uint16_t arg = proto->args[n];
    uint64_t size = n < 4 ? a->value[n + 1] : 0;

    switch ((enum platform_arg)(arg & ARG_KIND)) {
    case ARG_CTX:
        return take_ctx(call, a, n);
    case ARG_MAP:
        a->map = exec_map(call, a->value[n]);
        a->value[n] = (uint64_t)(uintptr_t)a->map;
        return a->map || refuse_argument(call, a, n, "a map");
    case ARG_MAP_KEY:
        return take_memory(call, a, n, a->map->def.key_size, false, false);
    case ARG_MAP_VALUE:
        return take_memory(call, a, n, a->map->def.value_size, arg & ARG_WRITES, arg & ARG_OR_NULL);
    case ARG_MEM:
        return take_bytes(call, a, n, arg, arg & ARG_FIXED ? platform_fixed_size(proto, n) : size);
    case ARG_STR:
        return take_string(call, a, n);
    case ARG_FUNC:
        if (a->value[n] - EXEC_FUNC_BASE < call->code->insn_count)
            return true;
        return refuse_argument(call, a, n, "a function of this program");
    case ARG_SIZE:
    case ARG_SIZE_OR_ZERO:
        if (a->value[n] > UINT32_MAX / 2)
            return refuse_argument(call, a, n, "a size");
        return true;
    case ARG_SOCK_COMMON:
    case ARG_SOCKET:
    case ARG_BTF:
    case ARG_BTF_SOCK:
    case ARG_PERCPU_BTF:
    case ARG_SPIN_LOCK:
    case ARG_TIMER:
    case ARG_KPTR:
    case ARG_DYNPTR:
    case ARG_RECORD:
        /* No helper that this engine offers today yields such a pointer. */
        return refuse_argument(call, a, n, "a pointer that this run was given");
    default: /* numbers; ARG_STACK is handed on to the callback, whose accesses are checked there */
        return true;
    }
}

/* What a helper returned becomes something that the program may use. */
static void take_result(struct skep_call *call, const struct platform_helper *proto,
                        struct arguments *a, const uint64_t *r, uint64_t *value, uint32_t slot)
{
    const struct skep_map *map = a->map;

    if ((proto->ret & RET_KIND) == RET_MAP_VALUE && *value && map) {
        if (map->template_map)
            *value = grant(call, (struct skep_map *)(uintptr_t)*value);
        else
            call->regions[slot] = exec_map_value(map, *value, map->def.value_size);
    } else if ((proto->ret & RET_KIND) == RET_MEM && *value) {
        call->regions[slot] = (struct exec_region){*value, r[2], r[2], "record"};
    } else if (proto->ret == RET_VOID) {
        *value = 0;
    }
}

bool exec_call_helper(struct skep_call *call, uint32_t id, uint64_t *r, uint32_t slot)
{
    struct exec_helper helper =
        call->code->helper ? call->code->helper(id) : (struct exec_helper){NULL, NULL};
    struct arguments a = {0};

    if (!helper.fn || !helper.proto) {
        const struct platform_helper *known = platform_helper(id);
        if (known)
            exec_fault(call, -SKEP_ENOHELPER, "helper %s#%u is not offered here", known->name, id);
        else
            exec_fault(call, -SKEP_ENOHELPER, "there is no helper %u", id);
        return false;
    }
    a.helper = helper.proto->name;
    memcpy(a.value, &r[1], sizeof a.value);
    for (int n = 0; n < 5 && helper.proto->args[n] != ARG_NONE; n++)
        if (!take_argument(call, helper.proto, &a, n))
            return false;
    r[0] = helper.fn(a.value[0], a.value[1], a.value[2], a.value[3], a.value[4], call);
    if (call->code_result)
        return false;
    take_result(call, helper.proto, &a, r, &r[0], slot);
    return !call->code_result;
}

bool exec_callback(struct skep_call *call, uint64_t func, const uint64_t args[5], uint64_t *ret)
{
    const struct exec_code *code = call->code;
    uint32_t target = (uint32_t)(func - EXEC_FUNC_BASE);

    if (func - EXEC_FUNC_BASE >= code->insn_count || code->op_of[target] == EXEC_NO_OP) {
        exec_fault(call, -SKEP_EFAULTED, "callback 0x%" PRIx64 " is no function of this program",
                   func);
        return false;
    }
    /* Functions nest anew in a tail call's program, and what bears all of that is the stack of a
     * thread, of which some systems give 128 KiB. */
    if (call->callbacks == EXEC_CALLBACKS) {
        exec_fault(call, -SKEP_EFAULTED, "callbacks nest deeper than %d", EXEC_CALLBACKS);
        return false;
    }
    exec_frame_at(call, call->level)->code = code;
    if (!exec_frame_push(call, code->depth_of[code->op_of[target]]))
        return false;
    call->callbacks++;
    exec_interp(call, code, target, args, ret);
    call->callbacks--;
    exec_frame_pop(call);
    call->code = code;
    return !call->code_result;
}

/* -- entry ------------------------------------------------------------------------------------- */

void exec_call_init(struct skep_call *call)
{
    memset(call, 0, offsetof(struct skep_call, grants));
    call->err.size = sizeof call->err;
    call->err.insn = UINT32_MAX;
    call->err.text[0] = call->err.subject[0] = call->err.file[0] = '\0';
}

int exec_run(struct skep_call *call, const struct exec_code *code, uint64_t r1, uint64_t r2,
             uint64_t *ret)
{
    const uint64_t args[5] = {r1, r2, 0, 0, 0};
    int code_result;

    call->level = call->callbacks = call->grant_count = call->tail_calls = 0;
    call->code_result = 0;
    call->insns = 0;
    memset(&call->regions[REGION_FOUND], 0, (1 + call->slots_dirty) * sizeof *call->regions);
    call->slots_dirty = code->slots;
    call->err.insn = UINT32_MAX;
    exec_frame_enter(call, code->depth_of[0]);
    code_result = exec_interp(call, code, 0, args, ret);
    if (call->more[0])
        exec_frame_release(call);
    return code_result;
}
