/* kernel.c - the running kernel judges the bodies of helpers.
 *
 * Programs are made at random: a row of helper calls with arguments that are often just at a limit,
 * over random packets. What every call returned, what it wrote and what the context says at the end
 * goes into r0; r0, the packet and nothing else has to be the same in Linux and here. A program
 * that Linux's verifier refuses is no question.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <skep.h>

#include "base/check.h"

enum { CODE_ROOM = 2048, PACKET_ROOM = 20000 };
enum { MEM = -64, TEXT = -128, STACK = -256 }; /* buffers of 64 bytes below the frame pointer */

struct code {
    struct skep_insn insns[CODE_ROOM];
    uint32_t count;
    uint64_t seed;
    uint32_t type, packet_size;
    uint32_t mixed, only; /* values seen so far; where r0 is to be one value alone: which, else 0 */
    char said[4096];      /* what it does, for a failure's message */
};

static uint32_t draw(struct code *code, uint32_t below)
{
    code->seed ^= code->seed << 13;
    code->seed ^= code->seed >> 7;
    code->seed ^= code->seed << 17;
    return below ? (uint32_t)((code->seed >> 16) % below) : (uint32_t)(code->seed >> 16);
}

#define PICK(code, array) ((array)[draw(code, ARRAY_SIZE(array))])

/* -- emitting ---------------------------------------------------------------------------------- */

static void emit(struct code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
    assert_true(code->count < CODE_ROOM);
    code->insns[code->count++] = (struct skep_insn){op, (uint8_t)(dst | src << 4), off, imm};
}

static void set(struct code *code, uint8_t reg, uint64_t value)
{
    emit(code, 0x18, reg, 0, 0, (int32_t)(uint32_t)value);
    emit(code, 0, 0, 0, 0, (int32_t)(uint32_t)(value >> 32));
}

static void copy(struct code *code, uint8_t dst, uint8_t src)
{
    emit(code, 0xbf, dst, src, 0, 0);
}

static void point(struct code *code, uint8_t reg, int32_t stack_off)
{
    copy(code, reg, 10);
    emit(code, 0x07, reg, 0, 0, stack_off);
}

/* r7 = r7 * prime ^ r0, or r7 = r0 where that value is asked for alone. */
static void mix(struct code *code)
{
    code->mixed++;
    if (code->only) {
        if (code->mixed == code->only)
            copy(code, 7, 0);
        return;
    }
    emit(code, 0x27, 7, 0, 0, 0x01000193);
    emit(code, 0xaf, 7, 0, 0, 0);
}

static void call(struct code *code, uint32_t id)
{
    emit(code, 0x85, 0, 0, 0, (int32_t)id);
    mix(code);
}

static void put_stack(struct code *code, int32_t at, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, (const uint8_t *)bytes + i, size - i < 8 ? size - i : 8);
        set(code, 0, word);
        emit(code, 0x7b, 10, 0, (int16_t)(at + (int32_t)i), 0);
    }
}

static void say(struct code *code, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct code *code, const char *format, ...)
{
    size_t used = strlen(code->said);
    va_list args;

    va_start(args, format);
    vsnprintf(code->said + used, sizeof code->said - used, format, args);
    va_end(args);
}

static void begin(struct code *code)
{
    uint8_t bytes[64];

    code->count = code->mixed = 0;
    code->said[0] = '\0';
    copy(code, 6, 1);
    set(code, 7, 0);
    for (int32_t at = STACK; at < 0; at += 64) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)draw(code, 256);
        put_stack(code, at, bytes, sizeof bytes);
    }
}

