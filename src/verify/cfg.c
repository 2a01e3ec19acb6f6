/* cfg.c - a program's instructions and functions: which rows of opcode.def they are, where functions begin and end, and that
 * jumps stay in theirs.
 *
 * A function begins where a call or an address leads to, ends before the next one, and must not run into it (Linux 6.18).
 * Reserved fields are judged before anything else, also where no path leads; Linux 6.18 looks at most of them only when a
 * path reaches the instruction.
 */
#include "verify/cfg.h"
#include "verify/helper.h"
#include "verify/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { UNPRIVILEGED_INSNS = 4096 };

/* -- instructions -------------------------------------------------------------------------------- */

static int reject_insn(struct verifier *v, uint32_t insn, enum verify_code code, const char *what)
{
    v->insn = insn;
    return reject(v, code, "%s", what);
}

/* What an instruction is whose reserved fields are not empty: the row that its source register selects, else the first. */
static const struct isa_op *nearest_row(const struct skep_insn *insn)
{
    const struct isa_op *first = isa_first(insn->code), *op;

    for (op = first; op && op->code == insn->code && op->id < ISA_COUNT; op = isa_op(op->id + 1u))
        if (op->src.use == ISA_USE_IS && op->src.value == SKEP_INSN_SRC(insn))
            return op;
    return first;
}

static int decode(struct verifier *v)
{
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = isa_find(v->insns + i);
        struct skep_error why = {.size = sizeof why};

        /* Reserved fields count where a path leads, but for those that are looked at to know what the instruction is. */
        if (!op) {
            op = nearest_row(&v->insns[i]);
            if (!op || isa_is_wide(op) || op->kind == ISA_KIND_LOAD) {
                isa_explain(v->insns + i, &why);
                return reject_insn(v, i, CODE_INSN, why.text);
            }
            v->info[i].is_malformed = true;
        }
        if (op->does == ISA_DO_CALL_REG) {
            v->insn = i;
            return reject(v, CODE_INSN, "unknown opcode %02x", op->code);
        }
        v->info[i].op = op;
        if (!isa_is_wide(op))
            continue;
        if (i + 1 == v->insn_count || !isa_next_is_fine(op, v->insns + i + 1))
            return reject_insn(
                v, i, CODE_INSN,
                "invalid bpf_ld_imm64 insn: its second half is missing or not empty");
        i++;
    }
    return 0;
}

/* -- functions ----------------------------------------------------------------------------------- */

static bool names_function(const struct isa_op *op)
{
    return op->does == ISA_DO_CALL_LOCAL || op->does == ISA_DO_FUNC;
}

static const struct skep_image_func *func_at(const struct verifier *v, uint32_t insn)
{
    for (uint32_t i = 0; i < v->image->func_count; i++)
        if (v->image->funcs[i].insn == insn)
            return v->image->funcs + i;
    return NULL;
}

/* Without func_info Linux knows no function's type: none is global. */
static uint32_t func_type(const struct verifier *v, const struct skep_image_func *func)
{
    bool is_known = func && v->prog_btf && v->image->func_info_count &&
                    btf_is(v->prog_btf, func->type, BTF_MASK(BTF_FUNC));

    return is_known ? func->type : 0;
}

static uint32_t func_of_type(const struct verifier *v, uint32_t type)
{
    for (uint32_t i = 0; i < v->image->func_count; i++)
        if (v->image->funcs[i].type == type)
            return v->image->funcs[i].insn;
    return INSN_NONE;
}

/* The handler of exceptions that a tag of the main function names; INSN_NONE: there is none. */
static int exception_callback(struct verifier *v, uint32_t *out)
{
    static const char prefix[] = "exception_callback:";
    const struct skep_btf *btf = v->prog_btf;
    uint32_t main_type = func_type(v, func_at(v, 0)), type;
    const char *name = NULL;

    *out = INSN_NONE;
    if (!main_type)
        return 0;
    for (uint32_t tag = 0; (tag = btf_next_tag(btf, main_type, tag)) != 0;) {
        const char *text = btf_name_of(btf, tag);

        if (btf_component_of(btf, tag) >= 0 || strncmp(text, prefix, sizeof prefix - 1) != 0)
            continue;
        if (name)
            return reject(v, CODE_CALLBACK, "multiple exception callback tags for main subprog");
        name = text + sizeof prefix - 1;
    }
    if (!name)
        return 0;
    type = btf_find_next(btf, name, BTF_MASK(BTF_FUNC), 0);
    if (!type)
        return reject(v, CODE_CALLBACK, "exception callback '%s' could not be found in BTF", name);
    if (btf_linkage_of(btf, type) != BTF_GLOBAL)
        return reject(v, CODE_CALLBACK, "exception callback '%s' must have global linkage", name);
    *out = func_of_type(v, type);
    if (*out == INSN_NONE || *out >= v->insn_count)
        return reject(v, CODE_CALLBACK, "exception callback type id not found in func_info");
    return *out ? 0
                : reject(v, CODE_CALLBACK, "exception callback '%s' is the program itself", name);
}

