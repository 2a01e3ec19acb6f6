/* context.c - the contexts of context.def as tables, and finding a field in one. */
#include "platform/platform.h"

#include "base/check.h"
#include "platform/context.h"

/* What context.def calls rights. */
enum {
    R = FIELD_R,
    W = FIELD_W,
    RW = R | W,
    RN = R | FIELD_NARROW,
    RWN = RN | W,
    RB = R | FIELD_BYTES,
    RWB = RB | W,
    RL = R | FIELD_NARROW_LOW,
    RH = R | FIELD_NARROW_HIGH,
    RP = R | FIELD_PAIR,
    R0 = R | FIELD_MAYBE_NULL,
    HALF = FIELD_NARROW_HALF,
    WORD = FIELD_WORD,
    CAP_R = FIELD_R_CAP,
    CAP_W = FIELD_W_CAP
};

/* Fields are sorted by offset; those that a type may not touch are there with no rights. */
#define ROW(name, type, offset, size, count, yields, rights, who, host_offset, host_size)          \
    {name,      type,   offset,      size,      count, YIELD_##yields,                             \
     FOR_##who, rights, host_offset, host_size, NULL},
/* The host does not have it. */
#define BARE_ROW(name, type, offset, size, count, yields, rights, who)                             \
    ROW(name, type, offset, size, count, yields, rights, who, FIELD_NO_HOST, 0)
#define SKB_ROW(name, type, offset, size, count, yields, member, rights)                           \
    ROW(name, type, offset, size, count, yields, rights, ALL, offsetof(struct skb_ctx, member),    \
        sizeof(((struct skb_ctx *)0)->member) / (count))

static const struct platform_field xdp_fields[] = {
#define XDP_FIELD(name, type, offset, yields, member, rights, who)                                 \
    ROW(name, type, offset, 4, 1, yields, rights, who, offsetof(struct xdp_ctx, member),           \
        sizeof(((struct xdp_ctx *)0)->member))
#include "platform/context.def"
#undef XDP_FIELD
};

static const struct platform_field socket_filter_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, yields, member, filter, tc, cgroup, lwt,        \
                  sk_skb, dissector)                                                               \
    SKB_ROW(name, type, offset, size, count, yields, member, filter)
#include "platform/context.def"
#undef SKB_FIELD
};
static const struct platform_field sched_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, yields, member, filter, tc, cgroup, lwt,        \
                  sk_skb, dissector)                                                               \
    SKB_ROW(name, type, offset, size, count, yields, member, tc)
#include "platform/context.def"
#undef SKB_FIELD
};
static const struct platform_field cgroup_skb_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, yields, member, filter, tc, cgroup, lwt,        \
                  sk_skb, dissector)                                                               \
    SKB_ROW(name, type, offset, size, count, yields, member, cgroup)
#include "platform/context.def"
#undef SKB_FIELD
};
static const struct platform_field lwt_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, yields, member, filter, tc, cgroup, lwt,        \
                  sk_skb, dissector)                                                               \
    SKB_ROW(name, type, offset, size, count, yields, member, lwt)
#include "platform/context.def"
#undef SKB_FIELD
};
static const struct platform_field sk_skb_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, yields, member, filter, tc, cgroup, lwt,        \
                  sk_skb, dissector)                                                               \
    SKB_ROW(name, type, offset, size, count, yields, member, sk_skb)
#include "platform/context.def"
#undef SKB_FIELD
};
static const struct platform_field flow_dissector_fields[] = {
#define SKB_FIELD(name, type, offset, size, count, yields, member, filter, tc, cgroup, lwt,        \
                  sk_skb, dissector)                                                               \
    SKB_ROW(name, type, offset, size, count, yields, member, dissector)
