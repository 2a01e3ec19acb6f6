/* value.c - bytes as the value of a type: JSON as `bpftool map dump` formats it, or C-like text on one line.
 *
 *     JSON    {"hits":3,"flags":"0x5","name":"eth0","next":[1,2]}     (bit-fields and 128 bits: hexadecimal strings)
 *     text    {.hits = 3, .flags = 5, .name = "eth0", .next = {1, 2}}
 *
 * The bytes come in the order of an object, not always the host's. Nothing in the types is trusted to fit the bytes:
 * every read is checked, and the work is bounded, for unions of unions can be spelled out without end.
 */
#include "btf/btf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "base/text.h"

enum { MAX_NEST = 128, FLUSH_AT = 4096 };

struct printer {
    const struct skep_btf *btf;
    const uint8_t *bytes;
    size_t size;
    bool is_json, is_big;
    uint32_t nest;
    uint64_t budget;
    struct text text;
    skep_print_fn print;
    void *user;
};
struct wide { /* up to 128 bits */
    uint64_t high, low;
};

static void fail(struct printer *p, int code)
{
    if (!p->text.code)
        p->text.code = code;
}

static bool spend(struct printer *p)
{
    if (p->budget)
        p->budget--;
    else
        fail(p, -SKEP_E2BIG);
    if (p->text.count > FLUSH_AT && !p->text.code) {
        p->text.code = p->print(p->user, p->text.items, p->text.count);
        p->text.count = 0;
    }
    return !p->text.code;
}

/* `length` bytes at `at`, or NULL and a failure. */
static const uint8_t *bytes_at(struct printer *p, uint64_t at, uint64_t length)
{
    if (check_range(at, length, p->size))
        return p->bytes + at;
    fail(p, -SKEP_EINVAL);
    return NULL;
}

/* -- bits -------------------------------------------------------------------------------------- */
/* `count` bits that begin `first` bits into the bytes at `at`. Little-endian counts from each byte's lowest bit,
 * big-endian from its highest. */
static struct wide read_bits(struct printer *p, uint64_t at, uint64_t first, uint32_t count)
{
    const uint8_t *bytes = count > 128 ? NULL : bytes_at(p, at, (first + count + 7) / 8);
    struct wide out = {0, 0};
    uint64_t bit;

    if (!bytes)
        fail(p, -SKEP_EINVAL);
    for (uint32_t i = 0; bytes && i < count; i++) {
        bit = p->is_big ? first + i : first + count - 1 - i;
        out.high = out.high << 1 | out.low >> 63;
        out.low = out.low << 1 | (bytes[bit / 8] >> (p->is_big ? 7 - bit % 8 : bit % 8) & 1);
    }
    return out;
}

static int64_t sign_extend(uint64_t value, uint32_t bits)
{
    return bits && bits < 64 ? (int64_t)(value << (64 - bits)) >> (64 - bits) : (int64_t)value;
}

static void put_hex(struct printer *p, struct wide value)
{
    const char *quote = p->is_json ? "\"" : "";

    if (value.high)
        text_printf(&p->text, "%s0x%" PRIx64 "%016" PRIx64 "%s", quote, value.high, value.low,
                    quote);
    else
        text_printf(&p->text, "%s0x%" PRIx64 "%s", quote, value.low, quote);
}

static void put_number(struct printer *p, uint64_t value, uint32_t bits, bool is_signed)
{
    if (is_signed)
        text_printf(&p->text, "%" PRId64, sign_extend(value, bits));
    else
        text_printf(&p->text, "%" PRIu64, value);
}

/* -- scalars ----------------------------------------------------------------------------------- */
static bool is_plain_width(uint32_t bits)
{
    return bits == 8 || bits == 16 || bits == 32 || bits == 64;
}

static void print_int(struct printer *p, uint32_t id, uint64_t at)
{
    struct btf_integer integer = btf_integer_of(p->btf, id);
    struct wide value = read_bits(p, at, integer.offset, integer.bits);
    char one;

    if (integer.offset || !is_plain_width(integer.bits)) {
        put_hex(p, value);
    } else if (integer.flags & SKEP_INT_BOOL) {
        text_str(&p->text, value.low ? "true" : "false");
    } else if (integer.flags & SKEP_INT_CHAR && integer.bits == 8) {
        one = (char)value.low;
        if (!p->is_json)
            put_number(p, value.low, 8, integer.flags & SKEP_INT_SIGNED);
        else if (value.low >= 0x80)
            text_printf(&p->text, "\"\\u00%02x\"", (unsigned)value.low);
        else
            text_json(&p->text, &one, 1);
    } else {
        put_number(p, value.low, integer.bits, integer.flags & SKEP_INT_SIGNED);
    }
}

