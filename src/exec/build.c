/* build.c - instructions become operations.
 *
 * One pass finds where control may arrive, one makes operations (dropping what does nothing,
 * deciding what is known now), one turns targets into distances between operations. What no engine
 * should run is refused here: instructions that do not exist, jumps out of the program or into a
 * wide instruction, writes to r10. What verification never reached is not judged (Linux removes it):
 * calls of helpers that this system lacks, for one.
 */
#include "exec/code.h"

#include <stdlib.h>
#include <string.h>

#include <skep/object.h>

#include "base/check.h"
#include "base/reader.h"
#include "isa/opcode.h"

enum { FUNC_TAIL_CALL = 12, FUNC_MAP_LOOKUP = 1 };

struct build {
    const struct exec_source *source;
    struct exec_code *code;
    uint8_t *marks; /* per instruction: MARK_* */
    const void *const *handlers;
    struct skep_error *err;
    uint32_t slots;    /* call sites so far */
    bool has_jump_reg; /* control may arrive anywhere */
};
enum {
    MARK_TARGET = 1, /* control may arrive here from elsewhere */
    MARK_FUNC = 2,   /* a function starts here */
    MARK_SECOND = 4, /* the second half of a wide instruction */
    MARK_DEAD = 8,   /* no run comes here */
};

/* The instruction there, if any run can come to it; NULL: it is dead, or the second half of another. */
static const struct isa_op *live_op(const struct build *b, uint32_t i)
{
    return b->marks[i] & (MARK_SECOND | MARK_DEAD) ? NULL : isa_find(&b->source->insns[i]);
}

static int refuse(const struct build *b, uint32_t insn, const char *what)
{
    char text[96];
    int code;

    if (skep_disasm(b->source->insns, b->source->insn_count, insn, SKEP_DISASM_LLVM, NULL, text,
                    sizeof text, NULL) < 0)
        text[0] = '\0';
    code = error_set(b->err, -SKEP_EINVAL, "insn %u (%s): %s", insn, text, what);
    error_place(b->err, insn, NULL, 0, 0);
    return code;
}

/* -- first pass: what exists, where control goes ----------------------------------------------- */

static int mark_one(struct build *b, uint32_t i, const struct isa_op *op)
{
    const struct skep_insn *insn = &b->source->insns[i];
    int64_t target;

    if (isa_is_wide(op)) {
        if (i + 1 >= b->source->insn_count)
            return refuse(b, i, "the second half is missing");
        if (!isa_next_is_fine(op, insn + 1))
            return refuse(b, i, "the second half holds more than an immediate");
        b->marks[i + 1] |= MARK_SECOND;
    }
    if (isa_writes_dst(op) && SKEP_INSN_DST(insn) == 10)
        return refuse(b, i, "r10 may only be read");
    if (isa_writes_src(op) && SKEP_INSN_SRC(insn) == 10)
        return refuse(b, i, "r10 may only be read");
    if (op->does == ISA_DO_MAP || op->does == ISA_DO_MAP_VALUE) {
        if (op->id == ISA_LD_MAP_FD || op->id == ISA_LD_MAP_VALUE)
            return refuse(b, i, "a file descriptor means nothing here; maps are named by index");
        if ((uint32_t)insn->imm >= b->source->map_count)
            return refuse(b, i, "the program has no map with that index");
    }
    b->has_jump_reg |= op->does == ISA_DO_JUMP_REG;
    if (!isa_has_target(op))
        return 0;
    target = isa_target(op, insn, i);
    if (target < 0 || target >= b->source->insn_count)
        return refuse(b, i, "the target lies outside of the program");
    b->marks[target] |= op->kind == ISA_KIND_CALL || op->kind == ISA_KIND_IMM64
                            ? MARK_FUNC | MARK_TARGET
                            : MARK_TARGET;
    return 0;
}

static int mark(struct build *b)
{
    b->marks[0] = MARK_FUNC | MARK_TARGET;
    for (uint32_t i = 0; i < b->source->insn_count; i++) {
        const struct isa_op *op;
        int rc;

        if (b->marks[i] & MARK_SECOND)
            continue;
        op = isa_find(&b->source->insns[i]);
        if (b->source->reached && !b->source->reached[i]) {
            b->marks[i] |= MARK_DEAD;
            if (op && isa_is_wide(op) && i + 1 < b->source->insn_count)
                b->marks[i + 1] |= MARK_SECOND;
            continue;
        }
        if (!op) {
            rc = isa_explain(&b->source->insns[i], b->err);
            error_prefix(b->err, "insn %u", i);
            error_place(b->err, i, NULL, 0, 0);
            return rc;
        }
        rc = mark_one(b, i, op);
        if (rc)
            return rc;
    }
    for (uint32_t i = 0; i < b->source->insn_count; i++)
        if ((b->marks[i] & (MARK_SECOND | MARK_TARGET)) == (MARK_SECOND | MARK_TARGET))
            return refuse(b, i, "a jump or call goes into the middle of a wide instruction");
    return 0;
}

