/* declare.c - one type as C.
 *
 * C writes types inside out: `int (*f[4])(char)` is an array of pointers to functions. So the chain of types from the
 * outside (array) to the base (int) is collected first and then written from the base back: the base, pointers to the
 * left of the name, and where an array or a function comes, everything outside of it goes into parentheses before its
 * own [4] or (char).
 *
 * Layouts that C would not give by itself get unnamed bit-fields as padding ("long: 64;"), and structs whose members
 * lie off their alignment the attribute packed: text and rules are those of `bpftool btf dump format c`, so that what
 * compiles there compiles here.
 */
#include "btf/dump.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"

enum { MAX_CHAIN = 256, MAX_INDENT = 12, ALIGN_UNKNOWN = 255 };
#define QUALIFIERS (BTF_MASK(BTF_CONST) | BTF_MASK(BTF_VOLATILE) | BTF_MASK(BTF_RESTRICT))
#define TAG_KINDS  (BTF_COMPOSITES | BTF_ENUMS | BTF_MASK(BTF_FWD))

struct chain {
    uint32_t ids[MAX_CHAIN];
};

static void fail(struct declarer *d, int code)
{
    if (!d->text.code)
        d->text.code = code;
}

/* One unit of work; false when there has been too much, or something failed. */
static bool spend(struct declarer *d)
{
    if (d->budget)
        d->budget--;
    else
        fail(d, -SKEP_E2BIG);
    if (d->print && d->text.count > DUMP_FLUSH)
        declare_flush(d);
    return !d->text.code;
}

int declare_flush(struct declarer *d)
{
    if (!d->text.code && d->text.count)
        d->text.code = d->print(d->user, d->text.items, d->text.count);
    d->text.count = 0;
    return d->text.code;
}

static void indent(struct declarer *d, uint32_t level)
{
    text_add(&d->text, "\t\t\t\t\t\t\t\t\t\t\t\t", level < MAX_INDENT ? level : MAX_INDENT);
}

static const char *unique_name(struct declarer *d, uint32_t id)
{
    return d->names ? dump_names_of(d->names, id) : btf_name_of(d->btf, id);
}

/* -- alignment --------------------------------------------------------------------------------- */
static uint32_t align_of(struct declarer *d, uint32_t id);

/* 1 where the layout shows that the struct is packed, 0 where a member has no alignment. */
static uint32_t align_of_members(struct declarer *d, uint32_t id)
{
    uint32_t widest = 1, align;

    for (uint32_t i = 0; i < btf_length(d->btf, id) && spend(d); i++) {
        struct btf_field field = btf_field_at(d->btf, id, i);
        align = align_of(d, field.type);
        if (!align)
            return 0;
        if (align > widest)
            widest = align;
        if (!field.bit_size && field.bit_offset % (8 * align))
            return 1;
    }
    return btf_size_field(d->btf, id) % widest ? 1 : widest;
}

/* As the compiler would align the type; 0: it cannot. */
static uint32_t align_of(struct declarer *d, uint32_t id)
{
    const struct skep_btf *btf = d->btf;
    uint32_t align;

    while (btf_is(btf, id, BTF_MODIFIERS | BTF_MASK(BTF_ARRAY)))
        id =
            btf_is(btf, id, BTF_MASK(BTF_ARRAY)) ? btf_elements_of(btf, id).type : btf_ref(btf, id);
    if (btf_is(btf, id, BTF_MASK(BTF_PTR)))
        return btf->pointer_size;
    if (btf_is(btf, id, BTF_ENUMS | BTF_MASK(BTF_INT) | BTF_MASK(BTF_FLOAT))) {
        align = btf_size_field(btf, id);
        return align < btf->pointer_size ? align : btf->pointer_size;
    }
    if (!btf_is(btf, id, BTF_COMPOSITES))
        return 0;
    if (d->aligns && d->aligns[id] != ALIGN_UNKNOWN)
        return d->aligns[id];
    align = align_of_members(d, id);
    if (d->aligns)
        d->aligns[id] = (uint8_t)align;
    return align;
}

static bool is_packed(struct declarer *d, uint32_t id)
{
    uint32_t widest = 1, align;

    for (uint32_t i = 0; i < btf_length(d->btf, id) && spend(d); i++) {
        struct btf_field field = btf_field_at(d->btf, id, i);
        align = align_of(d, field.type);
        if (align && !field.bit_size && field.bit_offset % (8 * align))
            return true;
        if (align > widest)
            widest = align;
    }
    return btf_size_field(d->btf, id) % widest;
}

/* -- padding ----------------------------------------------------------------------------------- */
struct pad {
    const char *type;
    uint32_t bits;
};