/* Marks the first instruction of each function; *handler: of the exception callback. */
static int find_entries(struct verifier *v, uint8_t *is_entry, uint32_t *handler)
{
    int code;

    is_entry[0] = 1;
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = v->info[i].op;
        int64_t target;

        if (!op || (!names_function(op) && op->does != ISA_DO_CALL_KFUNC))
            continue;
        v->insn = i;
        if (!v->can_bpf)
            return reject(v, CODE_PRIVILEGE,
                          "loading/calling other bpf or kernel functions are allowed for CAP_BPF "
                          "and CAP_SYS_ADMIN");
        if (op->does == ISA_DO_CALL_KFUNC)
            continue;
        target = isa_target(op, v->insns + i, i);
        if (target < 0 || target >= v->insn_count)
            return reject(v, CODE_JUMP, "call to invalid destination: insn %lld",
                          (long long)target);
        is_entry[target] = 1;
    }
    v->insn = 0;
    code = exception_callback(v, handler);
    if (code == 0 && *handler != INSN_NONE)
        is_entry[*handler] = 1;
    return code;
}

static void name_subprog(struct verifier *v, uint32_t index)
{
    struct subprog *subprog = v->subprogs + index;
    const struct skep_image_func *func = func_at(v, subprog->start);

    subprog->btf_func = func_type(v, func);
    subprog->is_global = subprog->btf_func && signature_is_global(v, subprog->btf_func);
    subprog->name = func && func->name ? func->name : arena_printf(&v->memory, "func%u", index);
    subprog->fastcall_stack_off = INT16_MIN;
}

static int make_subprogs(struct verifier *v, const uint8_t *is_entry, uint32_t handler)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < v->insn_count; i++)
        if (is_entry[i] && ++count > MAX_SUBPROGS)
            return reject_insn(v, i, CODE_COMPLEXITY, "too many subprograms, 256 are possible");
    v->subprogs = arena_alloc(&v->memory, count * sizeof *v->subprogs);
    if (!v->subprogs)
        return reject_memory(v);
    v->subprog_count = 0;
    for (uint32_t i = 0; i < v->insn_count; i++) {
        if (is_entry[i])
            v->subprogs[v->subprog_count++].start = i;
        v->subprogs[v->subprog_count - 1].end = i + 1;
        v->info[i].subprog = (uint16_t)(v->subprog_count - 1);
    }
    for (uint32_t i = 0; i < v->subprog_count; i++) {
        name_subprog(v, i);
        if (!v->subprogs[i].name)
            return reject_memory(v);
        if (v->subprogs[i].start != handler)
            continue;
        v->exception_callback = i;
        v->subprogs[i].is_callback = v->subprogs[i].is_async_callback = true;
        v->subprogs[i].is_exception_callback = true;
    }
    return 0;
}

uint32_t cfg_subprog_at(const struct verifier *v, uint32_t insn)
{
    uint32_t index;

    if (insn >= v->insn_count)
        return INSN_NONE;
    index = v->info[insn].subprog;
    return v->subprogs[index].start == insn ? index : INSN_NONE;
}

/* -- what a function is made of ------------------------------------------------------------------ */

static int check_jump(struct verifier *v, uint32_t insn, const struct subprog *subprog)
{
    int64_t target = isa_target(v->info[insn].op, v->insns + insn, insn);

    v->insn = insn;
    if (target < subprog->start || target >= subprog->end)
        return reject(v, CODE_JUMP, "jump out of range from insn %u to %lld", insn,
                      (long long)target);
    if (!v->info[target].op)
        return reject(v, CODE_JUMP, "jump into the middle of ldimm64 insn %lld",
                      (long long)target - 1);
    return 0;
}

static int check_subprog(struct verifier *v, struct subprog *subprog)
{
    const struct isa_op *last = v->info[subprog->end - 1].op;
    int code = 0;

    for (uint32_t i = subprog->start; code == 0 && i < subprog->end; i++) {
        const struct isa_op *op = v->info[i].op;

        if (!op)
            continue;
        if (op->does == ISA_DO_CALL_HELPER && v->insns[i].imm == HELPER_TAIL_CALL)
            subprog->has_tail_call = true;
        if (op->kind == ISA_KIND_PACKET)
            subprog->has_ld_abs = true;
        if (op->does == ISA_DO_FUNC)
            v->subprogs[v->info[isa_target(op, v->insns + i, i)].subprog].is_callback = true;
        if ((op->kind == ISA_KIND_JUMP || op->kind == ISA_KIND_BRANCH) && isa_has_target(op))
            code = check_jump(v, i, subprog);
    }
    if (code)
        return code;
    if (!last || isa_falls_through(last) || last->kind == ISA_KIND_CALL)
        return reject_insn(v, subprog->end - 1, CODE_JUMP, "last insn is not an exit or jmp");
    return 0;
}

