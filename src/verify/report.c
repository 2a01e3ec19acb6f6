/* report.c - how a part of the verifier says no: the code, the sentence, and the chain of notes that leads to it.
 *
 * The first refusal wins; whoever refuses may add notes and help right after it. Notes about a register begin at the
 * instruction that made its value (reg->origin) and go on backwards through straight code: what was computed from what.
 * States of earlier instructions are gone by then, so that part reads the instructions alone.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "verify/log.h"
#include "verify/verifier.h"

enum { TRACE_NOTES = 4, TRACE_INSNS = 256, FRAME_REG = 10 };

static const struct verify_code_row rows[CODE_COUNT] = {
    [CODE_OK] = {"OK", "accepted", "", "", 0},
#define CODE(name, errno, title, help, explain)                                                    \
    [CODE_##name] = {#name, title, help, explain, SKEP_##errno},
#include "verify/code.def"
#undef CODE
};

const struct verify_code_row *verify_code(enum verify_code code)
{
    return &rows[code < CODE_COUNT ? code : CODE_INTERNAL];
}

/* -- refusals ---------------------------------------------------------------------------------- */
/* Copies of texts that may be too long end in dots. */
static void write_text(char *to, size_t room, const char *format, va_list args)
{
    if (vsnprintf(to, room, format, args) >= (int)room)
        memcpy(to + room - 4, "...", 4);
}

static int refuse(struct verifier *v, enum verify_code code, uint8_t regno, const char *format,
                  va_list args)
{
    struct verify_result *r = v->result;

    if (r->code == CODE_OK) {
        r->code = code;
        r->insn = v->insn;
        r->reg = regno;
        write_text(r->text, sizeof r->text, format, args);
        log_text(v, LOG_STEPS | LOG_MORE | LOG_STATS, "%s\n", r->text);
    }
    return -verify_code(r->code)->errno_;
}

int reject(struct verifier *v, enum verify_code code, const char *format, ...)
{
    va_list args;
    int rc;

    va_start(args, format);
    rc = refuse(v, code, UINT8_MAX, format, args);
    va_end(args);
    return rc;
}

void reject_note(struct verifier *v, uint32_t insn, const char *format, ...)
{
    struct verify_result *r = v->result;
    struct verify_note *note;
    va_list args;

    if (r->note_count == ARRAY_SIZE(r->notes))
        return;
    note = &r->notes[r->note_count++];
    note->insn = insn;
    va_start(args, format);
    write_text(note->text, sizeof note->text, format, args);
    va_end(args);
}

void reject_help(struct verifier *v, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_text(v->result->help, sizeof v->result->help, format, args);
    va_end(args);
}

int reject_internal(struct verifier *v, const char *what)
{
    return reject(v, CODE_INTERNAL, "verifier error: %s", what);
}

/* Not a verdict: result->code stays CODE_OK, and verify_program returns this. */
int reject_memory(struct verifier *v)
{
    struct verify_result *r = v->result;

    if (r->code == CODE_OK)
        snprintf(r->text, sizeof r->text,
                 "out of memory: %" PRIu64 " bytes are in use at instruction %u after %u were "
                 "looked at",
                 v->pool.bytes, v->insn, v->processed);
    return -SKEP_ENOMEM;
}

/* -- where a value came from ------------------------------------------------------------------- */
static const struct isa_op *op_at(const struct verifier *v, uint32_t insn)
{
    return insn < v->insn_count && v->info ? v->info[insn].op : NULL;
}

/* The map of a call's first argument, for messages; NULL: unknown or not always the same. */
static const char *call_map(const struct verifier *v, uint32_t insn)
{
    const struct insn_info *info = &v->info[insn];

    return info->map && !info->is_mixed_map ? info->map->def.name : NULL;
}

static const char *subprog_name(const struct verifier *v, uint32_t start)
{
    for (uint32_t i = 0; i < v->subprog_count; i++)
        if (v->subprogs[i].start == start && v->subprogs[i].name)
            return v->subprogs[i].name;
    return NULL;
}