static void put_pad(struct declarer *d, const struct pad *pad, uint64_t bits, uint32_t level)
{
    if (!spend(d))
        return;
    text_str(&d->text, "\n");
    indent(d, level);
    text_printf(&d->text, "%s: %" PRIu64 ";", pad->type, bits);
}

/* Fill bits [at, next): `align` is what the compiler aligns the next member to by itself. */
static void put_padding(struct declarer *d, uint64_t at, uint64_t next, uint32_t align,
                        bool is_in_bits, uint32_t level)
{
    const struct pad pads[] = {
        {"long", d->btf->pointer_size * 8u}, {"int", 32}, {"short", 16}, {"char", 8}};
    const struct pad *pad = pads;
    uint64_t aligned, natural;

    if (at >= next)
        return;
    /* The widest type with a boundary inside the hole; bytes where there is none. */
    while (round_up(at, pad->bits) > next && pad + 1 < pads + ARRAY_SIZE(pads))
        pad++;
    aligned = round_up(at, pad->bits);
    if (aligned > at && aligned <= next) {
        natural = align ? (at + align * 8 - 1) / (align * 8) * (align * 8) : at;
        /* The compiler gets to that boundary without help if what follows needs it: the next member by its alignment,
         * or padding too long to fit before the boundary. Not after a bit-field. */
        if (is_in_bits || (aligned == next ? natural != aligned : next - aligned <= aligned - at))
            put_pad(d, pad, is_in_bits ? aligned - at : 0, level);
        at = aligned;
    }
    for (; next - at >= pad->bits && !d->text.code; at += pad->bits)
        put_pad(d, pad, pad->bits, level);
    if (at == next || d->text.code)
        return;
    /* The rest in the narrowest type that holds it. */
    for (pad = pads + ARRAY_SIZE(pads) - 1; pad > pads && pad->bits < next - at;)
        pad--;
    put_pad(d, pad, next - at, level);
}

/* -- definitions ------------------------------------------------------------------------------- */
void declare_tag(struct declarer *d, uint32_t id)
{
    const char *name = unique_name(d, id), *keyword = "struct";

    if (btf_is(d->btf, id, BTF_ENUMS))
        keyword = "enum";
    else if (btf_is(d->btf, id, BTF_MASK(BTF_UNION)) ||
             (btf_is(d->btf, id, BTF_MASK(BTF_FWD)) && btf_flag(d->btf, id)))
        keyword = "union";
    text_str(&d->text, keyword);
    if (*name) {
        text_str(&d->text, " ");
        text_str(&d->text, name);
    }
}

void declare_struct(struct declarer *d, uint32_t id, uint32_t level)
{
    const struct skep_btf *btf = d->btf;
    bool is_union = btf_is(btf, id, BTF_MASK(BTF_UNION)), is_in_bits = false;
    bool has_attribute = !is_union && is_packed(d, id);
    uint64_t at = 0;
    int64_t size;

    if (++d->nest > DUMP_NEST)
        fail(d, -SKEP_ELOOP);
    declare_tag(d, id);
    text_str(&d->text, " {");
    for (uint32_t i = 0; i < btf_length(btf, id) && spend(d); i++) {
        struct btf_field field = btf_field_at(btf, id, i);
        put_padding(d, at, field.bit_offset, has_attribute ? 1 : align_of(d, field.type),
                    is_in_bits && field.bit_size, level + 1);
        text_str(&d->text, "\n");
        indent(d, level + 1);
        declare_type(d, field.type, field.name, level + 1);
        is_in_bits = field.bit_size;
        size = is_in_bits ? 0 : skep_btf_size(btf, field.type);
        at = field.bit_offset + (is_in_bits ? field.bit_size : size > 0 ? (uint64_t)size * 8 : 0);
        if (is_in_bits)
            text_printf(&d->text, ": %u", field.bit_size);
        text_str(&d->text, ";");
    }
    if (!is_union)
        put_padding(d, at, (uint64_t)btf_size_field(btf, id) * 8, align_of(d, id), false,
                    level + 1);
    if (btf_length(btf, id) || btf_size_field(btf, id)) {
        text_str(&d->text, "\n");
        indent(d, level);
    }
    text_str(&d->text, has_attribute ? "} __attribute__((packed))" : "}");
    d->nest--;
}

/* Sizes that C needs an attribute for. */
static const char *enum_mode(const struct skep_btf *btf, uint32_t id)
{
    if (btf_size_field(btf, id) == 1)
        return " __attribute__((mode(byte)))";
    if (btf_size_field(btf, id) != 8 || btf->pointer_size != 8)
        return "";
    for (uint32_t i = 0; btf_is(btf, id, BTF_MASK(BTF_ENUM64)) && i < btf_length(btf, id); i++)
        if ((uint64_t)btf_enumerator_at(btf, id, i).value >> 32)
            return ""; /* the value makes it wide */
    return " __attribute__((mode(word)))";
}

