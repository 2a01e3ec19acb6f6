/* disasm.c - instructions as text, in llvm-objdump's syntax or in bpftool's.
 *
 * The text of each instruction is a pattern of opcode.def; here is only how its parts look in
 * either style: LLVM prints numbers in signed hexadecimal, the kernel mostly in decimal, unsigned
 * hexadecimal where it compares. Whatever has no text that reads back to the same bytes (unknown
 * opcodes, reserved fields in use, a broken second slot) prints as
 * ".insn 0x" and 16 digits: code, registers, off and imm, in that order, each as a number.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printf.h"
#include "isa/opcode.h"
#include "isa/pattern.h"
#include "base/printf.h"

struct printer {
    char *text;
    size_t room, length; /* `length` counts on when `room` is used up */
    const struct skep_insn *insn;
    const struct skep_disasm_names *names;
    size_t index;
    bool is_llvm;
    const char *comment; /* what the text means, put after it */
};

static void put_text(struct printer *p, const char *piece, size_t length)
{
    if (p->length < p->room) {
        size_t fits = p->room - p->length;

        memcpy(p->text + p->length, piece, length < fits ? length : fits);
    }
    p->length += length;
}

static void put_string(struct printer *p, const char *piece)
{
    put_text(p, piece, strlen(piece));
}

PRINTF_LIKE(2, 3)
static void put(struct printer *p, const char *format, ...)
{
    char piece[64];
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(piece, sizeof piece, format, args);
    va_end(args);
    put_text(p, piece, (size_t)length);
}

/* Names come from objects: only what cannot end the line or hide in it is printed as it is. */
static void put_name(struct printer *p, const char *name)
{
    for (; *name; name++)
        put_text(p, *name > ' ' && *name < 0x7f ? name : "?", 1);
}

/* -0x5, 0x5; LLVM prints the sign of immediates this way. */
static void put_hex(struct printer *p, int64_t value)
{
    if (value < 0)
        put(p, "-0x%" PRIx64, 0 - (uint64_t)value);
    else
        put(p, "0x%" PRIx64, (uint64_t)value);
}

static void put_signed(struct printer *p, int32_t value)
{
    if (p->is_llvm)
        put_hex(p, value);
    else
        put(p, "%" PRId32, value);
}

static void put_address(struct printer *p, unsigned reg, int32_t off)
{
    put(p, "r%u ", reg);
    if (p->is_llvm) {
        put_string(p, off < 0 ? "- " : "+ ");
        put(p, "0x%" PRIx32, (uint32_t)(off < 0 ? 0 - (uint32_t)off : (uint32_t)off));
    } else {
        put(p, "%+" PRId32, off);
    }
}

/* LLVM drops the imm of an indirect packet load; text that reads back must not. */
static void put_packet_address(struct printer *p)
{
    unsigned reg = SKEP_INSN_SRC(p->insn);

    if (!p->is_llvm)
        put(p, "r%u + %" PRId32, reg, p->insn->imm);
    else if (p->insn->imm)
        put_address(p, reg, p->insn->imm);
    else
        put(p, "r%u", reg);
}

static void put_target(struct printer *p, int32_t distance)
{
    if (p->is_llvm && distance < 0)
        put_hex(p, distance);
    else if (p->is_llvm)
        put(p, "+0x%" PRIx32, (uint32_t)distance);
    else
        put(p, "pc%+" PRId32, distance);
}

/* A name that the assembler would read as a label. */
static bool is_label(const char *name)
{
    const char *at = name;

    while (pattern_is_label(*at, at == name))
        at++;
    return at > name && !*at && strcmp(name, "pc") != 0;
}

static const char *name_of_func(const struct printer *p)
{
    int64_t target = (int64_t)p->index + 1 + p->insn->imm;

    if (!p->names || !p->names->func || target < 0 || target > UINT32_MAX)
        return NULL;
    return p->names->func(p->names->user, (uint32_t)target);
}

/* "+0x5" in LLVM's style: without the plus it would read as a helper's number. */
static void put_func(struct printer *p, const struct isa_op *op)
{
    const char *name = name_of_func(p);
    bool is_call = op->kind == ISA_KIND_CALL;

    if (p->is_llvm && name && is_label(name)) {
        put_string(p, name);
    } else if (p->is_llvm) {
        put_target(p, p->insn->imm);
        p->comment = name;
    } else {
        put(p, is_call ? "pc%+" PRId32 : "%+" PRId32, p->insn->imm);
        if (name && is_call) {
            put_string(p, "#");
            put_name(p, name);
        } else {
            p->comment = name;
        }
    }
}