/* Everything that can be seen goes into r0. */
static void end(struct code *code)
{
    static const uint16_t skb_fields[] = {0,  4,  8,  12, 16, 20, 24, 28,
                                          32, 40, 44, 48, 52, 56, 60, 64};

    for (int32_t at = STACK; at < 0; at += 8) {
        emit(code, 0x79, 0, 10, (int16_t)at, 0);
        mix(code);
    }
    if (code->type == BPF_PROG_TYPE_SCHED_CLS || code->type == BPF_PROG_TYPE_SOCKET_FILTER)
        for (size_t i = 0; i < ARRAY_SIZE(skb_fields); i++) {
            emit(code, 0x61, 0, 6, (int16_t)skb_fields[i], 0);
            mix(code);
        }
    if (code->type != BPF_PROG_TYPE_SOCKET_FILTER && code->type != BPF_PROG_TYPE_SYSCALL) {
        /* data_end - data, data - data_meta */
        int16_t data = code->type == BPF_PROG_TYPE_XDP ? 0 : 76;
        int16_t data_end = code->type == BPF_PROG_TYPE_XDP ? 4 : 80;
        int16_t meta = code->type == BPF_PROG_TYPE_XDP ? 8 : 140;
        emit(code, 0x61, 0, 6, data_end, 0);
        emit(code, 0x61, 1, 6, data, 0);
        emit(code, 0x1f, 0, 1, 0, 0);
        mix(code);
        emit(code, 0x61, 0, 6, data, 0);
        emit(code, 0x61, 1, 6, meta, 0);
        emit(code, 0x1f, 0, 1, 0, 0);
        mix(code);
    }
    copy(code, 0, 7);
    if (!code->only) {
        emit(code, 0x77, 0, 0, 0, 32);
        emit(code, 0xaf, 0, 7, 0, 0);
    }
    emit(code, 0x95, 0, 0, 0, 0);
}

/* -- what is asked ----------------------------------------------------------------------------- */

static uint32_t some_offset(struct code *code)
{
    static const uint32_t offsets[] = {
        0,       1,       2,          12,         13,         14,        16,     18,
        24,      34,      40,         50,         54,         60,        0xfffe, 0xffff,
        0x10000, 0x10001, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff};

    switch (draw(code, 4)) {
    case 0:
        return code->packet_size - draw(code, 40);
    case 1:
        return draw(code, code->packet_size);
    default:
        return PICK(code, offsets);
    }
}

static uint32_t some_size(struct code *code)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 6, 8, 14, 20, 33, 63, 64};

    return PICK(code, sizes);
}

static int32_t some_buffer(struct code *code)
{
    static const int32_t at[] = {MEM, TEXT, TEXT - 64, STACK};

    return PICK(code, at);
}

static void ask_load(struct code *code)
{
    bool is_xdp = code->type == BPF_PROG_TYPE_XDP, is_relative = !is_xdp && draw(code, 2);
    uint32_t offset = some_offset(code), size = some_size(code), from = draw(code, 3);

    say(code, "load(%u, %u%s) ", offset, size, is_relative ? from ? ", net" : ", mac" : "");
    copy(code, 1, 6);
    set(code, 2, offset);
    point(code, 3, some_buffer(code));
    set(code, 4, size);
    if (is_relative)
        set(code, 5, from);
    call(code, is_xdp ? 189 : is_relative ? 68 : 26);
}

static void ask_store(struct code *code)
{
    static const uint32_t flags[] = {0, 0, 0, 1, 2, 3, 4};
    uint32_t offset = some_offset(code), size = some_size(code), flag = PICK(code, flags);

    say(code, "store(%u, %u, %u) ", offset, size, flag);
    copy(code, 1, 6);
    set(code, 2, offset);
    point(code, 3, some_buffer(code));
    set(code, 4, size);
    set(code, 5, flag);
    call(code, code->type == BPF_PROG_TYPE_XDP ? 190 : 9);
}

static uint64_t some_value(struct code *code)
{
    static const uint64_t values[] = {0,          1,          0xff,       0xffff,     0x10000,
                                      0xffff0000, 0xffffffff, 0x80000000, 0x7fffffff, UINT64_MAX};

    return draw(code, 2) ? PICK(code, values) : (uint64_t)draw(code, 0) << draw(code, 33);
}

static void ask_csum_replace(struct code *code)
{
    static const uint32_t flags[] = {0,  0,  2,  2,  4,  4,   1,   3,   8,   16,
                                     18, 20, 34, 36, 98, 100, 130, 148, 256, 32};
    bool is_l4 = draw(code, 2);
    uint32_t offset = some_offset(code), flag = PICK(code, flags);
    uint64_t from = draw(code, 3) ? some_value(code) : 0, to = some_value(code);

    say(code, "l%d_csum(%u, %llx, %llx, %u) ", is_l4 ? 4 : 3, offset, (unsigned long long)from,
        (unsigned long long)to, flag);
    copy(code, 1, 6);
    set(code, 2, offset);
    set(code, 3, from);
    set(code, 4, to);
    set(code, 5, flag);
    call(code, is_l4 ? 11 : 10);
}

