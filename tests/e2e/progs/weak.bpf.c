/* weak.bpf.c - a function of the kernel that a program does without where there is none: skep's own engine has none. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern void bpf_rcu_read_lock(void) __ksym __attribute__((weak));
extern void bpf_rcu_read_unlock(void) __ksym __attribute__((weak));

SEC("xdp")
int careful(struct xdp_md *ctx)
{
    if (!bpf_rcu_read_lock)
        return XDP_TX;
    bpf_rcu_read_lock();
    bpf_rcu_read_unlock();
    return XDP_DROP;
}

SEC("xdp")
int careless(struct xdp_md *ctx)
{
    bpf_rcu_read_lock();
    bpf_rcu_read_unlock();
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
