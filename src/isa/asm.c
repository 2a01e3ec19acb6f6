/* asm.c - text to instructions: LLVM's syntax, bpftool's, and what llvm-objdump and bpftool print
 * around them.
 *
 * A line is a label, an instruction, both, or nothing; in front of the instruction may stand its
 * index ("12:"), its bytes in hex, and its opcode in parentheses, which then selects the row ("(18)
 * r1 = 0x5" is wide, "(b7) r1 = 5" is not). The instruction itself is matched against every row's
 * patterns (pattern.c): the tables are the grammar. Labels may be used before they are defined:
 * their distances are filled in at the end.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/printf.h"
#include "base/table.h"
#include "base/vec.h"
#include "isa/opcode.h"
#include "isa/pattern.h"
#include "base/printf.h"

struct label {
    size_t insn;
    uint32_t line;
};

struct fixup { /* an instruction that names a label */
    size_t insn;
    const struct isa_op *op;
    const char *name;
    size_t length;
    uint32_t line, column;
};

struct assembler {
    const char *line; /* where the current line starts */
    uint32_t line_number;
    struct skep_insn *insns;
    size_t room, count;
    struct table names; /* -> labels */
    struct label *labels;
    size_t label_count, label_room;
    struct fixup *fixups;
    size_t fixup_count, fixup_room;
    struct skep_error *err;
};

/* Other ways to write a row, read but never printed: LLVM with 32-bit registers (alu32), 32-bit
 * atomics in 64-bit registers, symbols as addresses of functions, kernel functions of the kernel
 * itself. */
static const struct {
    uint8_t id;
    const char *text;
} aliases[] = {
    {ISA_LDXW, "$D = *(u32 *)($m)"},
    {ISA_LDXH, "$D = *(u16 *)($m)"},
    {ISA_LDXB, "$D = *(u8 *)($m)"},
    {ISA_STXW, "*(u32 *)($M) = $S"},
    {ISA_STXH, "*(u16 *)($M) = $S"},
    {ISA_STXB, "*(u8 *)($M) = $S"},
    {ISA_ATOMIC_ADD32, "lock *(u32 *)($M) += $S"},
    {ISA_XCHG32, "$S = xchg_32($M, $S)"},
    {ISA_CMPXCHG32, "w0 = cmpxchg_32($M, w0, $S)"},
    {ISA_LD_FUNC, "$d = $f ll"},
    {ISA_LD_MAP_FD, "ld_pseudo $d, 0x1, $i"},
    {ISA_LD_BTF_ID, "ld_pseudo $d, 0x3, $i"},
    {ISA_LD_FUNC, "ld_pseudo $d, 0x4, $i"},
    {ISA_LD_MAP_IDX, "ld_pseudo $d, 0x5, $i"},
    {ISA_CALL_KFUNC, "call kfunc[$i]"},
    {ISA_CALL_KFUNC, "call kernel-function#$i"},
};

static uint32_t column_of(const struct assembler *a, const char *at)
{
    return (uint32_t)(at - a->line) + 1;
}

PRINTF_LIKE(3, 4) static int fail(struct assembler *a, const char *at, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_setv(a->err, -SKEP_EINVAL, format, args);
    va_end(args);
    error_place(a->err, UINT32_MAX, NULL, a->line_number, column_of(a, at));
    return -SKEP_EINVAL;
}

static int out_of_memory(struct assembler *a)
{
    return error_set(a->err, -SKEP_ENOMEM, "out of memory after %zu instructions", a->count);
}

static void emit(struct assembler *a, struct skep_insn insn)
{
    if (a->count < a->room)
        a->insns[a->count] = insn;
    a->count++;
}

/* -- numbers into fields ----------------------------------------------------------------------- */

