/* context.c - the contexts of context.def as tables, and finding a field in one. */
#include "platform/platform.h"

#include "base/check.h"
#include "platform/context.h"

enum { R = FIELD_R, W = FIELD_W, N = FIELD_NARROW, B = FIELD_BYTES };

/* Fields are sorted by offset; those that a type may not touch are there with no rights. */
static const struct platform_field xdp_fields[] = {
#define XDP_FIELD(name, type, offset, kind, rights, member)                                        \
    {name,                                                                                         \
     type,                                                                                         \
     offset,                                                                                       \
     4,                                                                                            \
     1,                                                                                            \
     kind,                                                                                         \
     rights,                                                                                       \
     offsetof(struct xdp_ctx, member),                                                             \
     sizeof(((struct xdp_ctx *)0)->member)},
#include "platform/context.def"
#undef XDP_FIELD
};

#define SKB_ROW(name, type, offset, size, count, kind, rights, member)                             \
    {name,                                                                                         \
     type,                                                                                         \
     offset,                                                                                       \
     size,                                                                                         \
     count,                                                                                        \
     kind,                                                                                         \
     rights,                                                                                       \
     offsetof(struct skb_ctx, member),                                                             \
     sizeof(((struct skb_ctx *)0)->member) / (count)},

static const struct platform_field socket_filter_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, kind, filter, tc, member)                       \
    SKB_ROW(name, type, offset, size, count, kind, filter, member)
#include "platform/context.def"
#undef SKB_FIELD
};

static const struct platform_field sched_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, kind, filter, tc, member)                       \
    SKB_ROW(name, type, offset, size, count, kind, tc, member)
#include "platform/context.def"
#undef SKB_FIELD
};

const struct platform_ctx context_xdp = {
    .name = "xdp_md",
    .kind = CTX_FIELDS,
    .size = 24,
    .fields = xdp_fields,
    .field_count = ARRAY_SIZE(xdp_fields),
};
const struct platform_ctx context_socket_filter = {
    .name = "__sk_buff",
    .kind = CTX_FIELDS,
    .size = 192,
    .fields = socket_filter_fields,
    .field_count = ARRAY_SIZE(socket_filter_fields),
};
const struct platform_ctx context_sched = {
    .name = "__sk_buff",
    .kind = CTX_FIELDS,
    .size = 192,
    .fields = sched_fields,
    .field_count = ARRAY_SIZE(sched_fields),
};
/* MAX_BPF_FUNC_ARGS is 12; the arguments may only be read. */
const struct platform_ctx context_raw_tracepoint = {
    .name = "bpf_raw_tracepoint_args",
    .kind = CTX_MEMORY,
    .size = 12 * 8,
    .is_read_only = true,
    .what = "arguments",
};
const struct platform_ctx context_syscall = {
    .name = "",
    .kind = CTX_MEMORY,
    .size = UINT16_MAX,
    .what = "context",
};
const struct platform_ctx context_memory = {
    .name = "",
    .kind = CTX_MEMORY,
    .size = UINT16_MAX,
    .what = "memory",
};

const struct platform_field *platform_field(const struct platform_ctx *ctx, uint32_t offset,
                                            uint32_t *element)
{
    size_t low = 0, high = ctx->field_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct platform_field *field = &ctx->fields[middle];

        if (offset < field->offset) {
            high = middle;
        } else if (offset >= field->offset + (uint32_t)field->size * field->count) {
            low = middle + 1;
        } else {
            if (element)
                *element = (offset - field->offset) / field->size;
            return field;
        }
    }
    return NULL;
}

const struct platform_field *platform_field_access(const struct platform_ctx *ctx, uint32_t offset,
                                                   uint32_t size, bool is_write, uint32_t *element)
{
    const struct platform_field *field = platform_field(ctx, offset, element);
    uint32_t within;

    if (!field || !(field->access & (is_write ? FIELD_W : FIELD_R)))
        return NULL;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || offset % size)
        return NULL;
    within = offset - field->offset;
    if (field->access & FIELD_BYTES)
        return within + size <= (uint32_t)field->size * field->count ? field : NULL;
    within %= field->size;
    if (size == field->size)
        return within == 0 ? field : NULL;
    if (!(field->access & FIELD_NARROW) || is_write)
        return NULL;
    return within + size <= field->size ? field : NULL;
}