/* Both can end the function with a result of their own: it must be one that returns a number. */
static int check_abnormal_return(struct verifier *v, const struct subprog *subprog)
{
    const char *what = subprog->has_ld_abs ? "LD_ABS" : "tail_call";
    enum verify_code code = subprog->has_ld_abs ? CODE_PROGRAM : CODE_TAIL_CALL;
    const struct skep_btf *btf = v->prog_btf;

    if (subprog == v->subprogs || (!subprog->has_ld_abs && !subprog->has_tail_call))
        return 0;
    v->insn = subprog->start;
    if (!subprog->btf_func)
        return reject(v, code, "%s is not allowed in subprogs without BTF", what);
    if (!btf_is(btf, btf_resolve(btf, btf_ref(btf, btf_ref(btf, subprog->btf_func))),
                BTF_MASK(BTF_INT) | BTF_ENUMS))
        return reject(v, code, "%s is only allowed in functions that return 'int'", what);
    return 0;
}

int cfg_split(struct verifier *v)
{
    uint8_t *is_entry = NULL;
    uint32_t handler = INSN_NONE;
    int code;

    v->insn = 0;
    if (!v->insn_count)
        return reject(v, CODE_PROGRAM, "the program has no instructions");
    if (v->insn_count > (v->can_bpf ? SKEP_MAX_INSNS : UNPRIVILEGED_INSNS))
        return reject(v, CODE_COMPLEXITY, "%u instructions, %u are possible", v->insn_count,
                      v->can_bpf ? SKEP_MAX_INSNS : UNPRIVILEGED_INSNS);
    if (!v->info)
        v->info = arena_alloc(&v->memory, v->insn_count * sizeof *v->info);
    is_entry = calloc(v->insn_count, 1);
    if (!v->info || !is_entry) {
        code = reject_memory(v);
        goto out;
    }
    code = decode(v);
    if (code == 0)
        code = find_entries(v, is_entry, &handler);
    if (code == 0)
        code = make_subprogs(v, is_entry, handler);
    for (uint32_t i = 0; code == 0 && i < v->subprog_count; i++)
        code = check_subprog(v, v->subprogs + i);
    for (uint32_t i = 0; code == 0 && i < v->subprog_count; i++)
        code = check_abnormal_return(v, v->subprogs + i);
    v->insn = code ? v->insn : 0;
out:
    free(is_entry);
    return code;
}

/* -- calls --------------------------------------------------------------------------------------- */

/* Nothing is asked of loose arguments, which come last: for a proof they are not read. */
static bool is_judged(uint16_t arg)
{
    return (arg & ARG_KIND) != ARG_NONE && (arg & ARG_KIND) != ARG_LOOSE;
}

static bool helper_callee(const struct verifier *v, uint32_t id, struct cfg_callee *out)
{
    const struct platform_helper *helper = helper_proto(v, id);

    if (!helper)
        return false;
    *out = (struct cfg_callee){.is_void = (helper->ret & RET_KIND) == RET_VOID};
    while (out->arg_count < ARRAY_SIZE(helper->args) && is_judged(helper->args[out->arg_count]))
        out->arg_count++;
    if (helper->flags & HELPER_SLEEPS)
        out->effects |= EFFECT_SLEEPS;
    if (helper->flags & HELPER_CALLBACK)
        out->effects |= EFFECT_CALLBACK;
    if (helper->flags & HELPER_CALLBACK_LATER)
        out->effects |= EFFECT_ASYNC_CALLBACK;
    /* The program that a tail call goes to may do anything to the packet. */
    if (helper->flags & HELPER_CHANGES_PACKET || id == HELPER_TAIL_CALL)
        out->effects |= EFFECT_CHANGES_PACKET;
    if (helper->flags & HELPER_FASTCALL)
        out->effects |= EFFECT_FASTCALL;
    return true;
}

bool cfg_callee(const struct verifier *v, uint32_t insn, struct cfg_callee *out)
{
    const struct isa_op *op = v->info[insn].op;
    uint32_t number = (uint32_t)v->insns[insn].imm;

    if (op && op->does == ISA_DO_CALL_HELPER)
        return helper_callee(v, number, out);
    if (op && op->does == ISA_DO_CALL_KFUNC)
        return number < v->image->extern_count && kfunc_callee(v, number, out);
    return false;
}

void call_graph_fill(const struct verifier *v, struct call_graph *graph)
{
    memset(graph, 0, sizeof *graph);
    for (uint32_t i = 0; i < v->insn_count; i++) {
        const struct isa_op *op = v->info[i].op;
        uint32_t caller = v->info[i].subprog;
        struct cfg_callee callee;

        if (!op)
            continue;
        if (names_function(op)) {
            uint32_t target = v->info[isa_target(op, v->insns + i, i)].subprog;
            uint64_t *row = op->does == ISA_DO_FUNC ? graph->refs[caller] : graph->calls[caller];

            row[target / 64] |= 1ull << (target % 64);
        } else if (op->kind == ISA_KIND_CALL && cfg_callee(v, i, &callee)) {
            graph->effects[caller] |= callee.effects;
        }
    }
}