/* Whether control may go from the function [func, end) into another one other than by a call. */
static bool leaves_function(const struct build *b, uint32_t func, uint32_t end)
{
    bool falls = false;

    for (uint32_t i = func; i < end; i++) {
        const struct skep_insn *insn = &b->source->insns[i];
        const struct isa_op *op = live_op(b, i);
        int64_t target;

        if (b->marks[i] & MARK_SECOND)
            continue;
        falls = op && op->kind != ISA_KIND_EXIT && op->kind != ISA_KIND_JUMP;
        if (!op || (op->kind != ISA_KIND_JUMP && op->kind != ISA_KIND_BRANCH) ||
            !isa_has_target(op))
            continue;
        target = isa_target(op, insn, i);
        if (target < func || target >= end)
            return true;
    }
    return falls && end < b->source->insn_count;
}

/* Functions that share instructions all clear what the deepest of them uses, since accesses to the
 * frame at known places are not checked when they run. */
static void join_frames(struct build *b)
{
    uint32_t *of = b->code->op_of, count = b->source->insn_count, deepest = 0;
    bool is_shared = b->has_jump_reg;

    for (uint32_t func = 0, end; func < count; func = end) {
        for (end = func + 1; end < count && !(b->marks[end] & MARK_FUNC);)
            end++;
        is_shared = is_shared || leaves_function(b, func, end);
        deepest = of[func] > deepest ? of[func] : deepest;
    }
    for (uint32_t i = 0; is_shared && i < count; i++)
        if (b->marks[i] & MARK_FUNC)
            of[i] = deepest;
}

/* How deep below r10 each function is seen to reach: at least as deep as its accesses at known
 * places go. For others a guess is enough: region.c clears the rest when it is used. */
static void measure_frames(struct build *b)
{
    uint32_t func = 0, depth = 0;
    uint32_t *of = b->code->op_of; /* not filled yet: scratch for depths by instruction */

    for (uint32_t i = 0; i < b->source->insn_count; i++) {
        const struct skep_insn *insn = &b->source->insns[i];
        const struct isa_op *op = live_op(b, i);
        int32_t reach = 0;

        if (b->marks[i] & MARK_FUNC) {
            func = i;
            depth = 0;
        }
        if (op && (op->kind == ISA_KIND_LOAD
                       ? SKEP_INSN_SRC(insn) == 10
                       : (op->kind == ISA_KIND_STORE || op->kind == ISA_KIND_ATOMIC) &&
                             SKEP_INSN_DST(insn) == 10))
            reach = -insn->off;
        else if (op && op->id == ISA_ADD64_IMM)
            reach = insn->imm >= -EXEC_STACK ? -insn->imm : 0;
        if (reach > 0 && reach <= EXEC_STACK && (uint32_t)reach > depth)
            depth = (uint32_t)round_up((uint64_t)reach, 16);
        of[func] = depth;
    }
    join_frames(b);
}

/* -- second pass: operations ------------------------------------------------------------------- */

