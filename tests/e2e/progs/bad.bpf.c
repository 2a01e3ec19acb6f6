/* bad.bpf.c - programs that do wrong, and odd ones: what the command says about them is tested. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int past_end(struct xdp_md *ctx)
{
    volatile __u8 *data = (void *)(long)ctx->data;

    return data[9000];
}

SEC("xdp")
int endless(struct xdp_md *ctx)
{
    volatile __u32 turns = 0;

    while (turns != 1)
        turns += 2;
    return XDP_PASS;
}

SEC("xdp")
int chatty(struct xdp_md *ctx)
{
    bpf_printk("length %d", (__u32)(ctx->data_end - ctx->data));
    return XDP_PASS;
}

SEC("mystery")
int odd(struct xdp_md *ctx)
{
    return XDP_TX;
}

struct sum {
    __u64 a, b, sum;
};

SEC("syscall")
int adder(struct sum *sum)
{
    sum->sum = sum->a + sum->b;
    return 7;
}

char _license[] SEC("license") = "GPL";