static void ask_csum_diff(struct code *code)
{
    static const uint32_t sizes[] = {0, 4, 8, 12, 20, 40, 60, 64, 1, 2, 3, 5, 7, 63, 66};
    uint32_t from = PICK(code, sizes), to = PICK(code, sizes);

    say(code, "csum_diff(%u, %u) ", from, to);
    point(code, 1, STACK);
    if (!from && draw(code, 2))
        set(code, 1, 0);
    set(code, 2, from);
    point(code, 3, TEXT - (int32_t)draw(code, 16));
    set(code, 4, to);
    set(code, 5, some_value(code));
    call(code, 28);
}

static void ask_tail(struct code *code)
{
    static const uint32_t sizes[] = {0,     13,    14,    15,    33,    34,
                                     64,    200,   1500,  3000,  4000,  9000,
                                     16000, 16063, 16064, 16065, 20000, UINT32_MAX};
    uint32_t size = draw(code, 2) ? draw(code, 600) : PICK(code, sizes), flags = !draw(code, 8);

    say(code, "change_tail(%u, %u) ", size, flags);
    copy(code, 1, 6);
    set(code, 2, size);
    set(code, 3, flags);
    call(code, 38);
}

static void ask_head(struct code *code)
{
    static const uint32_t sizes[] = {0,   1,   4,    8,    14,    64,         65,
                                     128, 300, 2000, 9000, 16000, 0x7fffffff, 0x80000000};
    uint32_t size = PICK(code, sizes), flags = !draw(code, 8);

    say(code, "change_head(%u, %u) ", size, flags);
    copy(code, 1, 6);
    set(code, 2, size);
    set(code, 3, flags);
    call(code, 43);
}

static void ask_room(struct code *code)
{
    static const int32_t sizes[] = {0,   1,   4,   8,     20,     28,       36, 40,
                                    50,  64,  100, 0xfff, 0x1000, -1,       -4, -8,
                                    -20, -28, -40, -64,   -4095,  INT32_MIN};
    static const uint64_t flags[] = {0,
                                     0,
                                     0,
                                     1,
                                     2,
                                     4,
                                     6,
                                     8,
                                     2 | 8,
                                     4 | 8,
                                     2 | 16,
                                     4 | 16,
                                     8 | 16 | 2,
                                     32,
                                     2 | 64,
                                     2 | 64 | (uint64_t)14 << 56,
                                     4 | 16 | (uint64_t)14 << 56,
                                     (uint64_t)255 << 56 | 2,
                                     128,
                                     256,
                                     128 | 256,
                                     512,
                                     1024,
                                     (uint64_t)1 << 55};
    int32_t size = PICK(code, sizes);
    uint32_t mode = draw(code, 8) ? draw(code, 2) : 2;
    uint64_t flag = PICK(code, flags);

    say(code, "adjust_room(%d, %u, 0x%llx) ", size, mode, (unsigned long long)flag);
    copy(code, 1, 6);
    set(code, 2, (uint64_t)(int64_t)size);
    set(code, 3, mode);
    set(code, 4, flag);
    call(code, 50);
}

static void ask_vlan(struct code *code)
{
    static const uint32_t types[] = {0x0081, 0x0081, 0xa888, 0x0008, 0};

    copy(code, 1, 6);
    if (draw(code, 2)) {
        say(code, "vlan_pop() ");
        call(code, 19);
    } else {
        uint32_t type = PICK(code, types), tci = draw(code, 0x10000);
        say(code, "vlan_push(%x, %x) ", type, tci);
        set(code, 2, type);
        set(code, 3, tci);
        call(code, 18);
    }
}

static void ask_proto(struct code *code)
{
    static const uint32_t types[] = {0xdd86, 0x0008, 0x0081, 0};
    uint32_t type = PICK(code, types), flags = !draw(code, 8);

    say(code, "change_proto(%x, %u) ", type, flags);
    copy(code, 1, 6);
    set(code, 2, type);
    set(code, 3, flags);
    call(code, 31);
}

static void ask_small(struct code *code)
{
    static const struct {
        uint32_t id, values;
    } asked[] = {{32, 6},  {39, 400}, {40, 5}, {41, 0}, {97, 0},
                 {135, 6}, {17, 0},   {24, 0}, {48, 0}};
    uint32_t i = draw(code, ARRAY_SIZE(asked)), value = draw(code, asked[i].values);

    say(code, "%s(%u) ", skep_helper_name(asked[i].id) + 4, value);
    copy(code, 1, 6);
    set(code, 2, value);
    call(code, asked[i].id);
    if (asked[i].id == 48) { /* set_hash, and what it is now */
        copy(code, 1, 6);
        call(code, 34);
        emit(code, 0x61, 0, 6, 68, 0);
        mix(code);
    }
}