/* The operations of one ISA_DO_*, by ISA row: base, and how width and operand select from it. */
static int alu_base(uint8_t does)
{
    static const int16_t table[] = {
        [ISA_DO_ADD] = OP_ADD64_IMM,   [ISA_DO_SUB] = OP_SUB64_IMM,   [ISA_DO_MUL] = OP_MUL64_IMM,
        [ISA_DO_DIV] = OP_DIV64_IMM,   [ISA_DO_SDIV] = OP_SDIV64_IMM, [ISA_DO_OR] = OP_OR64_IMM,
        [ISA_DO_AND] = OP_AND64_IMM,   [ISA_DO_LSH] = OP_LSH64_IMM,   [ISA_DO_RSH] = OP_RSH64_IMM,
        [ISA_DO_MOD] = OP_MOD64_IMM,   [ISA_DO_SMOD] = OP_SMOD64_IMM, [ISA_DO_XOR] = OP_XOR64_IMM,
        [ISA_DO_MOV] = OP_MOV64_IMM,   [ISA_DO_ARSH] = OP_ARSH64_IMM, [ISA_DO_JEQ] = OP_JEQ64_IMM,
        [ISA_DO_JGT] = OP_JGT64_IMM,   [ISA_DO_JGE] = OP_JGE64_IMM,   [ISA_DO_JSET] = OP_JSET64_IMM,
        [ISA_DO_JNE] = OP_JNE64_IMM,   [ISA_DO_JSGT] = OP_JSGT64_IMM, [ISA_DO_JSGE] = OP_JSGE64_IMM,
        [ISA_DO_JLT] = OP_JLT64_IMM,   [ISA_DO_JLE] = OP_JLE64_IMM,   [ISA_DO_JSLT] = OP_JSLT64_IMM,
        [ISA_DO_JSLE] = OP_JSLE64_IMM,
    };

    return table[does];
}

static int log2_of(uint8_t width)
{
    return width == 8 ? 3 : width == 4 ? 2 : width == 2 ? 1 : 0;
}

static int swap_op(const struct isa_op *op)
{
    static const uint8_t swaps[] = {0, OP_BSWAP16, OP_BSWAP32, OP_BSWAP64};
    static const uint8_t keeps[] = {0, OP_ZEXT16, OP_MOV32_REG, OP_NOP};
    bool is_swap = op->does == ISA_DO_BSWAP || (op->does == ISA_DO_BE) != HOST_IS_BIG;

    return is_swap ? swaps[log2_of(op->width)] : keeps[log2_of(op->width)];
}

static int movsx_op(const struct isa_op *op)
{
    switch (op->id) {
    case ISA_MOVSX8_64:
        return OP_MOVSX8_64;
    case ISA_MOVSX16_64:
        return OP_MOVSX16_64;
    case ISA_MOVSX32_64:
        return OP_MOVSX32_64;
    case ISA_MOVSX8_32:
        return OP_MOVSX8_32;
    default:
        return OP_MOVSX16_32;
    }
}

/* r10 + off for `width` bytes lies in any frame. */
static bool is_in_frame(uint8_t base, int16_t off, uint8_t width)
{
    return base == 10 && off >= -EXEC_STACK && off <= -(int)width;
}

static uint8_t next_slot(struct build *b)
{
    uint32_t slot = b->slots++ % (REGION_COUNT - REGION_SLOTS);

    return (uint8_t)(REGION_SLOTS + slot);
}

/* Where a map lies whose address ld_imm64 asks for: the value of an array's key 0, a jump table. */
static struct exec_region map_place(struct skep_map *map)
{
    uint32_t zero = 0, bytes = 0;
    uintptr_t start = 0;

    if (map->ops && map->ops->type == SKEP_MAP_TYPE_ARRAY) {
        start = (uintptr_t)map->ops->lookup(map, &zero, 0);
        bytes = map->def.value_size;
    } else if (map->ops && map->ops->type == SKEP_MAP_TYPE_INSN_ARRAY) {
        map->ops->find(map, (uintptr_t)map->state, &start, &bytes);
    }
    return exec_map_value(map, start, bytes);
}

static int make_map_value(struct build *b, uint32_t i, struct exec_op *op)
{
    const struct skep_insn *insn = &b->source->insns[i];
    struct exec_region place = map_place(b->source->maps[insn->imm]);
    uint64_t size = place.size > place.writable ? place.size : place.writable;

    if (!place.start)
        return refuse(b, i, "only an array's value has an address");
    if ((uint32_t)insn[1].imm >= size)
        return refuse(b, i, "the offset lies outside of the map's value");
    op->off = (int32_t)b->code->value_count;
    b->code->values[b->code->value_count++] = place;
    op->imm64 = place.start + (uint32_t)insn[1].imm;
    op->slot = next_slot(b);
    return OP_MAP_VALUE;
}

/* An extern that this engine does not have: fine if it is weak and never called, or a variable. */
static int make_extern(struct build *b, uint32_t i, const struct isa_op *row, struct exec_op *op)
{
    uint32_t number = (uint32_t)b->source->insns[i].imm;
    int code;

    if (number >= b->source->extern_count)
        return refuse(b, i, "the program has no extern with that index");
    if (!b->source->externs[number].is_weak) {
        code = error_set(b->err, -SKEP_EUNRESOLVED,
                         "insn %u: extern '%s' is not offered by this engine", i,
                         b->source->externs[number].name);
        error_place(b->err, i, NULL, 0, 0);
        return code;
    }
    op->imm64 = 0;
    return row->does == ISA_DO_BTF_ID ? OP_CONST64 : OP_REFUSE;
}

