/* dump.c - types one by one, as `bpftool btf dump` writes them: a line each with their items indented, or JSON.
 *
 * Both forms say the same: one walk names every attribute once and the writer decides how it looks.
 */
#include "btf/dump.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

struct writer {
    const struct skep_btf *btf;
    struct text text; /* gathers a type, or a few thousand characters of one */
    skep_print_fn print;
    void *user;
    bool is_json;
    uint32_t items; /* of the type at hand, so far */
};

enum { FLUSH_AT = 16 * 1024 };

static int flush(struct writer *w)
{
    int code = w->text.code;

    if (!code && w->text.count)
        code = w->print(w->user, w->text.items, w->text.count);
    w->text.count = 0;
    w->text.code = code;
    return code;
}

/* -- attributes -------------------------------------------------------------------------------- */
static void put_number(struct writer *w, const char *key, int64_t value)
{
    text_printf(&w->text, w->is_json ? ",\"%s\":%" PRId64 : " %s=%" PRId64, key, value);
}

static void put_word(struct writer *w, const char *key, const char *value)
{
    text_printf(&w->text, w->is_json ? ",\"%s\":\"%s\"" : " %s=%s", key, value);
}

static void put_name(struct writer *w, uint32_t offset)
{
    const char *name = offset ? btf_string(w->btf, offset) : "(anon)";

    if (w->is_json) {
        text_json(&w->text, name, strlen(name));
        return;
    }
    text_str(&w->text, "'");
    text_str(&w->text, name);
    text_str(&w->text, "'");
}

static void open_items(struct writer *w, const char *key)
{
    w->items = 0;
    if (w->is_json)
        text_printf(&w->text, ",\"%s\":[", key);
}

static void open_item(struct writer *w)
{
    text_str(&w->text, !w->is_json ? "\n\t" : w->items ? ",{" : "{");
    w->items++;
    if (w->text.count > FLUSH_AT)
        flush(w);
}

static void open_named_item(struct writer *w, uint32_t name)
{
    open_item(w);
    if (w->is_json)
        text_str(&w->text, "\"name\":");
    put_name(w, name);
}

static void close_item(struct writer *w)
{
    if (w->is_json)
        text_str(&w->text, "}");
}

static void close_items(struct writer *w)
{
    if (w->is_json)
        text_str(&w->text, "]");
}

/* -- kinds ------------------------------------------------------------------------------------- */
static const char *linkage_name(uint32_t linkage)
{
    static const char *const names[] = {"static", "global", "extern"};

    return linkage <= BTF_EXTERN ? names[linkage] : "(unknown)";
}

static void write_int(struct writer *w, uint32_t id)
{
    struct btf_integer integer = btf_integer_of(w->btf, id);
    const char *encoding = "UNKN";

    if (!integer.flags)
        encoding = "(none)";
    else if (integer.flags == SKEP_INT_SIGNED)
        encoding = "SIGNED";
    else if (integer.flags == SKEP_INT_CHAR)
        encoding = "CHAR";
    else if (integer.flags == SKEP_INT_BOOL)
        encoding = "BOOL";
    put_number(w, "size", btf_size_field(w->btf, id));
    put_number(w, "bits_offset", integer.offset);
    put_number(w, "nr_bits", integer.bits);
    put_word(w, "encoding", encoding);
}

static void write_array(struct writer *w, uint32_t id)
{
    struct btf_elements array = btf_elements_of(w->btf, id);

    put_number(w, "type_id", array.type);
    put_number(w, "index_type_id", array.index);
    put_number(w, "nr_elems", array.count);
}

static void write_composite(struct writer *w, uint32_t id)
{
    uint32_t length = btf_length(w->btf, id);
    const uint32_t *item = btf_record(w->btf, id) + 3;

    put_number(w, "size", btf_size_field(w->btf, id));
    put_number(w, "vlen", length);
    open_items(w, "members");
    for (uint32_t i = 0; i < length; i++, item += 3) {
        struct btf_field field = btf_field_at(w->btf, id, i);
        open_named_item(w, item[0]);
        put_number(w, "type_id", field.type);
        put_number(w, "bits_offset", field.bit_offset);
        if (field.bit_size)
            put_number(w, "bitfield_size", field.bit_size);
        close_item(w);
    }
    close_items(w);
}

static void write_enum(struct writer *w, uint32_t id)
{
    uint32_t length = btf_length(w->btf, id);
    bool is_signed = btf_flag(w->btf, id), is_wide = btf_is(w->btf, id, BTF_MASK(BTF_ENUM64));
    const uint32_t *item = btf_record(w->btf, id) + 3;

    put_word(w, "encoding", is_signed ? "SIGNED" : "UNSIGNED");
    put_number(w, "size", btf_size_field(w->btf, id));
    put_number(w, "vlen", length);
    open_items(w, "values");
    for (uint32_t i = 0; i < length; i++, item += is_wide ? 3 : 2) {
        int64_t value = btf_enumerator_at(w->btf, id, i).value;
        open_named_item(w, item[0]);
        if (is_signed || !is_wide)
            put_number(w, "val", value);
        else
            text_printf(&w->text, w->is_json ? ",\"val\":%" PRIu64 : " val=%" PRIu64,
                        (uint64_t)value);
        if (is_wide && !w->is_json)
            text_str(&w->text, is_signed ? "LL" : "ULL");
        close_item(w);
    }
    close_items(w);
}

