/* log.c - the log of a verification in the format of Linux 6.18, line by line as people know it:
 *
 *     ; __u32 key = ctx->ingress_ifindex; @ fw.bpf.c:18
 *     0: (61) r1 = *(u32 *)(r1 +12)         ; R1=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
 *     from 5 to 9: R0=map_value(..) R10=fp0 fp-8=mmmm????
 *
 * What an instruction did is known when the next one begins: its line stays open until then. Behind it stand the registers
 * and stack slots that it used; whole states stand where a path begins. Everything returns at once when there is no log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "verify/log.h"
#include "verify/verifier.h"

enum {
    COMMENT_COLUMN = 40, /* Linux's, as is the step for longer lines */
    COMMENT_STEP = 8,
    TEXT_ROOM = 512
};

static struct log *log_for(const struct verifier *v, uint32_t levels)
{
    const struct verify_log *log = &v->in->log;

    return log->level & levels && log->text ? (struct log *)(void *)log->text : NULL;
}

/* -- values ------------------------------------------------------------------------------------ */
/* Small numbers are decimal, others hexadecimal. */
static void add_unsigned(struct text *t, uint64_t n)
{
    text_printf(t, n <= UINT16_MAX ? "%" PRIu64 : "0x%" PRIx64, n);
}

static void add_signed(struct text *t, int64_t n)
{
    if (n >= INT16_MIN && n <= INT16_MAX)
        text_printf(t, "%" PRId64, n);
    else
        text_printf(t, "0x%" PRIx64, (uint64_t)n);
}

struct bound {
    const char *name;
    uint64_t value;
    bool is_signed, is_shown;
};

/* 32-bit bounds are sign-extended where they print as decimals, so that they can join their 64-bit twins. */
static uint64_t low_signed(int32_t n)
{
    return n >= INT16_MIN && n <= INT16_MAX ? (uint64_t)(int64_t)n : (uint32_t)n;
}

/* Equal minima and equal maxima share one number: "smin=umin=3". Bounds that say nothing are left out. */
static void add_bounds(struct text *t, const struct range *r, const char **comma)
{
    struct bound bounds[] = {
        {"smin", (uint64_t)r->smin, true, r->smin != INT64_MIN},
        {"smax", (uint64_t)r->smax, true, r->smax != INT64_MAX},
        {"umin", r->umin, false, r->umin != 0},
        {"umax", r->umax, false, r->umax != UINT64_MAX},
        {"smin32", low_signed(r->smin32), true, r->smin32 != INT32_MIN},
        {"smax32", low_signed(r->smax32), true, r->smax32 != INT32_MAX},
        {"umin32", r->umin32, false, r->umin32 != 0},
        {"umax32", r->umax32, false, r->umax32 != UINT32_MAX},
    };

    for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
        bool is_negative = bounds[i].is_signed && (int64_t)bounds[i].value < 0;

        if (!bounds[i].is_shown)
            continue;
        text_printf(t, "%s%s=", *comma, bounds[i].name);
        *comma = ",";
        for (size_t k = i + 2; k < ARRAY_SIZE(bounds); k += 2) {
            bool is_other_negative = bounds[k].is_signed && (int64_t)bounds[k].value < 0;

            if (!bounds[k].is_shown || bounds[k].value != bounds[i].value ||
                is_other_negative != is_negative)
                continue;
            bounds[k].is_shown = false;
            text_printf(t, "%s=", bounds[k].name);
        }
        if (bounds[i].is_signed)
            add_signed(t, (int64_t)bounds[i].value);
        else
            add_unsigned(t, bounds[i].value);
    }
}

static void add_range(struct text *t, const struct range *r, const char **comma)
{
    add_bounds(t, r, comma);
    if (r->bits.mask == UINT64_MAX)
        return;
    text_printf(t, "%svar_off=(0x%" PRIx64 "; 0x%" PRIx64 ")", *comma, r->bits.value, r->bits.mask);
    *comma = ",";
}

static const char *dynptr_name(uint8_t kind)
{
    static const char *const names[] = {
        [DYNPTR_LOCAL] = "local", [DYNPTR_RINGBUF] = "ringbuf",   [DYNPTR_SKB] = "skb",
        [DYNPTR_XDP] = "xdp",     [DYNPTR_SKB_META] = "skb_meta", [DYNPTR_FILE] = "file",
    };

    return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown";
}