static int make_wide(struct build *b, uint32_t i, const struct isa_op *row, struct exec_op *op)
{
    const struct skep_insn *insn = &b->source->insns[i];

    switch (row->does) {
    case ISA_DO_CONST:
        op->imm64 = isa_imm64(insn);
        return OP_CONST64;
    case ISA_DO_MAP:
        op->imm64 = EXEC_MAP_BASE + (uint32_t)insn->imm;
        return OP_CONST64;
    case ISA_DO_FUNC:
        op->imm64 = EXEC_FUNC_BASE + (uint64_t)isa_target(row, insn, i);
        return OP_CONST64;
    case ISA_DO_MAP_VALUE:
        return make_map_value(b, i, op);
    default:
        return make_extern(b, i, row, op);
    }
}

static int make_call(struct build *b, uint32_t i, const struct isa_op *row, struct exec_op *op)
{
    const struct skep_insn *insn = &b->source->insns[i];

    op->imm = insn->imm;
    switch (row->does) {
    case ISA_DO_CALL_LOCAL:
        op->imm = (int32_t)isa_target(row, insn, i);
        return OP_CALL_LOCAL;
    case ISA_DO_CALL_KFUNC:
        return make_extern(b, i, row, op);
    case ISA_DO_CALL_REG:
        op->slot = next_slot(b);
        return OP_CALL_REG;
    default:
        if (insn->imm == FUNC_TAIL_CALL)
            return OP_TAIL_CALL;
        if (insn->imm >= SKEP_POISON &&
            (uint32_t)insn->imm <= (uint32_t)SKEP_POISON + b->source->extern_count)
            return OP_REFUSE;
        if (exec_helper_refusal(b->code, (uint32_t)insn->imm))
            return OP_REFUSE;
        op->slot = next_slot(b);
        return insn->imm == FUNC_MAP_LOOKUP ? OP_MAP_LOOKUP : OP_CALL_HELPER;
    }
}

static int make_memory(const struct skep_insn *insn, const struct isa_op *row, struct exec_op *op)
{
    int size = log2_of(row->width);

    op->off = insn->off;
    op->imm = insn->imm;
    if (row->kind == ISA_KIND_LOAD) {
        if (row->does == ISA_DO_LOADSX)
            return OP_LDXSB + size;
        return (is_in_frame(op->src, insn->off, row->width) ? OP_FRAME_LDXB : OP_LDXB) + size;
    }
    if (row->kind == ISA_KIND_STORE) {
        if (isa_uses_src(row))
            return (is_in_frame(op->dst, insn->off, row->width) ? OP_FRAME_STXB : OP_STXB) + size;
        return (is_in_frame(op->dst, insn->off, row->width) ? OP_FRAME_STB : OP_STB) + size;
    }
    if (row->does == ISA_DO_LOAD_ACQ)
        return OP_LOAD_ACQB + size;
    if (row->does == ISA_DO_STORE_REL)
        return OP_STORE_RELB + size;
    return row->width == 8 ? OP_ATOMIC64 : OP_ATOMIC32;
}

static int make_alu(const struct skep_insn *insn, const struct isa_op *row, struct exec_op *op)
{
    op->imm = insn->imm;
    switch (row->does) {
    case ISA_DO_NEG:
        op->src = op->dst;
        return row->width == 8 ? OP_NEG64 : OP_NEG32;
    case ISA_DO_MOVSX:
        return movsx_op(row);
    case ISA_DO_CAST:
        return OP_CAST_LOW;
    case ISA_DO_LE:
    case ISA_DO_BE:
    case ISA_DO_BSWAP:
        op->src = op->dst;
        return swap_op(row);
    default:
        return alu_base(row->does) + (row->width == 4 ? 2 : 0) + (isa_uses_src(row) ? 1 : 0);
    }
}