static void ask_tstamp(struct code *code)
{
    uint32_t value = draw(code, 2), type = draw(code, 5);

    say(code, "set_tstamp(%u, %u) ", value, type);
    copy(code, 1, 6);
    set(code, 2, value);
    set(code, 3, type);
    call(code, 192);
    emit(code, 0x79, 0, 6, 152, 0); /* tstamp */
    mix(code);
    emit(code, 0x71, 0, 6, 180, 0); /* tstamp_type */
    mix(code);
}

static void ask_redirect(struct code *code)
{
    uint32_t flags = draw(code, 4), size = draw(code, 3);

    set(code, 1, 1);
    set(code, 2, flags);
    if (code->type == BPF_PROG_TYPE_XDP || draw(code, 2)) {
        say(code, "redirect(%u) ", flags);
        call(code, 23);
    } else if (draw(code, 2)) {
        say(code, "redirect_peer(%u) ", flags);
        call(code, 155);
    } else {
        say(code, "redirect_neigh(%u, %u) ", size, flags);
        point(code, 2, MEM);
        set(code, 3, size == 2 ? 20 : size * 19);
        set(code, 4, flags);
        call(code, 152);
    }
}

static void ask_strtol(struct code *code)
{
    static const char *texts[] = {"42",
                                  "-17xyz",
                                  "0x1F",
                                  "0x",
                                  "0xg",
                                  "077",
                                  "08",
                                  "  12",
                                  "\t-0x10",
                                  "-",
                                  "",
                                  " ",
                                  "+5",
                                  "99999999999999999999",
                                  "9223372036854775807",
                                  "9223372036854775808",
                                  "-9223372036854775808",
                                  "-9223372036854775809",
                                  "18446744073709551615",
                                  "18446744073709551616",
                                  "0",
                                  "-0",
                                  "1e5",
                                  "0b11",
                                  "abc",
                                  "-0xffffffffffffffff",
                                  "   "};
    static const uint64_t flags[] = {0, 0, 8, 10, 16, 16, 2, 31, 32, 26};
    const char *text = PICK(code, texts);
    uint32_t size = draw(code, 3) ? (uint32_t)strlen(text) : (uint32_t)strlen(text) + 1;
    uint64_t flag = PICK(code, flags);

    if (!size)
        size = 1;
    say(code, "strto(\"%s\", %u, %llu) ", text, size, (unsigned long long)flag);
    put_stack(code, TEXT, text, strlen(text) + 1);
    point(code, 1, TEXT);
    set(code, 2, size);
    set(code, 3, flag);
    point(code, 4, MEM + 16);
    call(code, draw(code, 2) ? 105 : 106);
}

static void ask_xdp_room(struct code *code)
{
    static const uint32_t ids[] = {44, 54, 65};
    static const int32_t sizes[] = {0,   1,   -1,   4,    -4,    14,        -14,      -32,
                                    -36, 64,  -64,  -215, -216,  -217,      -252,     -256,
                                    256, 300, 3000, 3400, -3000, INT32_MIN, INT32_MAX};
    uint32_t id = PICK(code, ids);
    int32_t size = draw(code, 3) ? PICK(code, sizes) : (int32_t)draw(code, 500) - 250;

    say(code, "%s(%d) ", skep_helper_name(id) + 4, size);
    copy(code, 1, 6);
    set(code, 2, (uint64_t)(int64_t)size);
    call(code, id);
}

static void ask_length(struct code *code)
{
    say(code, "xdp_get_buff_len() ");
    copy(code, 1, 6);
    call(code, 188);
}

