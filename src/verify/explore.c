/* explore.c - the walk over all paths, one instruction at a time.
 *
 *     pop a path ─► instruction ─► instruction ─► branch: remember one way, go the other
 *          ▲                            │
 *          └────── the path ends: exit, or covered by a checkpoint (prune.c)
 */
#include <stdio.h>
#include <string.h>

#include <skep/runtime.h>

#include "base/reader.h"
#include "os/os.h"
#include "verify/explore.h"
#include "verify/kfunc.h"
#include "verify/memory.h"
#include "verify/program.h"
#include "verify/prune.h"

enum {
    PENDING_MAX = 8192,     /* Linux's limit of a sequence of jumps */
    MERGE_TIMES = 4,        /* so much longer states are merged before we give up too */
    PROCESSED_MAX = 1000000 /* and of instructions looked at */
};

/* -- registers --------------------------------------------------------------------------------- */

int explore_refuse_read(struct verifier *v, uint32_t regno)
{
    return reject_reg(v, CODE_UNINIT_REG, regno, "R%u !read_ok", regno);
}

int explore_refuse_write(struct verifier *v)
{
    return reject(v, CODE_REGISTER, "frame pointer is read only");
}

bool explore_compares_mods(uint8_t kind)
{
    switch (kind) {
    case REG_CTX:
    case REG_SOCKET:
    case REG_SOCK_COMMON:
    case REG_TCP_SOCK:
    case REG_XDP_SOCK:
    case REG_BTF:
    case REG_ARENA:
        return true;
    default:
        return false;
    }
}

int explore_pointer_kind_of(struct verifier *v, const struct reg *reg, bool trust_may_differ)
{
    struct insn_info *info = &v->info[v->insn];
    uint8_t kind = (uint8_t)(reg->kind + 1);
    bool same;

    if (!info->ptr_kind) {
        info->ptr_kind = kind;
        info->ptr_mods = reg->mods;
        info->map = reg->kind == REG_MAP_VALUE ? reg->map : NULL;
        return 0;
    }
    same = info->ptr_kind == kind &&
           (!explore_compares_mods(reg->kind) || info->ptr_mods == reg->mods);
    if (reg->kind != REG_MAP_VALUE || info->map != reg->map)
        info->is_mixed_map = true;
    if (!explore_compares_mods(reg->kind))
        info->ptr_mods |= reg->mods; /* what may fault on one path is done with care on all */
    if (same)
        return 0;
    if (!explore_compares_mods(reg->kind) &&
        !explore_compares_mods((uint8_t)(info->ptr_kind - 1))) {
        info->is_mixed_kind = true;
        return 0;
    }
    /* Loads that cannot fault and loads that may are done in the more careful way on both paths. */
    if (trust_may_differ && (reg->kind == REG_BTF || reg->kind == REG_MEM) &&
        (info->ptr_kind == REG_BTF + 1 || info->ptr_kind == REG_MEM + 1)) {
        info->ptr_kind = REG_BTF + 1;
        info->ptr_mods = MOD_UNTRUSTED;
        return 0;
    }
    return reject(v, CODE_POINTER_MIX, "same insn cannot be used with different pointers");
}

int explore_pointer_kind(struct verifier *v, uint32_t regno, bool trust_may_differ)
{
    return explore_pointer_kind_of(v, verifier_reg(v, regno), trust_may_differ);
}

void explore_clobber(struct verifier *v)
{
    struct reg *regs = state_regs(v->cur);

    for (int i = 0; i <= 5; i++)
        reg_set_none(&regs[i]);
}

/* -- paths ------------------------------------------------------------------------------------- */

static int too_complex(struct verifier *v)
{
    return reject(v, CODE_COMPLEXITY, "the sequence of %u jumps is too complex", v->pending_count);
}