void declare_enum(struct declarer *d, uint32_t id, uint32_t level)
{
    const struct skep_btf *btf = d->btf;
    bool is_wide = btf_is(btf, id, BTF_MASK(BTF_ENUM64)), is_signed = btf_flag(btf, id);
    uint32_t times;

    declare_tag(d, id);
    if (!btf_length(btf, id))
        return;
    text_str(&d->text, " {");
    for (uint32_t i = 0; i < btf_length(btf, id) && spend(d); i++) {
        struct btf_enumerator item = btf_enumerator_at(btf, id, i);
        text_str(&d->text, "\n");
        indent(d, level + 1);
        text_str(&d->text, item.name);
        times = d->names ? dump_names_count(d->names, item.name) : 1;
        if (times > 1)
            text_printf(&d->text, "___%u", times);
        text_printf(&d->text, is_signed ? " = %" PRId64 : " = %" PRIu64, item.value);
        text_str(&d->text, !is_wide ? "," : is_signed ? "LL," : "ULL,");
    }
    text_str(&d->text, "\n");
    indent(d, level);
    text_str(&d->text, "}");
    text_str(&d->text, enum_mode(btf, id));
}

/* -- declarators ------------------------------------------------------------------------------- */
static uint32_t collect(struct declarer *d, uint32_t id, struct chain *chain)
{
    const uint32_t ends = TAG_KINDS | BTF_MASK(BTF_VOID) | BTF_MASK(BTF_INT) | BTF_MASK(BTF_FLOAT) |
                          BTF_MASK(BTF_TYPEDEF);

    for (uint32_t count = 0; count < MAX_CHAIN;) {
        chain->ids[count++] = id;
        if (btf_is(d->btf, id, ends))
            return count;
        if (btf_is(d->btf, id, BTF_MASK(BTF_ARRAY)))
            id = btf_elements_of(d->btf, id).type;
        else if (btf_is(d->btf, id,
                        QUALIFIERS | BTF_MASK(BTF_PTR) | BTF_MASK(BTF_TYPE_TAG) |
                            BTF_MASK(BTF_FUNC_PROTO)))
            id = btf_ref(d->btf, id);
        else
            break; /* a variable or function as a type */
    }
    fail(d, -SKEP_EINVAL);
    return 0;
}

static const char *qualifier(enum btf_kind kind)
{
    return kind == BTF_CONST ? "const" : kind == BTF_VOLATILE ? "volatile" : "restrict";
}

/* Qualifiers of what comes next are written before it; the new length of the chain. */
static uint32_t put_qualifiers(struct declarer *d, const struct chain *chain, uint32_t left)
{
    for (; left && btf_is(d->btf, chain->ids[left - 1], QUALIFIERS); left--)
        text_printf(&d->text, "%s ", qualifier(btf_kind_of(d->btf, chain->ids[left - 1])));
    return left;
}

/* Compilers repeat qualifiers of elements on arrays, and of noreturn functions on prototypes: no C has them there. */
static uint32_t drop_qualifiers(struct declarer *d, const struct chain *chain, uint32_t left)
{
    while (left && btf_is(d->btf, chain->ids[left - 1], QUALIFIERS | BTF_MASK(BTF_TYPE_TAG)))
        left--;
    return left;
}

static void put_name(struct declarer *d, const char *name, bool is_after_ptr)
{
    if (*name && !is_after_ptr)
        text_str(&d->text, " ");
    text_str(&d->text, name);
}

static void put_parameters(struct declarer *d, uint32_t id, uint32_t level)
{
    uint32_t length = btf_length(d->btf, id);

    text_str(&d->text, "(");
    if (!length || (length == 1 && !btf_parameter_at(d->btf, id, 0).type))
        text_str(&d->text, "void");
    else
        for (uint32_t i = 0; i < length && spend(d); i++) {
            struct btf_parameter parameter = btf_parameter_at(d->btf, id, i);
            if (i)
                text_str(&d->text, ", ");
            if (i + 1 == length && !parameter.type)
                text_str(&d->text, "...");
            else
                declare_type(d, parameter.type, parameter.name, level);
        }
    text_str(&d->text, ")");
}