/* Formats at run time: what the kernel refuses, and how long the text is. */
static void ask_printk(struct code *code)
{
    static const char texts[][16] = {"%d %u %x", "%ld %lu %lx", "%lld %llx", "%5d|%-5d|%05d",
                                     "%+d % d",  "%i %X",       "%s",        "%10s|",
                                     "%-10s|%c", "%c%5c",       "%p",        "%p.",
                                     "%px",      "%pK",         "%pI4",      "%pI6",
                                     "%pi4",     "%pi6",        "%pI6c",     "%pI4x z",
                                     "%pks",     "%pk",         "%ps",       "%pS",
                                     "%pB",      "%pM",         "%p%",       "%",
                                     "%%",       "%%%d",        "%d%d%d%d",  "%q",
                                     "%l",       "%llll",       "%lls",      "%sx",
                                     "%s.",      "%hd",         "%#x",       "%.3d",
                                     "%*d",      "\x01",        "\x80",      "caf\xc3\xa9",
                                     "%0 5d",    "%1000d",      "%1500d",    "no",
                                     "%5%",      "%-",          "% ",        "%08llx",
                                     "%-+8d|",   "%lc",         "%f",        "%e",
                                     "%pI5",     "%pIX",        "%pxyz."};
    const char *text = texts[draw(code, ARRAY_SIZE(texts))];
    uint32_t size = (uint32_t)strlen(text) + (draw(code, 8) ? 1 : 0);

    if (!size)
        size = 1;
    say(code, "trace_printk(\"%s\", %u) ", text, size);
    put_stack(code, TEXT, text, strlen(text) + 1);
    put_stack(code, MEM, "ten bytes", 10);
    point(code, 1, TEXT);
    set(code, 2, size);
    if (strchr(text, 's') || strstr(text, "%p")) { /* addresses that mean the same in both worlds */
        point(code, 3, MEM);
        copy(code, 4, 3);
        copy(code, 5, 3);
        if (strstr(text, "%p") && !strpbrk(text, "Iius")) {
            set(code, 3, 0x1234);
            set(code, 4, 0);
        }
        if (strstr(text, "%ps") || strstr(text, "%pS") || strstr(text, "%pB"))
            set(code, 3, 0x1234);
    } else {
        set(code, 3, some_value(code));
        set(code, 4, some_value(code));
        set(code, 5, 1 + draw(code, 255));
    }
    call(code, 6);
}

/* Constant texts lie in a frozen map, one every 64 bytes. */
static const char *const constants[] = {"%d %u %x",
                                        "%ld %lu %lx",
                                        "%lld|%llx",
                                        "%5d|%-5d|%05d",
                                        "%+d|% d|%+5d",
                                        "%i %X",
                                        "%s",
                                        "%10s|",
                                        "%-12s|%s",
                                        "%c%5c",
                                        "%px",
                                        "%pI4",
                                        "%pI6",
                                        "%pi4",
                                        "%pi6",
                                        "%pI6c",
                                        "%pI4x z",
                                        "%pks",
                                        "%s %s %s",
                                        "%s.",
                                        "%%%d",
                                        "%0 5d",
                                        "%-+8d|",
                                        "%08llx",
                                        "no conversion",
                                        "%20s|%-20s|",
                                        "%pS|",
                                        "%ps",
                                        "%pB",
                                        "caf\xc3\xa9 %d",
                                        "%70d|%5d",
                                        "%-70s|",
                                        "",
                                        "ten",
                                        "ten bytes",
                                        "ten bytez",
                                        "ten bytes and more"};

static void set_constant(struct code *code, uint8_t reg, uint32_t index)
{
    emit(code, 0x18, reg, 6 /* SKEP_PSEUDO_MAP_IDX_VALUE */, 0, 0);
    emit(code, 0, 0, 0, 0, (int32_t)index * 64);
}

/* The text itself: it is written to the stack, and the stack goes into r0. */
static void ask_snprintf(struct code *code)
{
    static const uint8_t zeros[64];
    uint32_t index = draw(code, 33), size = draw(code, 3) ? 64 : draw(code, 64);
    const char *text = constants[index];

    say(code, "snprintf(\"%s\", %u) ", text, size);
    put_stack(code, TEXT, "ten bytes", 10);
    for (int16_t i = 0; i < 3; i++) {
        bool is_symbol = strstr(text, "%ps") || strstr(text, "%pS") || strstr(text, "%pB") ||
                         strstr(text, "%px");

        if ((strchr(text, 's') || strstr(text, "%p")) && !is_symbol)
            point(code, 0, TEXT);
        else
            set(code, 0, is_symbol ? 0x1234 : some_value(code));
        emit(code, 0x7b, 10, 0, (int16_t)(STACK + i * 8), 0);
    }
    point(code, 1, MEM);
    set(code, 2, size);
    set_constant(code, 3, index);
    point(code, 4, STACK);
    set(code, 5, 24);
    call(code, 165);
    put_stack(code, STACK, zeros, sizeof zeros); /* addresses are each world's own */
}