static struct state *enqueue(struct verifier *v, struct state *state, uint32_t insn,
                             uint32_t prev_insn)
{
    struct pending *pending = pool_take(v, sizeof *pending);

    if (!pending) {
        reject_memory(v);
        return NULL;
    }
    state->insn = insn;
    state->branches = 1;
    if (state->parent)
        state->parent->branches++;
    *pending = (struct pending){state, v->pending, prev_insn};
    v->pending = pending;
    v->pending_count++;
    if (v->pending_count > PENDING_MAX) {
        too_complex(v);
        return NULL;
    }
    return state;
}

struct state *explore_push(struct verifier *v, uint32_t insn, uint32_t prev_insn,
                           bool is_speculative)
{
    struct state *state = state_new(v);

    if (!state || !state_copy(v, state, v->cur)) {
        reject_memory(v);
        return NULL;
    }
    state->is_speculative |= is_speculative;
    return enqueue(v, state, insn, prev_insn);
}

struct state *explore_push_fresh(struct verifier *v, uint32_t subprog, uint32_t prev_insn)
{
    struct state *state = state_new(v);
    struct frame *frame = state ? frame_new(v) : NULL;

    if (!frame) {
        reject_memory(v);
        return NULL;
    }
    state->frames[0] = frame;
    frame->callsite = INSN_NONE;
    frame->subprog = subprog;
    explore_init_frame(frame, 0);
    state->first_insn = v->subprogs[subprog].start;
    state->last_insn = INSN_NONE;
    return enqueue(v, state, v->subprogs[subprog].start, prev_insn);
}

static bool pop(struct verifier *v)
{
    struct pending *pending = v->pending;

    if (!pending)
        return false;
    state_free(v, v->cur);
    v->cur = pending->state;
    v->insn = v->cur->insn;
    v->prev_insn = pending->prev_insn;
    v->pending = pending->next;
    v->pending_count--;
    pool_give(v, pending, sizeof *pending);
    return true;
}

static void drop_pending(struct verifier *v)
{
    while (v->pending) {
        struct pending *next = v->pending->next;

        state_free(v, v->pending->state);
        pool_give(v, v->pending, sizeof *v->pending);
        v->pending = next;
    }
    v->pending_count = 0;
}

/* -- instructions ------------------------------------------------------------------------------ */

static int step_load(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn);
    struct reg ptr;
    int rc = explore_read_reg(v, src);

    if (!rc)
        rc = explore_write_reg(v, dst);
    if (rc)
        return rc;
    ptr = *verifier_reg(v, src);
    rc = memory_access(v, src, insn->off, op->width, ACCESS_READ, (int)dst, false,
                       op->does == ISA_DO_LOADSX);
    if (rc)
        return rc;
    if (verifier_reg(v, dst)->kind != REG_SCALAR || ptr.kind != REG_STACK)
        verifier_reg(v, dst)->origin = v->insn;
    return explore_pointer_kind_of(v, &ptr, true);
}

static int step_store(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn);
    bool has_src = isa_uses_src(op);
    struct reg ptr;
    int rc = has_src ? explore_read_reg(v, src) : 0;

    if (!rc)
        rc = explore_read_reg(v, dst);
    if (rc)
        return rc;
    ptr = *verifier_reg(v, dst);
    rc = memory_access(v, dst, insn->off, op->width, ACCESS_WRITE, has_src ? (int)src : -1, false,
                       false);
    return rc ? rc : explore_pointer_kind_of(v, &ptr, false);
}

