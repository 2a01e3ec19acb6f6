/* Arithmetic: division and remainder of both widths, by zero too, signed where the cpu version has it, shifts, sign
 * extension, byte swaps, multiplications that overflow, comparisons of both signs. */
#include "diff.h"

u64 out[16];

#define BITS (sizeof(u64) * 8)

NOINLINE u64 unsigned_ones(u64 a, u64 b)
{
    u32 c = (u32)a, d = (u32)(b >> 7);
    u64 r = a / b;

    r = r * 31 + a % b;
    r = r * 31 + c / d;
    r = r * 31 + c % d;
    r = r * 31 + a / 1000000007;
    r = r * 31 + c % 255;
    r = r * 31 + (b & 0xff ? a % (b & 0xff) : 1);
    return r;
}

NOINLINE u64 signed_ones(s64 a, s64 b)
{
    u64 r = 1;

#if __BPF_CPU_VERSION__ >= 4
    s32 c = (s32)a, d = (s32)b;

    r = (u64)(a / (b | 1));
    r = r * 31 + (u64)(a % (b | 1));
    r = r * 31 + (u64)(c / (d | 1));
    r = r * 31 + (u64)(c % (d | 1));
    r = r * 31 + (u64)(a / -7);
    r = r * 31 + (u64)(c % -16);
#endif
    r = r * 31 + (u64)(a >> (b & 63));
    r = r * 31 + (u64)(s64)((s32)a >> (b & 31));
    r = r * 31 + (u64)(s64)(s8)a;
    r = r * 31 + (u64)(s64)(s16)(b >> 3);
    r = r * 31 + (u64)(s64)(s32)(a ^ b);
    return r;
}

NOINLINE u64 compare(u64 a, u64 b)
{
    u64 r = 0;

    r |= (u64)(a < b) << 0 | (u64)(a <= b) << 1 | (u64)((s64)a < (s64)b) << 2 |
         (u64)((s64)a > (s64)b) << 3;
    r |= (u64)((u32)a < (u32)b) << 4 | (u64)((s32)a <= (s32)b) << 5 | (u64)((s32)a >= -5) << 6;
    r |= (u64)((a & b & 0x8001) != 0) << 7 | (u64)((s64)a > -1000000) << 8 |
         (u64)((u32)b > 0x80000000u) << 9;
    BARRIER(r);
    if (a & 0x100)
        r ^= 0x5000;
    if ((s16)a < (s16)b)
        r += 77;
    return r;
}

SEC("xdp")
int numbers(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx), *odd;
    u64 a, b, r;

    if (!FITS(data, 60, end))
        return XDP_DROP;
    /* Any address: the packet begins where it likes. */
    a = *(const u64 *)(const void *)(data + 21) ^ out[0] << 13;
    odd = data + 38 + (data[16] & 7);
    if (!FITS(odd, 8, end))
        return XDP_ABORTED;
    b = *(const u64 *)(const void *)odd;
    out[0] = a * 0x9e3779b97f4a7c15 + 1;
    if (data[17] & 3)
        b >>= (b >> 3 & 63);
    out[1] ^= unsigned_ones(a, b);
    out[2] ^= signed_ones((s64)a, (s64)b);
    out[3] += compare(a, b);
    out[4] += compare(b, b);
    out[5] ^= __builtin_bswap64(a) + __builtin_bswap32((u32)b) + __builtin_bswap16((u16)(a >> 11));
    out[6] += a << (b & 63) | a >> ((BITS - b) & 63);
    out[7] += (u32)a << (b & 31) ^ (u32)b >> (a & 31);
    out[8] = out[8] * (u32)b + (u32)((u32)a * (u32)b);
    out[9] += -a ^ ~b;
    out[10] += (u64) * (const s8 *)(data + 31) + (u64) * (const s16 *)(const void *)(data + 33) +
               (u64) * (const s32 *)(const void *)(data + 35);
    r = out[1] ^ out[2] >> 5 ^ out[3];
    return (int)(r & 3) + 1;
}

char _license[] SEC("license") = "GPL";