static void ask_strncmp(struct code *code)
{
    uint32_t index = 32 + draw(code, 5), size = 1 + draw(code, 16);

    say(code, "strncmp(%u, \"%s\") ", size, constants[index]);
    put_stack(code, TEXT, "ten bytes\0more", 15);
    point(code, 1, TEXT);
    set(code, 2, size);
    set_constant(code, 3, index);
    call(code, 182);
}

static void ask_vprintk(struct code *code)
{
    static const uint32_t sizes[] = {0, 7, 8, 16, 24, 24, 24, 96, 104, 128};
    static const char *texts[] = {"%d %d %d", "%d", "no", "%llx %c"};
    const char *text = PICK(code, texts);
    uint32_t size = PICK(code, sizes);

    say(code, "trace_vprintk(\"%s\", %u) ", text, size);
    put_stack(code, TEXT, text, strlen(text) + 1);
    point(code, 1, TEXT);
    set(code, 2, strlen(text) + 1);
    point(code, 3, STACK);
    if (!size)
        set(code, 3, 0);
    set(code, 4, size);
    call(code, 177);
}

/* -- both worlds ------------------------------------------------------------------------------- */

struct world {
    struct skep_runtime *runtime;
    struct skep_map *texts;
    int texts_fd;
    bool has_kernel;
    uint32_t asked, refused;
    char log[65536];
};

static int kernel_load(struct world *world, const struct code *code)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 1, .log_buf = world->log,
                .log_size = sizeof world->log);

    static struct skep_insn insns[CODE_ROOM];

    memcpy(insns, code->insns, code->count * sizeof *insns);
    for (uint32_t i = 0; i < code->count; i++)
        if (insns[i].code == 0x18 && insns[i].regs >> 4 == 6) {
            insns[i].regs = (uint8_t)((insns[i].regs & 15) | BPF_PSEUDO_MAP_VALUE << 4);
            insns[i].imm = world->texts_fd;
        }
    world->log[0] = '\0';
    if (code->type == BPF_PROG_TYPE_SYSCALL)
        opts.prog_flags = BPF_F_SLEEPABLE;
    return bpf_prog_load(code->type, "t", "GPL", (const struct bpf_insn *)insns, code->count,
                         &opts);
}

static void fill_packet(struct code *code, uint8_t *packet, uint32_t size)
{
    static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd,
                                     0x8100, 0x88a8, 0x0806, 0x0100};
    uint16_t type = PICK(code, types);

    for (uint32_t i = 0; i < size; i++)
        packet[i] = (uint8_t)draw(code, 256);
    if (!draw(code, 4))
        memset(packet, draw(code, 2) ? 0 : 0xff, 6);
    packet[12] = (uint8_t)(type >> 8);
    packet[13] = (uint8_t)type;
    if ((type == 0x8100 || type == 0x88a8) && size > 20) {
        type = PICK(code, types);
        packet[16] = (uint8_t)(type >> 8);
        packet[17] = (uint8_t)type;
    }
}

struct outcome {
    int rc;
    uint32_t r0;
    size_t size;
    uint8_t packet[PACKET_ROOM];
};

/* False: the verifier refused the program. */
static bool run_kernel(struct world *world, const struct code *code, const uint8_t *packet,
                       struct outcome *out)
{
    bool has_packet = code->type != BPF_PROG_TYPE_SYSCALL;
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = has_packet ? packet : NULL,
                .data_size_in = has_packet ? code->packet_size : 0,
                .data_out = has_packet ? out->packet : NULL,
                .data_size_out = has_packet ? sizeof out->packet : 0);
    int fd = kernel_load(world, code);

    if (fd < 0)
        return false;
    out->rc = bpf_prog_test_run_opts(fd, &opts);
    out->r0 = opts.retval;
    out->size = opts.data_size_out;
    close(fd);
    return true;
}

