/* core_target.c - the types of core.bpf.c as another kernel has them; compiled for its BTF only. */
struct sample_inner {
    unsigned long long extra;
    unsigned int wanted, before;
};
struct sample_outer {
    unsigned int first;
    unsigned short narrow;
    unsigned char other : 2, bits : 5;
    struct sample_inner inner[3];
} outer;
enum sample_enum { SAMPLE_ONE = 77 } mode;
struct xdp_md {
    unsigned int data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
} context;
