/* builtin.c - BTF of the context types, made from the same tables that programs' accesses are
 * judged by. */
#include <string.h>

#include <skep/btf.h>
#include <skep/error.h>

#include "base/check.h"
#include "base/error.h"
#include "btf/builder.h"
#include "platform/platform.h"

struct basics {
    uint32_t u8, u32, u64, index;
};

static struct basics add_basics(struct builder *b)
{
    struct basics basics;

    basics.u8 = builder_typedef(b, "__u8", builder_int(b, "unsigned char", 1, 0));
    basics.index = builder_int(b, "unsigned int", 4, 0);
    basics.u32 = builder_typedef(b, "__u32", basics.index);
    basics.u64 = builder_typedef(b, "__u64", builder_int(b, "unsigned long long", 8, 0));
    return basics;
}

/* The type of one element. Pointers stand in an anonymous union, as in uapi/linux/bpf.h, so that
 * they take 8 bytes on every machine. */
static uint32_t field_type(struct builder *b, const struct basics *basics,
                           const struct platform_field *field)
{
    static const char prefix[] = "struct ";
    uint32_t pointer, holder;
    char name[64];
    size_t length;

    if (!strcmp(field->type, "__u8"))
        return basics->u8;
    if (!strcmp(field->type, "__u32"))
        return basics->u32;
    if (!strcmp(field->type, "__u64"))
        return basics->u64;
    length = strcspn(field->type + sizeof prefix - 1, " *");
    if (length >= sizeof name)
        length = sizeof name - 1;
    memcpy(name, field->type + sizeof prefix - 1, length);
    name[length] = '\0';
    pointer = builder_ptr(b, builder_fwd(b, name, false));
    holder = builder_struct(b, BTF_UNION, "", 8);
    builder_member(b, field->name, pointer, 0, 0);
    return holder;
}

/* Declared as a pointer, and not as the __u32 that packet pointers are. */
static bool field_is_pointer(const struct platform_field *field)
{
    return field->kind != YIELD_SCALAR && field->size == 8;
}

static void add_context(struct builder *b, const struct basics *basics,
                        const struct platform_ctx *ctx)
{
    enum { FIELDS_MAX = 64 };
    uint32_t types[FIELDS_MAX];

    /* Members go to the struct added last, so their types come first. */
    for (size_t i = 0; i < ctx->field_count && i < FIELDS_MAX; i++) {
        const struct platform_field *field = &ctx->fields[i];
        types[i] = field_type(b, basics, field);
        if (field->count > 1)
            types[i] = builder_array(b, types[i], basics->index, field->count);
    }
    builder_struct(b, BTF_STRUCT, ctx->name, ctx->size);
    for (size_t i = 0; i < ctx->field_count && i < FIELDS_MAX; i++) {
        const struct platform_field *field = &ctx->fields[i];
        builder_member(b, field_is_pointer(field) ? "" : field->name, types[i],
                       (uint32_t)field->offset * 8, 0);
    }
}

int skep_btf_open_builtin(struct skep_btf **out, struct skep_error *err)
{
    struct builder b;
    struct basics basics;
    uint32_t args;
    int rc;

    if (!out)
        return error_set(err, -SKEP_EINVAL, "built-in btf: nowhere to put it");
    builder_init(&b);
    basics = add_basics(&b);
    add_context(&b, &basics, &context_xdp);
    add_context(&b, &basics, &context_sched);
    args = builder_array(&b, basics.u64, basics.index, 0);
    builder_struct(&b, BTF_STRUCT, context_raw_tracepoint.name, 0);
    builder_member(&b, "args", args, 0, 0);
    rc = builder_open(&b, out, err);
    builder_free(&b);
    return rc;
}