/* "bpf_map_lookup_elem(&rules, ..)" of a call instruction; false: it is none. */
static bool call_text(const struct verifier *v, uint32_t insn, char *text, size_t room)
{
    const struct isa_op *op = op_at(v, insn);
    const struct skep_insn *call = &v->insns[insn];
    const char *name = NULL, *map;

    if (!op || op->kind != ISA_KIND_CALL)
        return false;
    if (op->does == ISA_DO_CALL_HELPER)
        name = skep_helper_name((uint32_t)call->imm);
    else if (op->does == ISA_DO_CALL_KFUNC && (uint32_t)call->imm < v->image->extern_count)
        name = v->image->externs[call->imm].name;
    else if (op->does == ISA_DO_CALL_LOCAL)
        name = subprog_name(v, insn + 1 + (uint32_t)call->imm);
    if (!name)
        return false;
    map = call_map(v, insn);
    if (map)
        snprintf(text, room, "%s(&%s, ..)", name, map);
    else
        snprintf(text, room, "%s(..)", name);
    return true;
}

/* Why a call may have returned NULL. */
static const char *null_reason(const struct verifier *v, uint32_t insn, const struct reg *reg)
{
    if (op_at(v, insn)->does == ISA_DO_CALL_HELPER && reg->kind == REG_MAP_VALUE)
        return v->insns[insn].imm == 1 /* bpf_map_lookup_elem */
                   ? ", which returns NULL when the key is absent"
                   : ", which returns NULL when there is no such value";
    if (reg->mods & MOD_RINGBUF)
        return ", which returns NULL when the ring buffer is full";
    return ", which may return NULL";
}

static void insn_text(const struct verifier *v, uint32_t insn, char *text, size_t room)
{
    if (skep_disasm(v->insns, v->insn_count, insn, SKEP_DISASM_BPFTOOL, NULL, text, room, NULL) < 0)
        text[0] = '\0';
}

/* A number as people write it: 65535, -1, 0xffffffff. */
static const char *number_text(uint64_t n, bool is_signed, char text[24])
{
    bool is_small = is_signed ? (int64_t)n >= -99999 && (int64_t)n <= 99999 : n <= 99999;

    if (is_small && is_signed)
        snprintf(text, 24, "%" PRId64, (int64_t)n);
    else
        snprintf(text, 24, is_small ? "%" PRIu64 : "0x%" PRIx64, n);
    return text;
}

/* "may be any number", "is 0 to 255", "is 4". */
static void range_text(const struct range *r, char *text, size_t room)
{
    char from[24], to[24];

    if (range_is_const(r))
        snprintf(text, room, "is %s", number_text(range_value(r), true, from));
    else if (r->smin < 0 && (r->smin != INT64_MIN || r->smax != INT64_MAX))
        snprintf(text, room, "is %s to %s", number_text((uint64_t)r->smin, true, from),
                 number_text((uint64_t)r->smax, true, to));
    else if (r->umin || r->umax != UINT64_MAX)
        snprintf(text, room, "is %s to %s", number_text(r->umin, false, from),
                 number_text(r->umax, false, to));
    else
        snprintf(text, room, "may be any number");
}

static bool writes_reg(const struct isa_op *op, const struct skep_insn *insn, int32_t regno)
{
    return isa_writes(op, insn) >> regno & 1;
}

static bool stores_at(const struct isa_op *op, const struct skep_insn *insn, int32_t off)
{
    return op->kind == ISA_KIND_STORE && SKEP_INSN_DST(insn) == FRAME_REG && insn->off == off;
}

/* The instruction before `insn` that wrote register `what`, or stored at fp+`what`, if nothing else leads into the code
 * between; else INSN_NONE. */
static uint32_t writer_before(const struct verifier *v, uint32_t insn,
                              bool (*writes)(const struct isa_op *, const struct skep_insn *,
                                             int32_t),
                              int32_t what)
{
    for (uint32_t i = insn, steps = 0; i-- > 0 && steps < TRACE_INSNS; steps++) {
        const struct isa_op *op = v->info[i].op;

        if (v->info[i + 1].is_jump_point || v->info[i + 1].subprog != v->info[i].subprog)
            return INSN_NONE;
        if (!op)
            continue;
        if (!isa_falls_through(op))
            return INSN_NONE;
        if (writes(op, &v->insns[i], what))
            return i;
    }
    return INSN_NONE;
}

