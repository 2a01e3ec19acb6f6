/* tc_big_stack - most of the stack in one structure, handed to functions by address. expect: accept */
#include "flips.h"

struct step {
    __u32 kind, length;
    __u64 sum;
};
struct work {
    __u8 bytes[128];
    struct step steps[12];
    __u32 count;
};

static __attribute__((noinline)) int fill(struct __sk_buff *skb, struct work *work)
{
    __u32 length = skb->len;

    if (length > sizeof work->bytes)
        length = sizeof work->bytes;
    if (length < 16)
        return -1;
    return bpf_skb_load_bytes(skb, 0, work->bytes, length) < 0 ? -1 : (int)length;
}

static __attribute__((noinline)) void measure(struct work *work, __u32 length)
{
    for (__u32 i = 0; i < 12; i++) {
        __u32 at = i * 10;

        if (at >= length || at >= sizeof work->bytes)
            return;
        work->steps[i].kind = work->bytes[at] & 15;
        work->steps[i].length = length - at;
        work->steps[i].sum = (__u64)work->bytes[at] * length;
        work->count++;
    }
}

SEC("tc")
int big_stack(struct __sk_buff *skb)
{
    struct work work = {0};
    __u64 sum = 0;
    int length = fill(skb, &work);

    if (length < 0)
        return TC_ACT_OK;
    measure(&work, (__u32)length);
    for (int i = 0; i < 12; i++)
        if (work.steps[i].kind == 4)
            sum += work.steps[i].sum;
    skb->mark = (__u32)sum + work.count;
    return sum > 4096 ? TC_ACT_SHOT : TC_ACT_OK;
}