static void write_prototype(struct writer *w, uint32_t id)
{
    uint32_t length = btf_length(w->btf, id);
    const uint32_t *item = btf_record(w->btf, id) + 3;

    put_number(w, "ret_type_id", btf_ref(w->btf, id));
    put_number(w, "vlen", length);
    open_items(w, "params");
    for (uint32_t i = 0; i < length; i++, item += 2) {
        open_named_item(w, item[0]);
        put_number(w, "type_id", item[1]);
        close_item(w);
    }
    close_items(w);
}

static void write_datasec(struct writer *w, uint32_t id)
{
    uint32_t length = btf_length(w->btf, id);

    put_number(w, "size", btf_size_field(w->btf, id));
    put_number(w, "vlen", length);
    open_items(w, "vars");
    for (uint32_t i = 0; i < length; i++) {
        struct btf_placed placed = btf_placed_at(w->btf, id, i);
        open_item(w);
        /* The first attribute follows nothing: no separator before it. */
        text_printf(&w->text, w->is_json ? "\"type_id\":%u" : "type_id=%u", placed.type);
        put_number(w, "offset", placed.offset);
        put_number(w, "size", placed.size);
        if (!w->is_json) {
            text_printf(&w->text, " (%s ", btf_kind_title(btf_kind_of(w->btf, placed.type)));
            put_name(w, btf_name_offset(w->btf, placed.type));
            text_str(&w->text, ")");
        }
        close_item(w);
    }
    close_items(w);
}

static void write_type(struct writer *w, uint32_t id)
{
    const struct skep_btf *btf = w->btf;

    text_printf(&w->text, w->is_json ? "{\"id\":%u,\"kind\":\"%s\",\"name\":" : "[%u] %s ", id,
                btf_kind_title(btf_kind_of(btf, id)));
    put_name(w, btf_name_offset(btf, id));
    switch (btf_kind_of(btf, id)) {
    case BTF_INT:
        write_int(w, id);
        break;
    case BTF_ARRAY:
        write_array(w, id);
        break;
    case BTF_STRUCT:
    case BTF_UNION:
        write_composite(w, id);
        break;
    case BTF_ENUM:
    case BTF_ENUM64:
        write_enum(w, id);
        break;
    case BTF_FWD:
        put_word(w, "fwd_kind", btf_flag(btf, id) ? "union" : "struct");
        break;
    case BTF_FUNC:
        put_number(w, "type_id", btf_ref(btf, id));
        put_word(w, "linkage", linkage_name(btf_linkage_of(btf, id)));
        break;
    case BTF_FUNC_PROTO:
        write_prototype(w, id);
        break;
    case BTF_VAR:
        put_number(w, "type_id", btf_ref(btf, id));
        if (!w->is_json)
            text_str(&w->text, ",");
        put_word(w, "linkage", linkage_name(btf_linkage_of(btf, id)));
        break;
    case BTF_DATASEC:
        write_datasec(w, id);
        break;
    case BTF_FLOAT:
        put_number(w, "size", btf_size_field(btf, id));
        break;
    case BTF_DECL_TAG:
        put_number(w, "type_id", btf_ref(btf, id));
        put_number(w, "component_idx", btf_component_of(btf, id));
        break;
    default: /* pointers, modifiers */
        put_number(w, "type_id", btf_ref(btf, id));
        break;
    }
}

static int dump_list(const struct skep_btf *btf, bool is_json, skep_print_fn print, void *user)
{
    struct writer w = {.btf = btf, .print = print, .user = user, .is_json = is_json};
    int code;

    if (is_json)
        text_str(&w.text, "{\"types\":[");
    for (uint32_t id = 1; id < btf->count && !w.text.code; id++) {
        if (is_json && id > 1)
            text_str(&w.text, ",");
        write_type(&w, id);
        text_str(&w.text, is_json ? "}" : "\n");
        if (w.text.count > FLUSH_AT)
            flush(&w);
    }
    if (is_json)
        text_str(&w.text, "]}\n");
    code = flush(&w);
    text_free(&w.text);
    return code;
}

int skep_btf_dump(const struct skep_btf *btf, uint32_t format, skep_print_fn print, void *user)
{
    switch (format) {
    case SKEP_BTF_RAW:
    case SKEP_BTF_JSON:
        return dump_list(btf, format == SKEP_BTF_JSON, print, user);
    case SKEP_BTF_C:
        return dump_c(btf, print, user);
    default:
        return -SKEP_EINVAL;
    }
}