static int step_imm64(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t dst = SKEP_INSN_DST(insn), subprog;
    struct reg *reg = verifier_reg(v, dst);
    const struct verify_map *map;
    int rc = explore_write_reg(v, dst);

    if (rc)
        return rc;
    switch (op->does) {
    case ISA_DO_MAP:
        map = &v->in->maps[insn->imm];
        reg_set_pointer(reg, REG_MAP, 0);
        reg->map = map;
        break;
    case ISA_DO_MAP_VALUE:
        map = &v->in->maps[insn->imm];
        if (map->def.type == SKEP_MAP_TYPE_ARENA) {
            reg_set_unknown(reg);
            break;
        }
        reg_set_pointer(reg, REG_MAP_VALUE, 0);
        reg->map = map;
        reg->off = insn[1].imm;
        break;
    case ISA_DO_BTF_ID:
        rc = program_ksym(v, (uint32_t)insn->imm, reg);
        break;
    case ISA_DO_FUNC:
        subprog = cfg_subprog_at(v, (uint32_t)isa_target(op, insn, v->insn));
        if (subprog == INSN_NONE)
            return reject(v, CODE_CALLBACK, "no function starts at insn %lld",
                          (long long)isa_target(op, insn, v->insn));
        if (!v->subprogs[subprog].btf_func)
            return reject(v, CODE_CALLBACK,
                          "missing btf func_info: a callback needs the program's types");
        if (v->subprogs[subprog].is_global)
            return reject(v, CODE_CALLBACK, "callback function not static");
        reg_set_pointer(reg, REG_FUNC, 0);
        reg->subprog = subprog;
        break;
    default:
        reg_set_const(reg, isa_imm64(insn));
        break;
    }
    reg->origin = v->insn;
    return rc;
}

/* Loads of packet bytes by the classic instructions: r6 is the packet, r0 gets the value; a bad offset ends the function with
 * r0 = 0. */