static const char *type_name(const struct verifier *v, uint8_t space, uint32_t id)
{
    const struct skep_btf *btf = verifier_btf(v, space);
    const char *name = btf ? skep_btf_name(btf, id) : NULL;

    return name ? name : "";
}

const char *reg_kind_name(const struct reg *reg)
{
    static const char *const names[REG_KINDS][2] = {
#define NAME(kind, name) [kind] = {name, name "_or_null"}
        NAME(REG_NONE, "?"),
        NAME(REG_SCALAR, "scalar"),
        NAME(REG_CTX, "ctx"),
        NAME(REG_MAP, "map_ptr"),
        NAME(REG_MAP_VALUE, "map_value"),
        NAME(REG_MAP_KEY, "map_key"),
        NAME(REG_STACK, "fp"),
        NAME(REG_PACKET_META, "pkt_meta"),
        NAME(REG_PACKET, "pkt"),
        NAME(REG_PACKET_END, "pkt_end"),
        NAME(REG_FLOW_KEYS, "flow_keys"),
        NAME(REG_SOCKET, "sock"),
        NAME(REG_SOCK_COMMON, "sock_common"),
        NAME(REG_TCP_SOCK, "tcp_sock"),
        NAME(REG_XDP_SOCK, "xdp_sock"),
        NAME(REG_TP_BUFFER, "tp_buffer"),
        [REG_BTF] = {"ptr_", "ptr_or_null_"},
        NAME(REG_MEM, "mem"),
        NAME(REG_BUF, "buf"),
        NAME(REG_ARENA, "arena"),
        NAME(REG_FUNC, "func"),
        NAME(REG_DYNPTR, "dynptr_ptr"),
        NAME(REG_INSN, "insn"),
#undef NAME
    };

    return reg->kind < REG_KINDS ? names[reg->kind][reg_may_be_null(reg)] : "?";
}

const char *log_reg_type(const struct verifier *v, const struct reg *reg, char *text, size_t room)
{
    static const struct {
        uint16_t mod;
        const char *text;
    } prefixes[] = {
        {MOD_RDONLY, "rdonly_"},   {MOD_RINGBUF, "ringbuf_"}, {MOD_USER, "user_"},
        {MOD_PERCPU, "percpu_"},   {MOD_RCU, "rcu_"},         {MOD_UNTRUSTED, "untrusted_"},
        {MOD_TRUSTED, "trusted_"},
    };
    char prefix[64] = "";

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (reg->mods & prefixes[i].mod)
            strncat(prefix, prefixes[i].text, sizeof prefix - strlen(prefix) - 1);
    snprintf(text, room, "%s%s%s", prefix, reg_kind_name(reg),
             reg->kind == REG_BTF ? type_name(v, reg->space, reg->btf_id) : "");
    return text;
}

static void add_identity(struct text *t, const struct reg *reg, const char **comma)
{
    if (reg->id) {
        text_printf(t, "%sid=%u", *comma, reg->id);
        *comma = ",";
    }
    if (reg->kind == REG_SCALAR && reg->has_delta)
        text_printf(t, "%+d", reg->off);
    if (reg->ref) {
        text_printf(t, "%sref_obj_id=%u", *comma, reg->ref);
        *comma = ",";
    }
    if (reg->mods & MOD_NON_OWNING) {
        text_printf(t, "%snon_own_ref", *comma);
        *comma = ",";
    }
}

/* What a kind of pointer knows of what it points at. */
static void add_region(struct text *t, const struct reg *reg, const char **comma)
{
    bool has_map = reg->kind == REG_MAP || reg->kind == REG_MAP_VALUE || reg->kind == REG_MAP_KEY;

    if (has_map && reg->map) {
        if (reg->map->def.name && reg->map->def.name[0]) {
            text_printf(t, "%smap=%.15s", *comma, reg->map->def.name);
            *comma = ",";
        }
        text_printf(t, "%sks=%u,vs=%u", *comma, reg->map->def.key_size, reg->map->def.value_size);
        *comma = ",";
    }
    if (reg->kind != REG_SCALAR && reg->off) {
        text_printf(t, "%soff=", *comma);
        add_signed(t, reg->off);
        *comma = ",";
    }
    if (reg->kind == REG_PACKET || reg->kind == REG_PACKET_META || reg->kind == REG_MEM) {
        text_printf(t, "%s%s=", *comma, reg->kind == REG_MEM ? "sz" : "r");
        add_unsigned(t, reg->kind == REG_MEM ? reg->mem_size : reg->span);
        *comma = ",";
    }
    if (reg->kind == REG_DYNPTR) {
        text_printf(t, "%stype=%s", *comma, dynptr_name(reg->dynptr.kind));
        *comma = ",";
    }
}