static void print_enum(struct printer *p, uint32_t id, uint64_t at)
{
    uint32_t bits = btf_size_field(p->btf, id) * 8, length = btf_length(p->btf, id);
    uint64_t value = read_bits(p, at, 0, bits).low;
    struct btf_enumerator item;

    for (uint32_t i = 0; i < length && spend(p); i++) {
        item = btf_enumerator_at(p->btf, id, i);
        if (sign_extend((uint64_t)item.value, bits) != sign_extend(value, bits))
            continue;
        if (p->is_json)
            text_json(&p->text, item.name, strlen(item.name));
        else
            text_str(&p->text, item.name);
        return;
    }
    put_number(p, value, bits, true);
}

/* The shortest decimal that reads back as the same value. */
static void print_float(struct printer *p, uint32_t id, uint64_t at)
{
    uint32_t size = btf_size_field(p->btf, id), bits;
    const uint8_t *bytes = bytes_at(p, at, size);
    uint64_t pattern;
    double value = 0;
    float narrow = 0;
    char text[64];

    if (!bytes)
        return;
    if (size == 4) {
        bits = load_u32(bytes, p->is_big);
        memcpy(&narrow, &bits, sizeof narrow);
        value = (double)narrow;
    } else if (size == 8) {
        pattern = load_u64(bytes, p->is_big);
        memcpy(&value, &pattern, sizeof value);
    } else {
        /* x87's, IEEE's quadruple and half precision share sizes across targets: bits say more. */
        put_hex(p, read_bits(p, at, 0, size * 8));
        return;
    }
    if (!__builtin_isfinite(value)) {
        text_printf(&p->text, p->is_json ? "\"%s\"" : "%s",
                    __builtin_isnan(value) ? "nan"
                    : value < 0            ? "-inf"
                                           : "inf");
        return;
    }
    for (int digits = size == 4 ? 6 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (size == 4 ? !(strtof(text, NULL) < narrow) && !(strtof(text, NULL) > narrow)
                      : !(strtod(text, NULL) < value) && !(strtod(text, NULL) > value))
            break;
    }
    text_str(&p->text, text);
}

static void print_ptr(struct printer *p, uint64_t at)
{
    uint64_t value = read_bits(p, at, 0, p->btf->pointer_size * 8u).low;

    text_printf(&p->text, p->is_json ? "%" PRIu64 : "0x%" PRIx64, value);
}

/* -- compounds --------------------------------------------------------------------------------- */
static void print_any(struct printer *p, uint32_t id, uint64_t at);

/* An array of plain char (not of a typedef of it) with a NUL and only printable characters before it. */
static bool is_text(struct printer *p, struct btf_elements array, uint64_t at, size_t *length)
{
    const uint32_t qualifiers = BTF_MODIFIERS & ~BTF_MASK(BTF_TYPEDEF);
    const uint8_t *bytes;
    uint32_t id = array.type;

    while (btf_is(p->btf, id, qualifiers))
        id = btf_ref(p->btf, id);
    if (!btf_is(p->btf, id, BTF_MASK(BTF_INT)) || btf_size_field(p->btf, id) != 1 ||
        !(btf_integer_of(p->btf, id).flags == SKEP_INT_CHAR ||
          !strcmp(btf_name_of(p->btf, id), "char")) ||
        !check_range(at, array.count, p->size))
        return false;
    bytes = p->bytes + at;
    for (*length = 0; *length < array.count; ++*length) {
        if (!bytes[*length])
            return true;
        if (bytes[*length] < 0x20 || bytes[*length] > 0x7e)
            return false;
    }
    return false;
}

static void print_array(struct printer *p, uint32_t id, uint64_t at)
{
    struct btf_elements array = btf_elements_of(p->btf, id);
    int64_t step = skep_btf_size(p->btf, array.type);
    size_t length;

    if (is_text(p, array, at, &length)) {
        text_json(&p->text, (const char *)p->bytes + at, length);
        return;
    }
    if (step < 0) {
        fail(p, -SKEP_EINVAL);
        return;
    }
    text_str(&p->text, p->is_json ? "[" : "{");
    for (uint32_t i = 0; i < array.count && spend(p); i++) {
        if (i)
            text_str(&p->text, p->is_json ? "," : ", ");
        print_any(p, array.type, at + (uint64_t)i * (uint64_t)step);
    }
    text_str(&p->text, p->is_json ? "]" : "}");
}