static int in_range(struct assembler *a, const struct pattern_number *n, const char *what,
                    uint64_t lowest, uint64_t highest)
{
    if (n->is_huge)
        return fail(a, n->at, "%s does not fit 64 bits", what);
    if (n->magnitude > (n->is_negative ? lowest : highest))
        return fail(a, n->at,
                    "%s is %s%" PRIu64 " (0x%" PRIx64 "), possible are -%" PRIu64 " to %" PRIu64,
                    what, n->is_negative ? "-" : "", n->magnitude, n->magnitude, lowest, highest);
    return 0;
}

static uint64_t value_of(const struct pattern_number *n)
{
    return n->is_negative ? 0 - n->magnitude : n->magnitude;
}

/* Where 64-bit operations sign-extend imm, 0xffffffff would silently mean -1: it is refused.
 * Comparisons are read both ways, because the kernel prints theirs unsigned. */
static uint64_t highest_imm(const struct isa_op *op, const struct pattern_fields *f)
{
    bool extends = op->imm.use == ISA_USE_JUMP || op->kind == ISA_KIND_BRANCH ||
                   (op->width == 8 && (op->kind == ISA_KIND_ALU || op->kind == ISA_KIND_STORE));

    return extends && !f->is_compared ? INT32_MAX : UINT32_MAX;
}

static int add_fixup(struct assembler *a, const struct isa_op *op, const struct pattern_fields *f)
{
    struct fixup *fixup =
        vec_grow((void **)&a->fixups, &a->fixup_count, &a->fixup_room, 1, sizeof *fixup);

    if (!fixup)
        return out_of_memory(a);
    *fixup = (struct fixup){
        a->count, op, f->label, f->label_length, a->line_number, column_of(a, f->label)};
    return 0;
}

static int add_insn(struct assembler *a, const struct isa_op *op, const struct pattern_fields *f)
{
    struct skep_insn insn = {.code = op->code}, next = {0};
    int dst = isa_is_register(op->dst.use) ? f->dst : op->dst.value;
    int src = isa_is_register(op->src.use) ? f->src : op->src.value;
    int result = 0;

    if (f->label && (result = add_fixup(a, op, f)))
        return result;
    if (f->off.at && (result = in_range(a, &f->off, "the offset", 32768, 32767)))
        return result;
    if (f->imm.at && !f->is_whole &&
        (result = in_range(a, &f->imm, "the number", UINT64_C(1) << 31, highest_imm(op, f))))
        return result;
    if (f->is_whole && (result = in_range(a, &f->imm, "the number", UINT64_C(1) << 63, UINT64_MAX)))
        return result;
    if (f->next.at && (result = in_range(a, &f->next, "the number", UINT64_C(1) << 31, UINT32_MAX)))
        return result;

    insn.regs = (uint8_t)(dst | src << 4);
    insn.off = (int16_t)(f->off.at ? value_of(&f->off) : (uint64_t)op->off.value);
    insn.imm = (int32_t)(f->imm.at ? value_of(&f->imm) : (uint64_t)op->imm.value);
    emit(a, insn);
    if (isa_is_wide(op)) {
        next.imm = (int32_t)(f->is_whole ? value_of(&f->imm) >> 32 : value_of(&f->next));
        emit(a, next);
    }
    return 0;
}

/* -- lines ------------------------------------------------------------------------------------- */

/* The first row that reads like the text: LLVM's way first, then bpftool's, then the aliases.
 * `code` -1: any. */
static int read_insn(struct assembler *a, const char *at, const char *end, int code)
{
    struct pattern_failure failure = {0}, other = {0};
    struct pattern_fields fields;
    const struct isa_op *op;
    size_t shown;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t id = ISA_NONE + 1; id < ISA_COUNT; id++) {
            const char *text;

            op = isa_op(id);
            text = pass ? op->bpftool : op->text;
            if (text && (code < 0 || code == op->code) &&
                pattern_match(text, at, end, &fields, &failure))
                return add_insn(a, op, &fields);
        }
    }
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        op = isa_op(aliases[i].id);
        if ((code < 0 || code == op->code) &&
            pattern_match(aliases[i].text, at, end, &fields, &other))
            return add_insn(a, op, &fields);
    }
    if (other.at > failure.at)
        failure = other;
    if (!failure.at)
        return fail(a, at, "opcode 0x%02x does not exist", (unsigned)code);
    shown = (size_t)(end - failure.at);
    if (failure.is_many)
        return fail(a, failure.at, "no instruction reads like this: '%.*s%s'",
                    (int)(shown < 40 ? shown : 40), failure.at, shown > 40 ? "..." : "");
    return fail(a, failure.at, "expected %.*s", (int)failure.wanted_length, failure.wanted);
}