static void put_helper(struct printer *p)
{
    const char *name = NULL;

    if (p->names && p->names->helper)
        name = p->names->helper(p->names->user, p->insn->imm);
    if (p->is_llvm) {
        put(p, "0x%" PRIx32, (uint32_t)p->insn->imm);
        p->comment = name;
    } else {
        put_string(p, name && is_label(name) ? name : "unknown");
        put(p, "#%" PRId32, p->insn->imm);
    }
}

static void put_compared(struct printer *p)
{
    if (p->is_llvm)
        put_hex(p, p->insn->imm);
    else
        put(p, "0x%" PRIx32, (uint32_t)p->insn->imm);
}

static void put_second(struct printer *p)
{
    uint32_t value = (uint32_t)p->insn[1].imm;

    put(p, p->is_llvm ? "0x%" PRIx32 : "%" PRIu32, value);
}

static void put_imm64(struct printer *p)
{
    uint64_t value = isa_imm64(p->insn);

    if (p->is_llvm)
        put_hex(p, (int64_t)value);
    else
        put(p, "0x%" PRIx64, value);
}

static void put_part(struct printer *p, const struct isa_op *op, char part)
{
    unsigned dst = SKEP_INSN_DST(p->insn), src = SKEP_INSN_SRC(p->insn);

    switch (part) {
    case 'd':
        put(p, "r%u", dst);
        break;
    case 'D':
        put(p, "w%u", dst);
        break;
    case 's':
        put(p, "r%u", src);
        break;
    case 'S':
        put(p, "w%u", src);
        break;
    case 'm':
        put_address(p, src, p->insn->off);
        break;
    case 'M':
        put_address(p, dst, p->insn->off);
        break;
    case 'x':
        put_packet_address(p);
        break;
    case 'i':
        put_signed(p, p->insn->imm);
        break;
    case 'o':
        put_signed(p, p->insn->off);
        break;
    case 'c':
        put_compared(p);
        break;
    case 'q':
        put_imm64(p);
        break;
    case 'n':
        put_second(p);
        break;
    case 'j':
        put_target(p, p->insn->off);
        break;
    case 'l':
        put_target(p, p->insn->imm);
        break;
    case 'h':
        put_helper(p);
        break;
    case 'f':
        put_func(p, op);
        break;
    }
}

static void put_pattern(struct printer *p, const struct isa_op *op)
{
    const char *at = !p->is_llvm && op->bpftool ? op->bpftool : op->text;

    /* LLVM's way to name a function's address is the bare symbol. */
    if (p->is_llvm && op->does == ISA_DO_FUNC && name_of_func(p) && is_label(name_of_func(p)))
        at = "$d = $f ll";
    while (*at) {
        size_t plain = strcspn(at, "$");

        put_text(p, at, plain);
        at += plain;
        if (*at == '$') {
            put_part(p, op, at[1]);
            at += 2;
        }
    }
}

static void put_raw(struct printer *p)
{
    put(p, ".insn 0x%02x%02x%04x%08" PRIx32, p->insn->code, p->insn->regs,
        (unsigned)(uint16_t)p->insn->off, (uint32_t)p->insn->imm);
}

int skep_disasm(const struct skep_insn *insns, size_t count, size_t index, uint32_t style,
                const struct skep_disasm_names *names, char *text, size_t room, size_t *used)
{
    struct printer p = {.text = text, .room = room ? room - 1 : 0, .index = index};
    const struct isa_op *op;

    if (index >= count || style > SKEP_DISASM_BPFTOOL)
        return -SKEP_EINVAL;
    p.insn = insns + index;
    p.is_llvm = style == SKEP_DISASM_LLVM;
    p.names = names && names->size >= sizeof *names ? names : NULL;
    op = isa_find(p.insn);
    if (op && isa_is_wide(op) && (count - index < 2 || !isa_next_is_fine(op, p.insn + 1)))
        op = NULL;
    if (op) {
        if (!p.is_llvm)
            put(&p, "(%02x) ", p.insn->code);
        if (op->does == ISA_DO_MAP || op->does == ISA_DO_MAP_VALUE)
            if (p.names && p.names->map && SKEP_INSN_SRC(p.insn) >= 5)
                p.comment = p.names->map(p.names->user, p.insn->imm);
        put_pattern(&p, op);
    } else {
        put_raw(&p);
    }
    if (p.comment) {
        put_string(&p, " // ");
        put_name(&p, p.comment);
    }
    if (room)
        text[p.length < room ? p.length : room - 1] = '\0';
    if (used)
        *used = op && isa_is_wide(op) ? 2 : 1;
    return p.length > INT32_MAX ? -SKEP_E2BIG : (int)p.length;
}
