/* fixture.h - what the tests of this room share: cmocka's includes, text sinks, opening what was built. */
#ifndef TEST_BTF_FIXTURE_H
#define TEST_BTF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/reader.h"
#include "base/text.h"
#include "btf/builder.h"

static inline int sink(void *user, const char *piece, size_t length)
{
    struct text *text = user;

    text_add(text, piece, length);
    return text->code;
}

/* Encode in a byte order, parse, and be done with the builder. */
static inline struct skep_btf *open_built(struct builder *b, bool is_big)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;

    if (builder_encode(b, is_big, &bytes, &size, &err) || btf_parse(bytes, size, &btf, &err))
        fail_msg("%s", err.text);
    free(bytes);
    builder_free(b);
    return btf;
}

/* What a dump in this format says; free it. */
static inline char *dump_text(const struct skep_btf *btf, uint32_t format, size_t *length)
{
    struct text text = {0};

    assert_int_equal(skep_btf_dump(btf, format, sink, &text), 0);
    if (length)
        *length = text.count;
    return text.items ? text.items : calloc(1, 1);
}

#endif