/* The base of a chain, where it ends; qualifiers are out already. */
static void put_base(struct declarer *d, uint32_t id, uint32_t level)
{
    bool is_anonymous = !*btf_name_of(d->btf, id);

    if (!id)
        text_str(&d->text, "void");
    else if (is_anonymous && btf_is(d->btf, id, BTF_COMPOSITES))
        declare_struct(d, id, level);
    else if (is_anonymous && btf_is(d->btf, id, BTF_ENUMS))
        declare_enum(d, id, level);
    else if (btf_is(d->btf, id, TAG_KINDS))
        declare_tag(d, id);
    else
        text_str(&d->text, btf_is(d->btf, id, BTF_MASK(BTF_TYPEDEF)) ? unique_name(d, id)
                                                                     : btf_name_of(d->btf, id));
}

/* Write the chain's first `left` types, the last of them first, around the name. */
static void put_chain(struct declarer *d, const struct chain *chain, uint32_t left,
                      const char *name, uint32_t level)
{
    bool is_after_ptr = true, has_parentheses;

    while (left && !d->text.code) {
        uint32_t id = chain->ids[--left];
        enum btf_kind kind = btf_kind_of(d->btf, id);
        switch (kind) {
        case BTF_PTR:
            text_str(&d->text, is_after_ptr ? "*" : " *");
            break;
        case BTF_CONST:
        case BTF_VOLATILE:
        case BTF_RESTRICT:
            text_printf(&d->text, " %s", qualifier(kind));
            break;
        case BTF_TYPE_TAG:
            left = put_qualifiers(d, chain, left);
            text_printf(&d->text,
                        btf_flag(d->btf, id) ? " __attribute__((%s))"
                                             : " __attribute__((btf_type_tag(\"%s\")))",
                        btf_name_of(d->btf, id));
            break;
        case BTF_ARRAY:
            left = drop_qualifiers(d, chain, left);
            if (!left) {
                put_name(d, name, is_after_ptr);
            } else {
                has_parentheses = !btf_is(d->btf, chain->ids[left - 1], BTF_MASK(BTF_ARRAY));
                if (*name && !is_after_ptr)
                    text_str(&d->text, " ");
                text_str(&d->text, has_parentheses ? "(" : "");
                put_chain(d, chain, left, name, level);
                text_str(&d->text, has_parentheses ? ")" : "");
            }
            text_printf(&d->text, "[%u]", btf_elements_of(d->btf, id).count);
            return;
        case BTF_FUNC_PROTO:
            left = drop_qualifiers(d, chain, left);
            if (left) {
                text_str(&d->text, " (");
                put_chain(d, chain, left, name, level);
                text_str(&d->text, ")");
            } else {
                put_name(d, name, is_after_ptr);
            }
            put_parameters(d, id, level);
            return;
        default:
            left = put_qualifiers(d, chain, left);
            put_base(d, id, level);
            break;
        }
        is_after_ptr = kind == BTF_PTR;
    }
    put_name(d, name, is_after_ptr);
}

void declare_type(struct declarer *d, uint32_t id, const char *name, uint32_t level)
{
    struct chain chain;
    uint32_t count;

    if (++d->nest > DUMP_NEST)
        fail(d, -SKEP_ELOOP);
    count = spend(d) ? collect(d, id, &chain) : 0;
    if (count)
        put_chain(d, &chain, count, name, level);
    d->nest--;
}

void declare_typedef(struct declarer *d, uint32_t id)
{
    const char *name = unique_name(d, id);
    char copy[512];

    /* Some compilers describe va_list as void. */
    if (!btf_ref(d->btf, id) && !strcmp(name, "__gnuc_va_list")) {
        text_str(&d->text, "typedef __builtin_va_list __gnuc_va_list");
        return;
    }
    /* The name is borrowed until the next one is asked for, which happens below. */
    if (strlen(name) >= sizeof copy)
        name = btf_name_of(d->btf, id);
    else
        name = memcpy(copy, name, strlen(name) + 1);
    text_str(&d->text, "typedef ");
    declare_type(d, btf_ref(d->btf, id), name, 0);
}

int skep_btf_declare(const struct skep_btf *btf, uint32_t id, const char *name, char *text,
                     size_t room)
{
    struct declarer d = {.btf = btf, .budget = 1000000};
    size_t length;
    int result;

    if (id >= btf->count)
        return -SKEP_EINVAL;
    while (btf_is(btf, id, BTF_MASK(BTF_VAR) | BTF_MASK(BTF_FUNC) | BTF_MASK(BTF_DECL_TAG)))
        id = btf_ref(btf, id);
    declare_type(&d, id, name ? name : "", 0);
    length = d.text.count;
    result = d.text.code ? d.text.code : length > INT32_MAX ? -SKEP_E2BIG : (int)length;
    if (room) {
        if (length >= room)
            length = room - 1;
        if (length)
            memcpy(text, d.text.items, length);
        text[length] = '\0';
    }
    text_free(&d.text);
    return result;
}