#include "platform/context.def"
#undef SKB_FIELD
};
static const struct platform_field cgroup_sock_fields[] = {
#define SOCK_FIELD(name, type, offset, size, count, yields, own, who, sock, common)                \
    BARE_ROW(name, type, offset, size, count, yields, own, who)
#include "platform/context.def"
#undef SOCK_FIELD
};
static const struct platform_field sock_fields[] = {
#define SOCK_FIELD(name, type, offset, size, count, yields, own, who, sock, common)                \
    BARE_ROW(name, type, offset, size, count, yields, sock, ALL)
#include "platform/context.def"
#undef SOCK_FIELD
};
static const struct platform_field sock_common_fields[] = {
#define SOCK_FIELD(name, type, offset, size, count, yields, own, who, sock, common)                \
    BARE_ROW(name, type, offset, size, count, yields, common, ALL)
#include "platform/context.def"
#undef SOCK_FIELD
};
static const struct platform_field tcp_sock_fields[] = {
#define TCP_SOCK_FIELD BARE_ROW
#include "platform/context.def"
#undef TCP_SOCK_FIELD
};
static const struct platform_field xdp_sock_fields[] = {
#define XDP_SOCK_FIELD BARE_ROW
#include "platform/context.def"
#undef XDP_SOCK_FIELD
};
static const struct platform_field sock_addr_fields[] = {
#define SOCK_ADDR_FIELD BARE_ROW
#include "platform/context.def"
#undef SOCK_ADDR_FIELD
};
static const struct platform_field sock_ops_fields[] = {
#define SOCK_OPS_FIELD BARE_ROW
#include "platform/context.def"
#undef SOCK_OPS_FIELD
};
static const struct platform_field sk_msg_fields[] = {
#define SK_MSG_FIELD BARE_ROW
#include "platform/context.def"
#undef SK_MSG_FIELD
};
static const struct platform_field sk_reuseport_fields[] = {
#define SK_REUSEPORT_FIELD BARE_ROW
#include "platform/context.def"
#undef SK_REUSEPORT_FIELD
};
static const struct platform_field sk_lookup_fields[] = {
#define SK_LOOKUP_FIELD BARE_ROW
#include "platform/context.def"
#undef SK_LOOKUP_FIELD
};
static const struct platform_field cgroup_device_fields[] = {
#define CGROUP_DEV_FIELD BARE_ROW
#include "platform/context.def"
#undef CGROUP_DEV_FIELD
};
static const struct platform_field sysctl_fields[] = {
#define SYSCTL_FIELD BARE_ROW
#include "platform/context.def"
#undef SYSCTL_FIELD
};
static const struct platform_field sockopt_fields[] = {
#define SOCKOPT_FIELD BARE_ROW
#include "platform/context.def"
#undef SOCKOPT_FIELD
};
static const struct platform_field kprobe_fields[] = {
#define KPROBE_FIELD BARE_ROW
#include "platform/context.def"
#undef KPROBE_FIELD
};
static const struct platform_field perf_event_fields[] = {
#define PERF_EVENT_FIELD BARE_ROW
#include "platform/context.def"
#undef PERF_EVENT_FIELD
};
static const struct platform_field tracepoint_fields[] = {
#define TRACEPOINT_FIELD BARE_ROW
#include "platform/context.def"
#undef TRACEPOINT_FIELD
};
static const struct platform_field raw_tp_writable_fields[] = {
#define RAW_TP_WRITABLE_FIELD BARE_ROW
#include "platform/context.def"
#undef RAW_TP_WRITABLE_FIELD
};
static const struct platform_field lirc_fields[] = {
#define LIRC_FIELD BARE_ROW
#include "platform/context.def"
#undef LIRC_FIELD
};
static const struct platform_field netfilter_fields[] = {
#define NETFILTER_FIELD(name, btf_type, offset)                                                    \
    {name, "struct " btf_type " *", offset, 8,       1, YIELD_BTF, FOR_ALL,                        \
     R,    FIELD_NO_HOST,           0,      btf_type},
#include "platform/context.def"
#undef NETFILTER_FIELD
};

#define FIELDS(view, bytes, rows)                                                                  \
    {                                                                                              \
        .name = view, .kind = CTX_FIELDS, .size = bytes, .fields = rows,                           \
        .field_count = ARRAY_SIZE(rows)                                                            \
    }