/* Go from a value to what it was made of. */
static void trace(struct verifier *v, uint32_t insn, uint32_t regno, uint32_t count)
{
    char text[128];

    for (; count && insn != INSN_NONE; count--) {
        const struct skep_insn *at = &v->insns[insn];
        const struct isa_op *op = op_at(v, insn);
        uint32_t from = regno;

        if (!op)
            return;
        if (op->kind == ISA_KIND_LOAD && SKEP_INSN_SRC(at) == FRAME_REG) {
            insn = writer_before(v, insn, stores_at, at->off);
            if (insn == INSN_NONE || !isa_uses_src(v->info[insn].op))
                return;
            from = SKEP_INSN_SRC(&v->insns[insn]);
        } else if (op->kind == ISA_KIND_ALU && isa_uses_src(op)) {
            from = SKEP_INSN_SRC(at);
        } else if (op->kind != ISA_KIND_ALU || !isa_reads_dst(op)) {
            return;
        }
        insn = writer_before(v, insn, writes_reg, (int32_t)from);
        if (insn == INSN_NONE)
            return;
        regno = from;
        if (op_at(v, insn)->kind == ISA_KIND_ALU && op_at(v, insn)->does == ISA_DO_MOV &&
            isa_uses_src(op_at(v, insn))) {
            count++; /* a copy has nothing to say */
            continue;
        }
        if (call_text(v, insn, text, sizeof text)) {
            reject_note(v, insn, "R%u came from %s", regno, text);
            return;
        }
        insn_text(v, insn, text, sizeof text);
        reject_note(v, insn, "R%u was made by '%s'", regno, text);
    }
}

/* What a pointer points at, in words. */
static const char *pointee_text(const struct verifier *v, const struct reg *reg, char *text,
                                size_t room)
{
    char type[96];

    switch (reg->kind) {
    case REG_PACKET:
        snprintf(text, room, "the packet");
        break;
    case REG_PACKET_META:
        snprintf(text, room, "the packet's metadata");
        break;
    case REG_MAP_VALUE:
    case REG_MAP_KEY:
        snprintf(text, room, "a %s of map '%s'", reg->kind == REG_MAP_KEY ? "key" : "value",
                 reg->map && reg->map->def.name ? reg->map->def.name : "?");
        break;
    case REG_STACK:
        snprintf(text, room, "the stack");
        break;
    case REG_MEM:
        snprintf(text, room, "%u bytes", reg->mem_size);
        break;
    default:
        snprintf(text, room, "%s", log_reg_type(v, reg, type, sizeof type));
    }
    return text;
}

/* How much of a packet is needed here, and how much is proven to be there. */
static void note_packet(struct verifier *v, uint32_t regno, const struct reg *reg)
{
    const struct isa_op *op = op_at(v, v->insn);
    const struct skep_insn *at = &v->insns[v->insn];
    bool is_load = op && op->kind == ISA_KIND_LOAD;
    const char *value = skep_verdict_name(v->type, v->type == SKEP_PROG_TYPE_XDP ? 2 : 0);
    int64_t need;

    if (!op || op->off.use != ISA_USE_MEM ||
        (is_load ? SKEP_INSN_SRC(at) : SKEP_INSN_DST(at)) != regno) {
        reject_note(v, v->insn, "comparisons on this path have proven %u bytes of it", reg->span);
        return;
    }
    need = (int64_t)reg->off + at->off + op->width;
    reject_note(v, v->insn,
                "%" PRId64 " bytes of it are needed, comparisons on this path have proven %u", need,
                reg->span);
    if (need > 0 && reg->kind == REG_PACKET && range_is_const(&reg->v) && !v->cur->depth)
        reject_help(v, "if (data + %" PRId64 " > data_end) return %s;", need, value ? value : "0");
}