static void run_ours(struct world *world, const struct code *code, const uint8_t *packet,
                     struct outcome *out)
{
    bool has_packet = code->type != BPF_PROG_TYPE_SYSCALL;
    struct skep_prog_code source = {.size = sizeof source,
                                    .name = "t",
                                    .type = code->type,
                                    .flags = has_packet ? 0 : BPF_F_SLEEPABLE,
                                    .insns = code->insns,
                                    .insn_count = code->count,
                                    .maps = &world->texts,
                                    .map_count = 1};
    struct skep_test_run run = {.size = sizeof run,
                                .data_in = has_packet ? packet : NULL,
                                .data_size_in = has_packet ? code->packet_size : 0,
                                .data_out = has_packet ? out->packet : NULL,
                                .data_size_out = has_packet ? sizeof out->packet : 0};
    struct skep_error err = {.size = sizeof err};
    struct skep_prog *prog = NULL;

    out->rc = skep_prog_load(world->runtime, &source, &prog, &err);
    if (!out->rc)
        out->rc = skep_prog_test_run(prog, &run, &err);
    snprintf(world->log, sizeof world->log, "%s", out->rc ? err.text : "");
    skep_prog_unref(prog);
    out->r0 = (uint32_t)run.retval;
    out->size = run.data_size_out;
}

typedef void (*ask_fn)(struct code *);
struct asks {
    const ask_fn *asks;
    uint32_t count, calls;
};

/* The same program for the same seed. */
static void make(struct code *code, const struct asks *asks)
{
    uint32_t turns;

    begin(code);
    turns = 1 + draw(code, asks->calls);
    for (uint32_t i = 0; i < turns; i++)
        asks->asks[draw(code, asks->count)](code);
    end(code);
}

static struct outcome theirs, ours;

static bool differ(void)
{
    return theirs.rc != ours.rc ||
           (!theirs.rc && (theirs.r0 != ours.r0 || theirs.size != ours.size ||
                           memcmp(theirs.packet, ours.packet, ours.size)));
}

/* Which of the values that the program saw is the first to differ? */
static void explain(struct world *world, struct code *code, const struct asks *asks, uint64_t seed,
                    const uint8_t *packet)
{
    uint32_t values = code->mixed;

    for (uint32_t i = 1; i <= values; i++) {
        code->only = i;
        code->seed = seed;
        make(code, asks);
        if (!run_kernel(world, code, packet, &theirs))
            continue;
        run_ours(world, code, packet, &ours);
        if (theirs.rc != ours.rc || (!theirs.rc && theirs.r0 != ours.r0))
            fail_msg("%s on %u bytes (type %02x%02x): value %u of %u is %d (0x%x), kernel %d "
                     "(0x%x); codes %d and %d %s",
                     code->said, code->packet_size, packet[12], packet[13], i, values, (int)ours.r0,
                     ours.r0, (int)theirs.r0, theirs.r0, ours.rc, theirs.rc, world->log);
    }
    fail_msg("%s on %u bytes (type %02x%02x): %zu bytes come out, kernel %zu", code->said,
             code->packet_size, packet[12], packet[13], ours.size, theirs.size);
}

static void ask_many(struct world *world, uint32_t type, const ask_fn *fns, size_t count,
                     uint32_t programs, uint32_t calls)
{
    const struct asks asks = {fns, (uint32_t)count, calls};
    static struct code code;
    static uint8_t packet[PACKET_ROOM];

    if (!world->has_kernel) {
        print_message("bpf(2) is refused here: no kernel to compare with\n");
        skip();
    }
    /* For a longer look than the daily one. */
    if (getenv("SKEP_TEST_ROUNDS"))
        programs *= (uint32_t)atoi(getenv("SKEP_TEST_ROUNDS"));
    code.type = type;
    code.only = 0;
    code.seed = UINT64_C(0x9e3779b97f4a7c15) * (type + 1);
    world->asked = world->refused = 0;
    for (uint32_t n = 0; n < programs; n++) {
        uint64_t seed;

        code.packet_size = 14 + draw(&code, draw(&code, 4) ? 200 : 1500);
        fill_packet(&code, packet, code.packet_size);
        seed = code.seed;
        make(&code, &asks);
        if (!run_kernel(world, &code, packet, &theirs)) {
            world->refused++;
            if (getenv("SKEP_TEST_VERBOSE"))
                print_message("refused: %s\n%s\n", code.said, world->log);
            continue;
        }
        world->asked++;
        run_ours(world, &code, packet, &ours);
        if (differ())
            explain(world, &code, &asks, seed, packet);
    }
    print_message("%u programs compared, %u that the verifier refused\n", world->asked,
                  world->refused);
    assert_true(world->asked > programs / 2);
}