/* ".insn 0x0123456789abcdef": code, registers, off, imm. */
static int read_raw(struct assembler *a, const char *at, const char *end)
{
    struct pattern_number number;
    const char *start = pattern_skip_space(at, end), *after;

    after = pattern_number(start, end, &number);
    if (!after || !pattern_at_end(after, end))
        return fail(a, start, "expected the instruction as a number, 0x and 16 digits");
    if (number.is_huge)
        return fail(a, start, "the instruction does not fit 64 bits");
    emit(a, (struct skep_insn){.code = (uint8_t)(number.magnitude >> 56),
                               .regs = (uint8_t)(number.magnitude >> 48),
                               .off = (int16_t)(number.magnitude >> 32),
                               .imm = (int32_t)number.magnitude});
    return 0;
}

static int add_label(struct assembler *a, const char *name, size_t length)
{
    uint32_t old = table_get(&a->names, name, length, NULL);
    struct label *label;

    if (old != TABLE_NONE)
        return fail(a, name, "label '%.*s' is defined twice, first in line %" PRIu32,
                    (int)(length < 100 ? length : 100), name, a->labels[old].line);
    if (a->label_count >= TABLE_NONE ||
        !(label =
              vec_grow((void **)&a->labels, &a->label_count, &a->label_room, 1, sizeof *label)) ||
        !table_put(&a->names, name, length, (uint32_t)(a->label_count - 1)))
        return out_of_memory(a);
    *label = (struct label){a->count, a->line_number};
    return 0;
}

static bool starts_with(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) >= strlen(word) && memcmp(at, word, strlen(word)) == 0;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* "12:" and the bytes that objdump prints behind it, both for the reader only. */
static const char *skip_prefix(const char *at, const char *end)
{
    const char *p = at;

    while (p < end && is_hex(*p))
        p++;
    if (p == at || p == end || *p != ':' || *at < '0' || *at > '9')
        return at;
    at = pattern_skip_space(p + 1, end);
    for (p = at; end - p > 2 && is_hex(p[0]) && is_hex(p[1]) && (p[2] == ' ' || p[2] == '\t');)
        p += 3;
    return p - at >= 8 * 3 ? pattern_skip_space(p, end) : at;
}

/* Is it a line that objdump prints around the code, or nothing at all? */
static bool is_noise(const char *at, const char *end)
{
    static const char format[] = ":\tfile format ";

    if (pattern_at_end(at, end) || starts_with(at, end, "Disassembly of section ") ||
        starts_with(at, end, "R_BPF_"))
        return true;
    for (const char *p = at; (p = memchr(p, ':', (size_t)(end - p))); p++)
        if (starts_with(p, end, format))
            return true;
    return false;
}

/* "name:", "0000000000000000 <name>:", and bpftool's "int name(struct xdp_md * ctx):". The text
 * behind a plain label is left in *at. False: the line has no label. */