/* The operation of instruction i; a negative code on refusal. */
static int make_one(struct build *b, uint32_t i, struct exec_op *op)
{
    const struct skep_insn *insn = &b->source->insns[i];
    const struct isa_op *row = live_op(b, i);

    if (!row)
        return OP_DEAD;
    op->dst = SKEP_INSN_DST(insn);
    op->src = SKEP_INSN_SRC(insn);
    switch ((enum isa_kind)row->kind) {
    case ISA_KIND_IMM64:
        return make_wide(b, i, row, op);
    case ISA_KIND_PACKET:
        op->dst = row->width;
        op->imm = insn->imm;
        return row->does == ISA_DO_LDABS ? OP_LD_ABS : OP_LD_IND;
    case ISA_KIND_LOAD:
    case ISA_KIND_STORE:
    case ISA_KIND_ATOMIC:
        return make_memory(insn, row, op);
    case ISA_KIND_ALU:
        return make_alu(insn, row, op);
    case ISA_KIND_JUMP:
        if (row->does == ISA_DO_JUMP_REG)
            return OP_JUMP_REG;
        op->off = (int32_t)isa_target(row, insn, i);
        return OP_JA;
    case ISA_KIND_BRANCH:
        op->imm = insn->imm;
        op->off = (int32_t)isa_target(row, insn, i);
        if (row->does == ISA_DO_MAY_GOTO)
            return OP_MAY_GOTO;
        return alu_base(row->does) + (row->width == 4 ? 2 : 0) + (isa_uses_src(row) ? 1 : 0);
    case ISA_KIND_CALL:
        return make_call(b, i, row, op);
    case ISA_KIND_EXIT:
        return OP_EXIT;
    }
    return OP_REFUSE;
}

/* How many instructions from i on run one after the other, whoever jumps where. */
static uint32_t straight_run(const struct build *b, uint32_t i)
{
    uint32_t n = 1;

    while (n < 3 && i + n < b->source->insn_count && !b->marks[i + n])
        n++;
    return n;
}

static int make(struct build *b)
{
    struct exec_code *code = b->code;
    uint32_t n = 0, depth = 0;

    for (uint32_t i = 0, next; i < b->source->insn_count; i = next) {
        struct exec_op *op = &code->ops[n];
        struct exec_fused fused = {-1, 1, 0};

        next = i + 1;
        if (b->marks[i] & MARK_FUNC)
            depth = code->op_of[i];
        code->op_of[i] = EXEC_NO_OP;
        if (b->marks[i] & MARK_SECOND)
            continue;
        if (!b->has_jump_reg && !(b->marks[i] & MARK_DEAD))
            fused = exec_fuse(&b->source->insns[i], straight_run(b, i), op);
        if (fused.id < 0) {
            *op = (struct exec_op){0};
            fused = (struct exec_fused){make_one(b, i, op), 1, 0};
            if (fused.id < 0)
                return fused.id;
        }
        for (; next < i + fused.count; next++)
            code->op_of[next] = EXEC_NO_OP;
        op->handler = b->handlers[fused.id];
        code->op_of[i] = n;
        code->insn_of[n] = i + fused.named;
        code->depth_of[n] = (uint16_t)depth;
        n++;
    }
    /* what runs off the end meets this */
    code->ops[n].handler = b->handlers[OP_REFUSE];
    code->insn_of[n] = b->source->insn_count;
    code->op_count = n + 1;
    code->slots = b->slots < REGION_COUNT - REGION_SLOTS ? b->slots : REGION_COUNT - REGION_SLOTS;
    return 0;
}

/* -- third pass: targets become distances ------------------------------------------------------ */

static void resolve(struct build *b)
{
    struct exec_code *code = b->code;

    for (uint32_t n = 0; n + 1 < code->op_count; n++) {
        uint32_t i = code->insn_of[n], target;
        const struct isa_op *row = live_op(b, i);

        if (!row || (row->kind != ISA_KIND_JUMP && row->kind != ISA_KIND_BRANCH) ||
            row->does == ISA_DO_JUMP_REG)
            continue;
        target = (uint32_t)isa_target(row, &b->source->insns[i], i);
        code->ops[n].off = (int32_t)code->op_of[target] - (int32_t)n;
        code->ops[n].aux = (int32_t)i + 1 - (int32_t)target;
    }
}

/* -- the block --------------------------------------------------------------------------------- */

/* One allocation for everything: measured first with base NULL, then laid out. */
struct layout {
    uint8_t *base;
    size_t used;
};

static void *take(struct layout *l, size_t count, size_t size)
{
    size_t at = (size_t)round_up(l->used, 16);

    l->used = at + count * size;
    return l->base ? l->base + at : NULL;
}

static char *take_string(struct layout *l, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 1;
    char *out = l->base ? (char *)l->base + l->used : NULL;

    l->used += size;
    if (out && text)
        memcpy(out, text, size);
    return out;
}