static void add_reg(const struct verifier *v, struct text *t, const struct reg *reg, uint32_t frame)
{
    const char *comma = "";
    char type[128];

    if (reg_is_scalar(reg) && reg->is_precise)
        text_str(t, "P");
    if (reg_is_const(reg)) {
        add_signed(t, (int64_t)reg->v.bits.value);
        return;
    }
    text_str(t, log_reg_type(v, reg, type, sizeof type));
    if (reg->kind == REG_ARENA)
        return;
    if (reg->kind == REG_STACK) {
        if (reg->frame != frame)
            text_printf(t, "[%u]", reg->frame);
        if (range_is_const(&reg->v)) {
            add_signed(t, (int64_t)reg->v.bits.value + reg->off);
            return;
        }
    }
    text_str(t, "(");
    add_identity(t, reg, &comma);
    add_region(t, reg, &comma);
    if (!range_is_const(&reg->v)) {
        add_range(t, &reg->v, &comma);
    } else if (reg->v.bits.value) {
        text_printf(t, "%simm=", comma);
        add_signed(t, (int64_t)reg->v.bits.value);
    }
    text_str(t, ")");
}

/* -- stack ------------------------------------------------------------------------------------- */
static void add_spill(const struct verifier *v, struct text *t, const struct slot *slot,
                      const char *bytes, uint32_t frame, bool is_precise)
{
    struct reg reg = slot->reg;
    size_t count = 0;

    while (count < 8 && slot->bytes[7 - count] != BYTE_SPILL) /* what stands above a narrow spill */
        count++;
    text_add(t, bytes, count);
    reg.is_precise = is_precise;
    add_reg(v, t, &reg, frame);
}

static void add_iter(const struct verifier *v, struct text *t, const struct reg *reg)
{
    static const char *const states[] = {
        [ITER_INVALID] = "<invalid>", [ITER_ACTIVE] = "active", [ITER_DRAINED] = "drained"};
    const char *name = type_name(v, SPACE_KERNEL, reg->iter.btf_id);
    static const char prefix[] = "bpf_iter_";

    if (!strncmp(name, prefix, sizeof prefix - 1))
        name += sizeof prefix - 1;
    text_printf(t, "iter_%s(ref_id=%u,state=%s,depth=%u)", name, reg->ref,
                reg->iter.state < ARRAY_SIZE(states) ? states[reg->iter.state] : "?",
                reg->iter.depth);
}

static void add_dynptr(struct text *t, const struct reg *reg)
{
    const char *comma = "";

    text_printf(t, "dynptr_%s(", dynptr_name(reg->dynptr.kind));
    if (reg->id) {
        text_printf(t, "id=%u", reg->id);
        comma = ",";
    }
    if (reg->ref) {
        text_printf(t, "%sref_id=%u", comma, reg->ref);
        comma = ",";
    }
    if (reg->dynptr_id)
        text_printf(t, "%sdynptr_id=%u", comma, reg->dynptr_id);
    text_str(t, ")");
}

