/* testrun.h - what the types of a test run share. Private to runtime/. */
#ifndef RUNTIME_TESTRUN_H
#define RUNTIME_TESTRUN_H

#include "runtime/runtime.h"

enum { TESTRUN_ON_CPU = 1 /* BPF_F_TEST_RUN_ON_CPU */ };

/* Linux's frame of a test run: one page, XDP_PACKET_HEADROOM in front, struct skb_shared_info
 * behind. */
enum {
    TESTRUN_FRAME = 4096,
    TESTRUN_XDP_HEADROOM = 256,
    TESTRUN_SKB_HEADROOM = 64, /* NET_SKB_PAD + NET_IP_ALIGN on x86 */
    TESTRUN_SKB_SPARE = 16,    /* in front of it: for the link header that a result has back */
    TESTRUN_TAILROOM = 320,
    TESTRUN_ETH_HLEN = 14,
    TESTRUN_LOOPBACK = 1 /* its ifindex: the device of a test run */
};

int testrun_data_out(struct skep_test_run *run, const void *bytes, size_t size);
int testrun_ctx_out(struct skep_test_run *run, const void *bytes, size_t size);
int testrun_ctx_in(const struct skep_test_run *run, void *ctx, size_t known,
                   struct skep_error *err);
int testrun_repeat(struct skep_call *call, struct skep_prog *prog, struct skep_test_run *run,
                   uint64_t r1, uint64_t r2, struct skep_error *err);

int testrun_xdp(struct skep_call *, struct skep_prog *, struct skep_test_run *,
                struct skep_error *);
int testrun_skb(struct skep_call *, struct skep_prog *, struct skep_test_run *,
                struct skep_error *);

#endif
