/* The packet's ends move: metadata in front, a header of our own pushed and taken off, the tail cut and grown. */
#include "diff.h"

struct tag {
    u16 magic, size;
    u32 stamp;
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 12);
    __type(key, u32);
    __type(value, s64);
} codes SEC(".maps");

u32 stamp;

INLINE void note(u32 slot, s64 code)
{
    s64 *at = map_lookup(&codes, &slot);

    if (at)
        *at += code;
}

NOINLINE long add_meta(struct xdp_md *ctx, u32 value)
{
    long code = xdp_adjust_meta(ctx, -(int)(2 * sizeof(u32)));
    u32 *meta;

    if (code)
        return code;
    meta = (void *)(long)ctx->data_meta;
    if (!FITS(meta, 2 * sizeof(u32), DATA(ctx)))
        return -1;
    meta[0] = value;
    meta[1] = ~value;
    return 0;
}

SEC("xdp")
int adjust(struct xdp_md *ctx)
{
    u8 *data = DATA(ctx), *end = END(ctx);
    u32 size = (u32)(end - data);
    struct tag *tag;
    u8 what;

    if (!FITS(data, 34, end))
        return XDP_DROP;
    what = data[33];
    stamp++;
    switch (what & 7) {
    case 0: /* a tag in front, kept */
        note(0, xdp_adjust_head(ctx, -(int)sizeof *tag));
        break;
    case 1: /* cut the tail to a third */
        note(1, xdp_adjust_tail(ctx, -(int)(size / 3)));
        break;
    case 2: /* grow it: what comes is zero */
        note(2, xdp_adjust_tail(ctx, (int)(what >> 3) * 4));
        break;
    case 3: /* take the Ethernet header off: less than that is refused */
        note(3, xdp_adjust_head(ctx, (int)(what >> 3)));
        break;
    case 4: /* more than there is */
        note(4, xdp_adjust_tail(ctx, -(int)size));
        note(4, xdp_adjust_head(ctx, 4000));
        note(4, xdp_adjust_tail(ctx, 8000));
        break;
    case 5:
        note(5, add_meta(ctx, stamp));
        break;
    case 6: /* metadata must be words and at most 252 bytes */
        note(6, xdp_adjust_meta(ctx, -(int)(what >> 3)));
        note(7, xdp_adjust_meta(ctx, 4));
        break;
    default: /* all at once, then metadata is gone when the head moves over it */
        note(8, add_meta(ctx, stamp ^ what));
        note(9, xdp_adjust_head(ctx, what & 8 ? 8 : -8));
        note(10, xdp_adjust_tail(ctx, what & 16 ? -4 : 16));
        break;
    }
    data = DATA(ctx);
    end = END(ctx);
    tag = (void *)data;
    if (!FITS(tag, sizeof *tag, end))
        return XDP_ABORTED;
    if ((what & 7) == 0) {
        tag->magic = 0x5ca9;
        tag->size = (u16)size;
        tag->stamp = stamp;
    }
    note(11, (s64)(end - data) + (data - (u8 *)(long)ctx->data_meta));
    if (xdp_get_buff_len(ctx) != (u64)(end - data))
        return XDP_REDIRECT;
    return what & 0x80 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