static bool find_label(const char **at, const char *end, const char **name, size_t *length)
{
    const char *start = *at, *p = start, *last = end;

    while (p < end && pattern_is_label(*p, p == start))
        p++;
    if (p > start && p < end && *p == ':') {
        *name = start;
        *length = (size_t)(p - start);
        *at = p + 1;
        return true;
    }
    while (last > start && pattern_skip_space(last - 1, end) == end)
        last--;
    if (last == start || *--last != ':')
        return false;
    if (last > start && last[-1] == '>' && (p = memchr(start, '<', (size_t)(last - start)))) {
        for (const char *digit = start; digit < p; digit++)
            if (!is_hex(*digit) && *digit != ' ')
                return false;
        *name = p + 1;
        *length = (size_t)(last - p - 2);
    } else if (last > start && last[-1] == ')' &&
               (p = memchr(start, '(', (size_t)(last - start))) && p > start) {
        for (*name = p; *name > start && pattern_is_label((*name)[-1], false);)
            --*name;
        *length = (size_t)(p - *name);
        if (!*length || *name == start)
            return false;
    } else {
        return false;
    }
    *at = end;
    return true;
}

static int read_line(struct assembler *a, const char *end)
{
    const char *at = pattern_skip_space(a->line, end), *name;
    size_t length;
    int code = -1, result;

    if (is_noise(at, end))
        return 0;
    if (find_label(&at, end, &name, &length) && (result = add_label(a, name, length)))
        return result;
    at = skip_prefix(pattern_skip_space(at, end), end);
    if (is_noise(at, end))
        return 0;
    if (end - at >= 4 && at[0] == '(' && is_hex(at[1]) && is_hex(at[2]) && at[3] == ')') {
        char digits[3] = {at[1], at[2], '\0'};

        code = (int)strtol(digits, NULL, 16);
        at = pattern_skip_space(at + 4, end);
    }
    if (starts_with(at, end, ".insn"))
        return read_raw(a, at + strlen(".insn"), end);
    return read_insn(a, at, end, code);
}

/* -- labels ------------------------------------------------------------------------------------ */

static int apply_fixup(struct assembler *a, const struct fixup *fixup)
{
    uint32_t found = table_get(&a->names, fixup->name, fixup->length, NULL);
    int shown = (int)(fixup->length < 100 ? fixup->length : 100), result;
    bool is_short = fixup->op->off.use == ISA_USE_JUMP;
    int64_t distance;

    if (found == TABLE_NONE) {
        result = error_set(
            a->err, -SKEP_EINVAL, "label '%.*s' is not defined%s", shown, fixup->name,
            fixup->op->does == ISA_DO_CALL_LOCAL ? " (helpers are called by number: call 5)" : "");
    } else {
        distance = (int64_t)a->labels[found].insn - (int64_t)fixup->insn - 1;
        if (is_short ? distance == (int16_t)distance : distance == (int32_t)distance) {
            if (fixup->insn < a->room && is_short)
                a->insns[fixup->insn].off = (int16_t)distance;
            else if (fixup->insn < a->room)
                a->insns[fixup->insn].imm = (int32_t)distance;
            return 0;
        }
        result = error_set(a->err, -SKEP_EINVAL,
                           "label '%.*s' is %" PRId64
                           " instructions away, off has 16 bits (gotol has 32)",
                           shown, fixup->name, distance);
    }
    error_place(a->err, UINT32_MAX, NULL, fixup->line, fixup->column);
    return result;
}

int skep_asm(const char *text, size_t length, struct skep_insn *insns, size_t room, size_t *count,
             struct skep_error *err)
{
    struct assembler a = {.insns = insns, .room = insns ? room : 0, .err = err};
    const char *end = text + length, *line_end;
    int result = 0;

    for (a.line = text; a.line < end && !result; a.line = line_end + 1) {
        line_end = memchr(a.line, '\n', (size_t)(end - a.line));
        if (!line_end)
            line_end = end;
        a.line_number++;
        result = read_line(&a, line_end);
        if (line_end == end)
            break;
    }
    for (size_t i = 0; i < a.fixup_count && !result; i++)
        result = apply_fixup(&a, &a.fixups[i]);
    if (!result) {
        if (count)
            *count = a.count;
        if (insns && a.count > room)
            result =
                error_set(err, -SKEP_E2BIG, "the text has %zu instructions, there is room for %zu",
                          a.count, room);
    }
    table_free(&a.names);
    free(a.labels);
    free(a.fixups);
    return result;
}