const struct platform_ctx context_xdp = FIELDS("xdp_md", 24, xdp_fields);
const struct platform_ctx context_socket_filter = FIELDS("__sk_buff", 192, socket_filter_fields);
const struct platform_ctx context_sched = FIELDS("__sk_buff", 192, sched_fields);
const struct platform_ctx context_cgroup_skb = FIELDS("__sk_buff", 192, cgroup_skb_fields);
const struct platform_ctx context_lwt = FIELDS("__sk_buff", 192, lwt_fields);
const struct platform_ctx context_sk_skb = FIELDS("__sk_buff", 192, sk_skb_fields);
const struct platform_ctx context_flow_dissector = FIELDS("__sk_buff", 192, flow_dissector_fields);
const struct platform_ctx context_cgroup_sock = FIELDS("bpf_sock", 80, cgroup_sock_fields);
const struct platform_ctx context_sock = FIELDS("bpf_sock", 80, sock_fields);
const struct platform_ctx context_sock_common = FIELDS("bpf_sock", 80, sock_common_fields);
const struct platform_ctx context_tcp_sock = FIELDS("bpf_tcp_sock", 112, tcp_sock_fields);
const struct platform_ctx context_xdp_sock = FIELDS("bpf_xdp_sock", 4, xdp_sock_fields);
const struct platform_ctx context_sock_addr = FIELDS("bpf_sock_addr", 72, sock_addr_fields);
const struct platform_ctx context_sock_ops = FIELDS("bpf_sock_ops", 224, sock_ops_fields);
const struct platform_ctx context_sk_msg = FIELDS("sk_msg_md", 80, sk_msg_fields);
const struct platform_ctx context_sk_reuseport = FIELDS("sk_reuseport_md", 56, sk_reuseport_fields);
const struct platform_ctx context_sk_lookup = FIELDS("bpf_sk_lookup", 72, sk_lookup_fields);
const struct platform_ctx context_cgroup_device =
    FIELDS("bpf_cgroup_dev_ctx", 12, cgroup_device_fields);
const struct platform_ctx context_sysctl = FIELDS("bpf_sysctl", 8, sysctl_fields);
const struct platform_ctx context_sockopt = FIELDS("bpf_sockopt", 40, sockopt_fields);
const struct platform_ctx context_kprobe = FIELDS("pt_regs", 168, kprobe_fields);
const struct platform_ctx context_perf_event =
    FIELDS("bpf_perf_event_data", 184, perf_event_fields);
const struct platform_ctx context_tracepoint = FIELDS("", 8192, tracepoint_fields);
const struct platform_ctx context_raw_tp_writable =
    FIELDS("bpf_raw_tracepoint_args", 96, raw_tp_writable_fields);
const struct platform_ctx context_lirc = FIELDS("", 4, lirc_fields);
const struct platform_ctx context_netfilter = FIELDS("bpf_nf_ctx", 16, netfilter_fields);
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
    uint32_t within, left;

    if (!field || !(field->access & (is_write ? FIELD_W : FIELD_R)))
        return NULL;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || offset % size)
        return NULL;
    within = offset - field->offset;
    left = (uint32_t)field->size * field->count - within; /* of all elements */
    if (field->access & FIELD_BYTES)
        return size <= left ? field : NULL;
    within %= field->size;
    if (size == field->size)
        return within == 0 ? field : NULL;
    if (size > field->size) {
        if (field->access & FIELD_PAIR)
            return size == 2u * field->size && size <= left ? field : NULL;
        return field->access & FIELD_WORD && !is_write && size == 4 ? field : NULL;
    }
    if (is_write || within + size > field->size)
        return NULL;
    if (field->access & FIELD_NARROW)
        return !(field->access & FIELD_NARROW_HALF) || size >= 2 ? field : NULL;
    return field->access & (within == 0 ? FIELD_NARROW_LOW : FIELD_NARROW_HIGH) ? field : NULL;
}
