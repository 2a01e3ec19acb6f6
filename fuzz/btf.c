/* btf.c - fuzz target: any bytes as type information, and what follows them as .BTF.ext.
 *
 * What parses is dumped in every format, declared, printed as values, asked CO-RE questions against a copy of itself,
 * and written back by the builder: that must parse again to the same bytes. Input: 4 bytes that choose types and
 * questions, 2 bytes length of the BTF (0xffff: all of the rest), the BTF, and the .BTF.ext.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "btf/builder.h"
#include "btf/core.h"
#include "btf/ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds)
        abort();
}

static int count_text(void *user, const char *text, size_t length)
{
    size_t *total = user;

    (void)text;
    *total += length;
    return *total > 128 * 1024; /* enough seen */
}

static void print_all(const struct skep_btf *btf, uint32_t id)
{
    static const uint8_t zeros[256] = {0};
    size_t total;
    char text[64];

    for (uint32_t format = SKEP_BTF_RAW; format <= SKEP_BTF_JSON; format++) {
        total = 0;
        skep_btf_dump(btf, format, count_text, &total);
    }
    for (uint32_t flags = 0; flags < 4; flags++) {
        total = 0;
        skep_btf_print_value(btf, id, zeros, sizeof zeros, flags, count_text, &total);
        total = 0;
        skep_btf_print_value(btf, id, btf->words, btf->word_count * 4, flags, count_text, &total);
    }
    skep_btf_declare(btf, id, "x", text, sizeof text);
    require(memchr(text, 0, sizeof text) != NULL);
}

static void read_all(const struct skep_btf *btf)
{
    struct skep_btf_member member = {.size = sizeof member};
    struct btf_field field;
    uint32_t a, b;

    for (uint32_t id = 0; id < btf->count && id < 1000; id++) {
        require(skep_btf_kind(btf, id) && skep_btf_name(btf, id));
        require(skep_btf_resolve(btf, id) < btf->count);
        require(skep_btf_size(btf, id) <= UINT32_MAX);
        skep_btf_array(btf, id, &a, &b);
        skep_btf_int(btf, id, &a, &b);
        for (uint32_t i = 0; i < 4; i++)
            skep_btf_member(btf, id, i, &member);
        if (id < 16)
            btf_find_field(btf, id, "a", &field);
        if (*btf_name_of(btf, id))
            require(btf_find_next(btf, btf_name_of(btf, id), BTF_ANY_KIND, 0) != 0);
    }
}

static void ask(const struct skep_btf *btf, const struct skep_btf *copy, const uint8_t *choice)
{
    static const char *const accesses[] = {"0",       "0:0", "0:1", "0:0:0",
                                           "0:1:2:3", "1:2", "0:2", "3"};
    struct skep_insn insns[2] = {{.code = 0x18}, {0}};
    const struct skep_btf *targets[] = {copy, btf};
    struct skep_error err = {.size = sizeof err};
    struct core_result result;
    struct core_query query;
    struct core *core;

    require(core_open(btf, targets, 2, &core, &err) == 0);
    for (uint32_t i = 0; i < 64; i++) {
        query.type = (choice[0] + i * 7u) % btf->count;
        query.access = accesses[(choice[1] + i) % 8];
        query.kind = (choice[2] + i) % CORE_KINDS;
        if (core_resolve(core, &query, &result, &err) == 0) {
            result.is_checked = false;
            core_patch(insns, 2, 0, &result, &err);
        }
    }
    core_free(core);
}

static void rebuild(const struct skep_btf *btf)
{
    struct skep_btf *again = NULL;
    struct builder builder;

    builder_from(&builder, btf);
    require(builder_open(&builder, &again, NULL) == 0);
    require(again->word_count == btf->word_count && again->string_size == btf->string_size);
    require(!memcmp(again->words, btf->words, btf->word_count * 4));
    require(!memcmp(again->strings, btf->strings, btf->string_size));
    skep_btf_free(again);
    builder_free(&builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL, *copy = NULL;
    size_t length;
    struct ext ext;
    int code;

    if (size < 6)
        return 0;
    length = load_u16(data + 4, false);
    if (length > size - 6)
        length = size - 6;
    code = skep_btf_open_mem(data + 6, length, &btf, &err);
    if (code) {
        require(code == err.code && err.text[0]);
        return 0;
    }
    require(skep_btf_open_mem(data + 6, length, &copy, &err) == 0);
    read_all(btf);
    print_all(btf, load_u16(data, false) % btf->count);
    ask(btf, copy, data);
    rebuild(btf);
    if (ext_parse(data + 6 + length, size - 6 - length, btf, &ext, &err) == 0)
        ext_free(&ext);
    skep_btf_free(btf);
    skep_btf_free(copy);
    return 0;
}