static int step_packet(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op,
                       uint32_t *next)
{
    struct reg *regs = state_regs(v->cur);
    int rc;

    if (v->type != SKEP_PROG_TYPE_SOCKET_FILTER && v->type != SKEP_PROG_TYPE_SCHED_CLS &&
        v->type != SKEP_PROG_TYPE_SCHED_ACT)
        return reject(v, CODE_INSN,
                      "BPF_LD_[ABS|IND] instructions not allowed for this program type");
    rc = explore_read_reg(v, 6);
    if (!rc)
        rc = exit_check_held(v, "BPF_LD_[ABS|IND]");
    if (rc)
        return rc;
    if (regs[6].kind != REG_CTX)
        return reject_reg(v, CODE_CALL_ARG, 6,
                          "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
    if (isa_uses_src(op)) {
        rc = explore_read_reg(v, SKEP_INSN_SRC(insn));
        if (rc)
            return rc;
    }
    rc = memory_unmodified(v, &regs[6], 6, false);
    if (rc)
        return rc;
    explore_clobber(v);
    reg_set_unknown(&regs[0]);
    regs[0].origin = v->insn;
    if (!v->cur->depth)
        return 0;
    if (!explore_push(v, v->insn + 1, v->insn, false))
        return -SKEP_EVERIFY;
    reg_set_const(&regs[0], 0);
    return subprog_return(v, next);
}

enum { PATH_ENDS = 1 };

static int step_call(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op,
                     uint32_t *next)
{
    int rc;

    switch (op->does) {
    case ISA_DO_CALL_LOCAL:
        return subprog_call(v, insn, v->insn, next);
    case ISA_DO_CALL_KFUNC:
        rc = kfunc_call(v, insn, v->insn);
        return rc ? rc : kfunc_throws(kfunc_at(v, v->insn)) ? PATH_ENDS : 0;
    case ISA_DO_CALL_HELPER:
        return helper_call(v, insn, v->insn);
    default:
        return reject(v, CODE_INSN, "calls by register are not allowed");
    }
}

/* The addresses that a jump by register may hold are those of the part of its jump table that was read: all but the last are
 * followed later. */
static int jump_table(struct verifier *v, const struct skep_insn *insn, uint32_t *next)
{
    uint32_t regno = SKEP_INSN_DST(insn);
    const struct reg *reg = verifier_reg(v, regno);
    const struct verify_map *map;
    uint64_t low, high;
    int rc = explore_read_reg(v, regno);

    if (rc)
        return rc;
    if (reg->kind != REG_INSN || !reg->map->data)
        return reject_reg(v, CODE_JUMP, regno,
                          "R%u has type %s, expected an address out of a jump table", regno,
                          reg_kind_name(reg));
    map = reg->map;
    low = (uint64_t)reg->off + reg->v.umin;
    high = (uint64_t)reg->off + reg->v.umax;
    if (low % 8 || reg->v.smin < 0 || reg->off < 0 || high / 8 >= map->def.max_entries)
        return reject_reg(v, CODE_JUMP, regno, "R%u leads out of jump table %s", regno,
                          map->def.name);
    for (uint64_t i = low / 8; i <= high / 8; i++) {
        uint32_t target = load_u32(map->data + i * map->def.value_size, v->is_big);

        if (i == high / 8)
            *next = target;
        else if (!explore_push(v, target, v->insn, false))
            return -SKEP_EVERIFY;
    }
    return 0;
}

static int step_jump(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op,
                     uint32_t *next)
{
    if (op->does == ISA_DO_JUMP) {
        *next = (uint32_t)isa_target(op, insn, v->insn);
        return 0;
    }
    return jump_table(v, insn, next);
}

static int step(struct verifier *v, uint32_t *next)
{
    const struct skep_insn *insn = &v->insns[v->insn];
    const struct insn_info *info = &v->info[v->insn];
    const struct isa_op *op = info->op;
    int rc;

    *next = v->insn + (isa_is_wide(op) ? 2 : 1);
    switch (op->kind) {
    case ISA_KIND_ALU:
        return alu_step(v, insn, info);
    case ISA_KIND_LOAD:
        return step_load(v, insn, op);
    case ISA_KIND_STORE:
        return step_store(v, insn, op);
    case ISA_KIND_ATOMIC:
        return memory_atomic(v, insn, info);
    case ISA_KIND_IMM64:
        return step_imm64(v, insn, op);
    case ISA_KIND_PACKET:
        return step_packet(v, insn, op, next);
    case ISA_KIND_JUMP:
        v->jumps_processed++;
        return step_jump(v, insn, op, next);
    case ISA_KIND_BRANCH:
        v->jumps_processed++;
        return branch_step(v, insn, info, next);
    case ISA_KIND_CALL:
        v->jumps_processed++;
        return step_call(v, insn, op, next);
    case ISA_KIND_EXIT:
        v->jumps_processed++;
        if (v->cur->depth)
            return subprog_return(v, next);
        rc = exit_step(v, false);
        return rc ? rc : PATH_ENDS;
    default:
        return reject_internal(v, "an instruction without a rule");
    }
}

/* -- the walk ---------------------------------------------------------------------------------- */

static int check_budget(struct verifier *v)
{
    uint32_t limit = v->in->max_processed ? v->in->max_processed : PROCESSED_MAX;

    if (v->processed > limit) {
        if (v->in->is_linux_only || v->in->max_processed || v->processed > limit * MERGE_TIMES)
            return reject(v, CODE_COMPLEXITY, "BPF program is too large. Processed %u insn",
                          v->processed);
        v->is_merging = true;
    }
    if (v->processed % 4096)
        return 0;
    if (v->in->cancel && atomic_load_explicit(v->in->cancel, memory_order_relaxed))
        return v->stopped = -SKEP_ECANCELED;
    if (v->in->max_ns && os_clock(SKEP_CLOCK_MONOTONIC) - v->started_ns > v->in->max_ns)
        return v->stopped = -SKEP_ETIME;
    return 0;
}

/* What a wrong guess would do badly is held up by a barrier in front of it: such a path just ends there (Linux 6.18, for
 * programs with CAP_BPF; those of guests are refused). That goes for what an instruction does: a loop without an end has no
 * place for a barrier. */
static bool is_held_up(struct verifier *v)
{
    int number = v->result->code == CODE_OK ? 0 : verify_code(v->result->code)->errno_;

    if (!v->cur->is_speculative || !v->can_bpf ||
        (number != SKEP_EPERM && number != SKEP_EACCES && number != SKEP_EINVAL))
        return false;
    v->result->code = CODE_OK;
    v->result->note_count = 0;
    v->result->text[0] = v->result->help[0] = '\0';
    v->info[v->insn].has_barrier_before = true;
    return true;
}

static int refuse_malformed(struct verifier *v)
{
    struct skep_error why = {.size = sizeof why};

    isa_explain(&v->insns[v->insn], &why);
    return reject(v, CODE_INSN, "%s", why.text);
}

/* What merged states could not prove need not be wrong: the program is too complex for us, and for Linux. */
static void blame_complexity(struct verifier *v)
{
    struct verify_result *r = v->result;
    char text[sizeof r->text];

    if (r->code == CODE_OK || r->code == CODE_COMPLEXITY)
        return;
    memcpy(text, r->text, sizeof text);
    snprintf(r->text, sizeof r->text,
             "over %u instructions were looked at, and states merged since do not show that it is "
             "safe: %.200s",
             PROCESSED_MAX, text);
    r->code = CODE_COMPLEXITY;
    r->help[0] = '\0';
}

/* One path to its end. */
static int follow(struct verifier *v)
{
    for (;;) {
        uint32_t next = 0;
        struct insn_info *info;
        int rc;

        if (v->insn >= v->insn_count)
            return reject_internal(v, "a path that leaves the program");
        info = &v->info[v->insn];
        if (!info->op)
            return reject_internal(v, "a path into a wide instruction");
        v->processed++;
        rc = check_budget(v);
        if (rc)
            return rc;
        v->cur->last_insn = v->prev_insn;
        v->cur->insn = v->insn;
        v->is_stepped = false;
        if (info->is_prune_point) {
            rc = prune_visit(v, v->insn);
            if (v->is_out_of_memory)
                return reject_memory(v);
            if (rc)
                return rc < 0 ? rc : 0;
        }
        if (info->is_jump_point) {
            rc = precision_step(v, v->cur, 0, 0, 0);
            if (rc)
                return rc;
        }
        if (v->in->log.level)
            log_insn(v, v->insn);
        if (v->cur->is_speculative && info->has_barrier_before)
            return 0;
        if (info->is_malformed) {
            rc = refuse_malformed(v);
        } else {
            info->is_seen = true;
            v->cur->traced |= info->traced;
            rc = step(v, &next);
        }
        if (v->is_out_of_memory)
            return reject_memory(v);
        if (rc == PATH_ENDS || (rc && is_held_up(v)))
            return 0;
        if (rc)
            return rc;
        if (v->cur->is_speculative && info->has_barrier_after)
            return 0;
        v->prev_insn = v->insn;
        v->insn = next;
    }
}

void explore_init_frame(struct frame *frame, uint32_t depth)
{
    reg_set_pointer(&frame->regs[10], REG_STACK, 0);
    frame->regs[10].frame = depth;
}

int explore_subprog(struct verifier *v, uint32_t subprog)
{
    int rc;

    if (!explore_push_fresh(v, subprog, INSN_NONE) || !pop(v))
        return -SKEP_EVERIFY;
    v->cur->may_sleep = v->is_sleepable;
    v->last_processed = v->processed;
    v->last_jumps_processed = v->jumps_processed;
    rc = subprog_entry_regs(v, subprog);
    while (!rc) {
        rc = follow(v);
        if (rc)
            break;
        prune_path_done(v, v->cur);
        if (v->is_out_of_memory)
            reject_memory(v);
        if (v->result->code != CODE_OK)
            rc = -SKEP_EVERIFY;
        else if (!pop(v))
            break;
    }
    if (rc && v->is_merging)
        blame_complexity(v);
    drop_pending(v);
    state_free(v, v->cur);
    v->cur = NULL;
    prune_free(v);
    return rc;
}
