/* Functions: eight frames deep, five arguments, static and global, with state in registers
 * that a callee must not touch, and pointers to a caller's stack. */
#include "diff.h"

u64 depth_sum;
u32 calls;

struct acc {
    u64 a, b;
    u32 n;
};

NOINLINE u64 far(u64 a, u64 b, u64 c, u64 d, u64 e)
{
    calls++;
    return a * 3 + b * 5 + c * 7 + d * 11 + e * 13;
}

GLOBAL int spread(u32 v, u32 by)
{
    calls++;
    return (int)((v << (by & 31)) | (v >> ((32 - by) & 31)));
}

NOINLINE u64 f7(struct acc *acc, u64 v)
{
    volatile u64 local[3] = {v, acc->a, acc->b};

    acc->n++;
    return local[0] + local[1] * local[2];
}

NOINLINE u64 f6(struct acc *acc, u64 v)
{
    u64 keep = v ^ acc->a;

    acc->a += f7(acc, v + 1);
    return keep + acc->a;
}

NOINLINE u64 f5(struct acc *acc, u64 v)
{
    acc->b ^= v;
    return v & 1 ? f6(acc, v >> 1) : f6(acc, v * 3 + 1);
}

NOINLINE u64 f4(struct acc *acc, u64 v)
{
    return f5(acc, v) + f5(acc, v + 9);
}

NOINLINE u64 f3(struct acc *acc, u64 v)
{
    struct acc mine = *acc;
    u64 r = f4(&mine, v ^ 0x55);

    acc->n += mine.n;
    return r + mine.b;
}

NOINLINE u64 f2(struct acc *acc, u64 v, const u8 *key)
{
    return f3(acc, v + key[0]) ^ (u64)key[3] << 40;
}

NOINLINE u64 f1(struct acc *acc, u64 v)
{
    u8 key[4] = {(u8)v, (u8)(v >> 8), (u8)(v >> 16), (u8)(v >> 24)};

    return f2(acc, v, key) + far(v, acc->a, acc->b, acc->n, key[2]);
}

SEC("xdp")
int nest(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx);
    struct acc acc = {1, 2, 0};
    u64 r = 0;

    if (!FITS(data, 42, end))
        return XDP_PASS;
    for (int i = 0; i < 3; i++)
        r = r * 17 + f1(&acc, *(const u64 *)(const void *)(data + 14 + i * 9));
    depth_sum += r + acc.n;
    r += (u64)spread((u32)r, data[20]);
    return (int)((r >> 3) & 3) + 1;
}

char _license[] SEC("license") = "GPL";