/* The field that was meant, if there is one. */
static void note_context(struct verifier *v, const struct reg *reg)
{
    const struct platform_ctx *ctx = v->prog_type ? v->prog_type->ctx : NULL;
    const struct isa_op *op = op_at(v, v->insn);
    const struct platform_field *field;
    int64_t offset;

    if (!ctx || ctx->kind != CTX_FIELDS || !op || op->off.use != ISA_USE_MEM)
        return;
    offset = (int64_t)reg->off + v->insns[v->insn].off;
    field = offset < 0 ? NULL : platform_field(ctx, (uint32_t)offset, NULL);
    if (!field)
        reject_note(v, v->insn, "struct %s has no field for this program type at offset %" PRId64,
                    ctx->name, offset);
    else
        reject_note(v, v->insn, "field '%s' of struct %s: %u bytes at offset %u, %s", field->name,
                    ctx->name, field->size, field->offset,
                    !(field->access & FIELD_W)   ? "cannot be written"
                    : !(field->access & FIELD_R) ? "cannot be read"
                                                 : "can be read and written");
}

static void note_pointer(struct verifier *v, uint32_t regno, const struct reg *reg, bool has_origin)
{
    bool has_variable_part = !range_is_const(&reg->v);
    char text[128], what[96];

    if (has_origin && call_text(v, reg->origin, text, sizeof text)) {
        reject_note(v, reg->origin, "R%u came from %s%s", regno, text,
                    reg_may_be_null(reg) ? null_reason(v, reg->origin, reg) : "");
    } else if (has_origin && (reg->kind != REG_STACK || has_variable_part)) {
        insn_text(v, reg->origin, text, sizeof text);
        reject_note(v, reg->origin, "R%u points to %s: made by '%s'", regno,
                    pointee_text(v, reg, what, sizeof what), text);
    }
    if (has_variable_part) {
        range_text(&reg->v, text, sizeof text);
        reject_note(v, has_origin ? reg->origin : v->insn, "the variable part of its offset %s",
                    text);
        if (has_origin)
            trace(v, reg->origin, regno, TRACE_NOTES - 2);
    }
    if (v->result->code == CODE_PACKET_BOUNDS)
        note_packet(v, regno, reg);
    if (v->result->code == CODE_CTX_ACCESS && reg->kind == REG_CTX)
        note_context(v, reg);
}

static void note_scalar(struct verifier *v, uint32_t regno, const struct reg *reg, bool has_origin)
{
    char range[96], text[128];

    range_text(&reg->v, range, sizeof range);
    if (has_origin && call_text(v, reg->origin, text, sizeof text)) {
        reject_note(v, reg->origin, "R%u came from %s and %s", regno, text, range);
    } else if (has_origin) {
        insn_text(v, reg->origin, text, sizeof text);
        reject_note(v, reg->origin, "R%u %s: made by '%s'", regno, range, text);
        trace(v, reg->origin, regno, TRACE_NOTES - 1);
    } else {
        reject_note(v, v->insn, "R%u %s", regno, range);
    }
}

/* Calls leave r1 to r5 without a value: the usual way to lose one in assembly, and in C with a missing prototype. */
static void note_nothing(struct verifier *v, uint32_t regno)
{
    uint32_t writer = writer_before(v, v->insn, writes_reg, (int32_t)regno);
    char text[128];

    if (regno && writer != INSN_NONE && call_text(v, writer, text, sizeof text))
        reject_note(v, writer, "R1 to R5 have no value after %s", text);
}

int reject_reg(struct verifier *v, enum verify_code code, uint32_t regno, const char *format, ...)
{
    bool is_first = v->result->code == CODE_OK, has_origin;
    const struct reg *reg;
    va_list args;
    int rc;

    va_start(args, format);
    rc = refuse(v, code, (uint8_t)regno, format, args);
    va_end(args);
    if (!is_first || !v->cur || regno > FRAME_REG)
        return rc;
    reg = verifier_reg(v, regno);
    has_origin = op_at(v, reg->origin) && reg->origin != v->insn;
    if (reg_is_scalar(reg))
        note_scalar(v, regno, reg, has_origin);
    else if (reg->kind == REG_NONE)
        note_nothing(v, regno);
    else
        note_pointer(v, regno, reg, has_origin && reg->kind != REG_CTX);
    return rc;
}