static void test_tc_helpers_do_to_packets_what_the_kernels_do(void **state)
{
    static const ask_fn asks[] = {
        ask_load, ask_store, ask_csum_replace, ask_csum_diff, ask_tail,     ask_head, ask_room,
        ask_vlan, ask_proto, ask_small,        ask_tstamp,    ask_redirect, ask_room, ask_vlan};

    ask_many(*state, BPF_PROG_TYPE_SCHED_CLS, asks, ARRAY_SIZE(asks), 1500, 6);
}

static void test_xdp_helpers_do_to_packets_what_the_kernels_do(void **state)
{
    static const ask_fn asks[] = {ask_load,     ask_store,  ask_csum_diff, ask_xdp_room,
                                  ask_xdp_room, ask_length, ask_redirect};

    ask_many(*state, BPF_PROG_TYPE_XDP, asks, ARRAY_SIZE(asks), 1000, 6);
}

static void test_socket_filters_read_what_they_read_in_the_kernel(void **state)
{
    static const ask_fn asks[] = {ask_load};

    ask_many(*state, BPF_PROG_TYPE_SOCKET_FILTER, asks, ARRAY_SIZE(asks), 300, 6);
}

static void test_numbers_are_read_from_text_as_in_the_kernel(void **state)
{
    static const ask_fn asks[] = {ask_strtol};

    ask_many(*state, BPF_PROG_TYPE_SYSCALL, asks, ARRAY_SIZE(asks), 500, 4);
}

static void test_formats_are_refused_and_measured_as_in_the_kernel(void **state)
{
    static const ask_fn asks[] = {ask_printk, ask_printk, ask_vprintk};

    ask_many(*state, BPF_PROG_TYPE_SYSCALL, asks, ARRAY_SIZE(asks), 500, 1);
}

static void test_texts_are_those_of_the_kernel(void **state)
{
    static const ask_fn asks[] = {ask_snprintf, ask_snprintf, ask_strncmp};

    ask_many(*state, BPF_PROG_TYPE_SYSCALL, asks, ARRAY_SIZE(asks), 500, 1);
}

/* The same texts in the same read-only, frozen map, in both worlds. */
static bool make_texts(struct world *world)
{
    static char value[ARRAY_SIZE(constants) * 64];
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
    struct skep_map_def def = {.size = sizeof def,
                               .name = "texts",
                               .type = SKEP_MAP_TYPE_ARRAY,
                               .key_size = 4,
                               .value_size = sizeof value,
                               .max_entries = 1,
                               .flags = BPF_F_RDONLY_PROG};
    struct skep_error err = {.size = sizeof err};
    uint32_t key = 0;

    for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
        strncpy(value + i * 64, constants[i], 63);
    if (skep_map_create(world->runtime, &def, &world->texts, &err) ||
        skep_map_update(world->texts, &key, sizeof key, value, sizeof value, 0) ||
        skep_map_freeze(world->texts))
        return false;
    world->texts_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "texts", 4, sizeof value, 1, &opts);
    if (world->texts_fd >= 0 &&
        (bpf_map_update_elem(world->texts_fd, &key, value, 0) || bpf_map_freeze(world->texts_fd)))
        return false;
    return true;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    struct skep_error err = {.size = sizeof err};
    struct code code = {.type = BPF_PROG_TYPE_XDP};
    int fd;

    if (!world || skep_runtime_create(NULL, &world->runtime, &err) || !make_texts(world))
        return -1;
    begin(&code);
    end(&code);
    fd = kernel_load(world, &code);
    world->has_kernel = fd >= 0;
    if (fd >= 0)
        close(fd);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    skep_map_unref(world->texts);
    skep_runtime_unref(world->runtime);
    if (world->texts_fd >= 0)
        close(world->texts_fd);
    free(world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tc_helpers_do_to_packets_what_the_kernels_do),
        cmocka_unit_test(test_xdp_helpers_do_to_packets_what_the_kernels_do),
        cmocka_unit_test(test_socket_filters_read_what_they_read_in_the_kernel),
        cmocka_unit_test(test_numbers_are_read_from_text_as_in_the_kernel),
        cmocka_unit_test(test_formats_are_refused_and_measured_as_in_the_kernel),
        cmocka_unit_test(test_texts_are_those_of_the_kernel),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