static void put_key(struct printer *p, const char *name, bool is_first)
{
    if (!is_first)
        text_str(&p->text, p->is_json ? "," : ", ");
    if (p->is_json) {
        text_json(&p->text, name, strlen(name));
        text_str(&p->text, ":");
    } else if (*name) {
        text_str(&p->text, ".");
        text_str(&p->text, name);
        text_str(&p->text, " = ");
    }
}

static void print_bits(struct printer *p, struct btf_field field, uint64_t at)
{
    uint32_t id = btf_resolve(p->btf, field.type);
    struct wide value = read_bits(p, at, field.bit_offset, field.bit_size);
    bool is_signed =
        btf_is(p->btf, id, BTF_MASK(BTF_INT)) && btf_integer_of(p->btf, id).flags & SKEP_INT_SIGNED;

    if (p->is_json || field.bit_size > 64)
        put_hex(p, value);
    else
        put_number(p, value.low, field.bit_size, is_signed);
}

static void print_composite(struct printer *p, uint32_t id, uint64_t at)
{
    text_str(&p->text, "{");
    for (uint32_t i = 0; i < btf_length(p->btf, id) && spend(p); i++) {
        struct btf_field field = btf_field_at(p->btf, id, i);
        put_key(p, field.name, !i);
        if (field.bit_size)
            print_bits(p, field, at);
        else
            print_any(p, field.type, at + field.bit_offset / 8);
    }
    text_str(&p->text, "}");
}

/* JSON: {".data":[{"hits":3},{"rule":...}]}; text: {.hits = 3, .rule = ...}. */
static void print_var(struct printer *p, uint32_t id, uint64_t at)
{
    text_str(&p->text, "{");
    put_key(p, btf_name_of(p->btf, id), true);
    print_any(p, btf_ref(p->btf, id), at);
    text_str(&p->text, "}");
}

static void print_datasec(struct printer *p, uint32_t id, uint64_t at)
{
    text_str(&p->text, "{");
    if (p->is_json) {
        put_key(p, btf_name_of(p->btf, id), true);
        text_str(&p->text, "[");
    }
    for (uint32_t i = 0; i < btf_length(p->btf, id) && spend(p); i++) {
        struct btf_placed placed = btf_placed_at(p->btf, id, i);
        if (p->is_json) {
            text_str(&p->text, i ? "," : "");
            print_any(p, placed.type, at + placed.offset);
        } else {
            put_key(p, btf_name_of(p->btf, placed.type), !i);
            print_any(p, btf_ref(p->btf, placed.type), at + placed.offset);
        }
    }
    text_str(&p->text, p->is_json ? "]}" : "}");
}

static void print_any(struct printer *p, uint32_t id, uint64_t at)
{
    if (!spend(p))
        return;
    if (++p->nest > MAX_NEST)
        fail(p, -SKEP_ELOOP);
    id = btf_resolve(p->btf, id);
    switch (p->text.code ? BTF_VOID : btf_kind_of(p->btf, id)) {
    case BTF_INT:
        print_int(p, id, at);
        break;
    case BTF_ENUM:
    case BTF_ENUM64:
        print_enum(p, id, at);
        break;
    case BTF_FLOAT:
        print_float(p, id, at);
        break;
    case BTF_PTR:
        print_ptr(p, at);
        break;
    case BTF_ARRAY:
        print_array(p, id, at);
        break;
    case BTF_STRUCT:
    case BTF_UNION:
        print_composite(p, id, at);
        break;
    case BTF_VAR:
        print_var(p, id, at);
        break;
    case BTF_DATASEC:
        print_datasec(p, id, at);
        break;
    default: /* nothing has a value of such a type */
        text_str(&p->text, "null");
        break;
    }
    p->nest--;
}

int skep_btf_print_value(const struct skep_btf *btf, uint32_t id, const void *bytes, size_t size,
                         uint32_t flags, skep_print_fn print, void *user)
{
    struct printer p = {.btf = btf,
                        .bytes = bytes,
                        .size = size,
                        .is_json = flags & SKEP_VALUE_JSON,
                        .is_big = flags & SKEP_VALUE_BIG_ENDIAN,
                        .budget = 100000 + (uint64_t)size * 16,
                        .print = print,
                        .user = user};
    int64_t needed = skep_btf_size(btf, id);
    int code;

    if (id >= btf->count || needed < 0 || (uint64_t)needed > size)
        return -SKEP_EINVAL;
    print_any(&p, id, 0);
    code = p.text.code;
    if (!code && p.text.count)
        code = print(user, p.text.items, p.text.count);
    text_free(&p.text);
    return code;
}