/* Slots of which nothing was written are left out, and so are all but the first of an object. */
static void add_slot(const struct verifier *v, struct text *t, const struct frame *f,
                     uint32_t frame, uint32_t index)
{
    static const char letters[] = {
        [BYTE_NONE] = '?',   [BYTE_SPILL] = 'r', [BYTE_MISC] = 'm', [BYTE_ZERO] = '0',
        [BYTE_DYNPTR] = 'd', [BYTE_ITER] = 'i',  [BYTE_IRQ] = 'f',
    };
    const struct slot *slot = frame_slot(f, index);
    bool is_written = false;
    char bytes[9] = "";

    for (size_t i = 0; i < 8; i++) { /* the highest address first */
        uint8_t byte = slot->bytes[7 - i];

        is_written |= byte != BYTE_NONE;
        bytes[i] = byte < sizeof letters ? letters[byte] : '?';
    }
    if (!is_written || (slot->bytes[0] == BYTE_DYNPTR && !slot->reg.dynptr.is_first) ||
        (slot->bytes[0] == BYTE_ITER && !slot->reg.ref))
        return;
    text_printf(t, " fp-%u=", (index + 1) * 8);
    if (slot->bytes[0] == BYTE_SPILL)
        add_spill(v, t, slot, bytes, frame, frame_slot_is_precise(f, index));
    else if (slot->bytes[0] == BYTE_DYNPTR)
        add_dynptr(t, &slot->reg);
    else if (slot->bytes[0] == BYTE_ITER)
        add_iter(v, t, &slot->reg);
    else
        text_str(t, bytes);
}

/* -- states ------------------------------------------------------------------------------------ */
/* Registers and slots whose bits are set, and what the path holds. */
static void add_state(const struct verifier *v, struct text *t, const struct state *s,
                      uint16_t regs, uint64_t slots)
{
    const struct frame *f = s->frames[s->depth];

    if (s->depth)
        text_printf(t, " frame%u:", s->depth);
    for (uint32_t i = 0; i < ARRAY_SIZE(f->regs); i++) {
        if (f->regs[i].kind == REG_NONE || !(regs >> i & 1))
            continue;
        text_printf(t, " R%u=", i);
        add_reg(v, t, &f->regs[i], s->depth);
    }
    for (uint32_t i = 0; i < f->slot_count && i < SLOTS_MAX; i++)
        if (slots >> i & 1)
            add_slot(v, t, f, s->depth, i);
    for (uint32_t i = 0, shown = 0; i < s->ref_count; i++)
        if (s->refs[i].id)
            text_printf(t, shown++ ? ",%u" : " refs=%u", s->refs[i].id);
    if (f->callback == CALLBACK_SYNC)
        text_str(t, " cb");
    if (f->callback == CALLBACK_ASYNC)
        text_str(t, " async_cb");
    text_str(t, "\n");
}

static void end_line(struct log *log)
{
    if (log->width || log->is_inside_a_line)
        text_str(&log->text, "\n");
    log->width = 0;
    log->is_inside_a_line = false;
}

void log_state(struct verifier *v, const struct state *s)
{
    struct log *log = log_for(v, LOG_STEPS | LOG_MORE);

    if (!log)
        return;
    if (log->width)
        end_line(log);
    add_state(v, &log->text, s, UINT16_MAX, UINT64_MAX);
    log->is_inside_a_line = false;
    log->has_state = true;
}

/* Slots that the last instruction reached through a pointer which still is what it was. */
static uint64_t slots_used(const struct verifier *v, const struct skep_insn *insn,
                           const struct isa_op *op)
{
    const struct frame *f = v->cur->frames[v->cur->depth];
    const struct reg *base;
    int64_t first, last;
    uint64_t slots = 0;

    if (op->off.use != ISA_USE_MEM)
        return 0;
    base = &f->regs[(op->kind == ISA_KIND_LOAD ? SKEP_INSN_SRC(insn) : SKEP_INSN_DST(insn)) % 11];
    if (base->kind != REG_STACK || base->frame != v->cur->depth || !range_is_const(&base->v))
        return 0;
    last = -((int64_t)base->v.bits.value + base->off + insn->off) - 1; /* its lowest byte */
    first = last - (op->width ? op->width - 1 : 0);
    for (int64_t i = first / 8; first >= 0 && i <= last / 8 && i < SLOTS_MAX; i++)
        slots |= UINT64_C(1) << i;
    return slots;
}

