/* externs.bpf.c - configuration, kernel symbols and kernel functions, strong and weak. */
#include "sample.h"

enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

extern u32 LINUX_KERNEL_VERSION KCONFIG;
extern _Bool LINUX_HAS_BPF_COOKIE KCONFIG WEAK;
extern _Bool CONFIG_BPF_SYSCALL KCONFIG WEAK;
extern enum libbpf_tristate CONFIG_SAMPLE_TRISTATE KCONFIG WEAK;
extern char CONFIG_SAMPLE_LETTER KCONFIG WEAK;
extern u64 CONFIG_SAMPLE_NUMBER KCONFIG WEAK;
extern char CONFIG_SAMPLE_TEXT[5] KCONFIG WEAK;
#ifndef PLAIN
extern u32 CONFIG_SAMPLE_STRONG KCONFIG;
#endif
struct rq;
extern const int bpf_prog_active KSYM;
extern const void sample_untyped KSYM WEAK;
extern u32 sample_kfunc(u32 a, u32 b) KSYM;
extern void sample_weak_kfunc(void) KSYM WEAK;
extern int sample_nobody(int);

SEC("xdp") int config(struct xdp_md *ctx)
{
    return LINUX_KERNEL_VERSION > 0x40000 && LINUX_HAS_BPF_COOKIE && CONFIG_BPF_SYSCALL &&
           CONFIG_SAMPLE_TRISTATE == TRI_MODULE && CONFIG_SAMPLE_LETTER == 'y' &&
           CONFIG_SAMPLE_TEXT[2] && CONFIG_SAMPLE_NUMBER;
}

#ifndef PLAIN /* what no loader can link */
SEC("xdp") int strong(struct xdp_md *ctx)
{
    return (int)CONFIG_SAMPLE_STRONG;
}

SEC("tc") int symbols(void *ctx)
{
    sample_weak_kfunc();
    return (int)sample_kfunc(1, 2) + bpf_prog_active + (&sample_untyped != 0);
}

SEC("xdp") int stray(struct xdp_md *ctx)
{
    return sample_nobody(1);
}
#endif

char _license[] SEC("license") = "GPL";