static void copy_lines(struct layout *l, const struct exec_source *s, struct exec_code *code)
{
    const char *file = NULL, *file_copy = NULL;

    for (uint32_t i = 0; i < s->line_count; i++) {
        /* neighbours share their file name, so that it is stored once for most programs */
        if (!file || s->lines[i].file != file) {
            file = s->lines[i].file;
            file_copy = take_string(l, file);
        }
        if (l->base) {
            code->lines[i] = s->lines[i];
            code->lines[i].file = file_copy;
            code->lines[i].source = NULL;
        }
    }
}

static size_t lay_out(const struct exec_source *s, uint8_t *base, uint32_t value_count)
{
    struct layout l = {base, 0};
    struct exec_code *code = take(&l, 1, sizeof *code), unused = {0};
    struct exec_code *c = code ? code : &unused;

    c->ops = take(&l, (size_t)s->insn_count + 1, sizeof *c->ops);
    c->insn_of = take(&l, (size_t)s->insn_count + 1, sizeof *c->insn_of);
    c->op_of = take(&l, s->insn_count, sizeof *c->op_of);
    c->depth_of = take(&l, (size_t)s->insn_count + 1, sizeof *c->depth_of);
    c->insns = take(&l, (size_t)s->insn_count + 1, sizeof *c->insns);
    c->maps = take(&l, s->map_count, sizeof *c->maps);
    c->values = take(&l, value_count, sizeof *c->values);
    c->lines = take(&l, s->line_count, sizeof *c->lines);
    c->externs = take(&l, s->extern_count, sizeof *c->externs);
    copy_lines(&l, s, c);
    for (uint32_t i = 0; i < s->extern_count; i++) {
        const char *name = take_string(&l, s->externs[i].name);
        if (base)
            c->externs[i] = (struct exec_extern){name, s->externs[i].is_weak};
    }
    return l.used;
}

static void fill(const struct exec_source *s, struct exec_code *code, size_t bytes)
{
    code->bytes = bytes;
    code->insn_count = s->insn_count;
    code->map_count = s->map_count;
    code->line_count = s->line_count;
    code->extern_count = s->extern_count;
    code->helper = s->helper;
    code->ctx = s->ctx;
    code->prog_type = s->prog_type;
    code->is_gpl = s->is_gpl;
    memcpy(code->insns, s->insns, s->insn_count * sizeof *s->insns);
    if (s->map_count)
        memcpy(code->maps, s->maps, s->map_count * sizeof(struct skep_map *));
    for (size_t i = 0; s->name && s->name[i] && i + 1 < sizeof code->name; i++)
        code->name[i] = s->name[i];
}

int exec_build(struct mem *mem, const struct exec_source *source, struct exec_code **out,
               struct skep_error *err)
{
    struct build b = {.source = source, .handlers = exec_handlers(), .err = err};
    uint32_t value_count = 0;
    size_t bytes;
    int rc;

    if (!source->insn_count || source->insn_count > SKEP_MAX_INSNS)
        return error_set(err, -SKEP_EINVAL, "a program has 1 to %u instructions, this one %u",
                         SKEP_MAX_INSNS, source->insn_count);
    for (uint32_t i = 0; i < source->insn_count; i++)
        value_count += source->insns[i].code == 0x18 &&
                       SKEP_INSN_SRC(&source->insns[i]) == SKEP_PSEUDO_MAP_IDX_VALUE;
    bytes = lay_out(source, NULL, value_count);
    b.marks = calloc(source->insn_count, 1);
    b.code = mem_alloc(mem, bytes, 64);
    if (!b.marks || !b.code) {
        rc = error_set(err, -SKEP_ENOMEM, "no memory for %u instructions (%zu bytes)",
                       source->insn_count, bytes);
        goto out;
    }
    lay_out(source, (uint8_t *)b.code, value_count);
    fill(source, b.code, bytes);
    rc = mark(&b);
    if (rc)
        goto out;
    measure_frames(&b);
    rc = make(&b);
    if (rc)
        goto out;
    resolve(&b);
out:
    free(b.marks);
    if (rc && b.code)
        mem_free(mem, b.code, bytes, 64);
    else if (!rc)
        *out = b.code;
    return rc;
}

void exec_code_free(struct mem *mem, struct exec_code *code)
{
    if (code)
        mem_free(mem, code, code->bytes, 64);
}

uint64_t exec_code_memory(const struct exec_code *code)
{
    return code->bytes;
}