/* What the last instruction read and wrote, behind its text. */
static void add_effects(struct verifier *v, struct log *log, uint32_t next)
{
    const struct skep_insn *insn = &v->insns[log->insn];
    const struct isa_op *op = v->info[log->insn].op;
    uint32_t column;

    if (log->width) {
        column = log->width + COMMENT_STEP / 2;
        column = column < COMMENT_COLUMN ? COMMENT_COLUMN : column;
        column = (column + COMMENT_STEP - 1) / COMMENT_STEP * COMMENT_STEP;
        text_printf(&log->text, "%*s;", (int)(column - log->width - 1), "");
    } else {
        text_printf(&log->text, "%u:", next);
    }
    log->width = 0;
    log->is_inside_a_line = false;
    if (op && v->cur->depth == log->depth)
        add_state(v, &log->text, v->cur, isa_reads(op, insn) | isa_writes(op, insn),
                  slots_used(v, insn, op));
    else
        add_state(v, &log->text, v->cur, UINT16_MAX, UINT64_MAX);
}

/* "; if (!rule) @ fw.bpf.c:12", where the line is another one than before. */
static void add_source(const struct verifier *v, struct log *log, uint32_t insn)
{
    const struct skep_image *image = v->image;
    const struct skep_image_line *line;
    const char *source, *file, *slash;
    uint32_t at = image->line_count;

    for (uint32_t low = 0, high = image->line_count; low < high;) { /* the last not behind insn */
        uint32_t middle = low + (high - low) / 2;

        if (image->lines[middle].insn <= insn) {
            at = middle;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (at == image->line_count || at + 1 == log->line)
        return;
    line = &image->lines[at];
    if (log->line && image->lines[log->line - 1].line == line->line &&
        !strcmp(image->lines[log->line - 1].file, line->file)) {
        log->line = at + 1;
        return;
    }
    log->line = at + 1;
    slash = strrchr(line->file, '/');
    file = slash ? slash + 1 : line->file;
    for (source = line->source; *source == ' ' || *source == '\t'; source++)
        ;
    text_printf(&log->text, "; %s @ %s:%u\n", source, file, line->line);
}

static const char *helper_name(void *user, int32_t id)
{
    (void)user;
    return skep_helper_name((uint32_t)id);
}

void log_insn(struct verifier *v, uint32_t insn)
{
    struct log *log = log_for(v, LOG_STEPS | LOG_MORE);
    struct skep_disasm_names names = {.size = sizeof names, .helper = helper_name};
    char text[TEXT_ROOM];
    int length;

    if (!log)
        return;
    if (log->insn == INSN_NONE && !log->has_state) {
        end_line(log);
        text_printf(&log->text, "%u:", insn);
        add_state(v, &log->text, v->cur, UINT16_MAX, UINT64_MAX);
    } else if (!log->has_state && v->prev_insn == log->insn) {
        add_effects(v, log, insn);
    } else if (!log->has_state) {
        end_line(log);
        text_printf(&log->text, "\nfrom %u to %u%s:", v->prev_insn, insn,
                    v->cur->is_speculative ? " (speculative execution)" : "");
        add_state(v, &log->text, v->cur, UINT16_MAX, UINT64_MAX);
        log->line = 0;
    }
    end_line(log);
    add_source(v, log, insn);
    if (skep_disasm(v->insns, v->insn_count, insn, SKEP_DISASM_BPFTOOL, &names, text, sizeof text,
                    NULL) < 0)
        text[0] = '\0';
    length = snprintf(NULL, 0, "%u: %s", insn, text);
    text_printf(&log->text, "%u: %s", insn, text);
    log->width = (uint32_t)length + 1;
    log->insn = insn;
    log->depth = v->cur->depth;
    log->has_state = false;
}

void log_text(struct verifier *v, uint32_t level, const char *format, ...)
{
    struct log *log = log_for(v, level == LOG_STEPS ? LOG_STEPS | LOG_MORE : level);
    char text[TEXT_ROOM];
    va_list args;
    size_t length;

    if (!log)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    length = strlen(text);
    if (!length)
        return;
    if (log->width)
        end_line(log);
    text_add(&log->text, text, length);
    log->is_inside_a_line = text[length - 1] != '\n';
}

void log_finish(struct log *log, uint32_t level, uint32_t limit, const struct verify_result *r)
{
    if (!level)
        return;
    end_line(log);
    if (level & LOG_STATS)
        text_printf(&log->text, "verification time %" PRIu64 " usec\nstack depth %u\n",
                    r->ns / 1000, r->stack);
    text_printf(&log->text, "processed %u insns (limit %u) total_states %u peak_states %u\n",
                r->processed, limit, r->states, r->peak_states);
}
