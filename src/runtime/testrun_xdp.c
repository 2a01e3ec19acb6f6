/* testrun_xdp.c - an XDP program on one packet. */
#include <string.h>

#include "base/error.h"
#include "platform/context.h"
#include "runtime/testrun.h"

/* struct xdp_md as the caller passes it (uapi/linux/bpf.h): six 32-bit words in the host's order.
 */
struct xdp_view {
    uint32_t data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

/* Metadata is what stands before ctx_in.data: at most 32 bytes less than the headroom leaves, in
 * words. */
static bool is_bad_meta(uint32_t size)
{
    return size % 4 || size > 252;
}

static int check_ctx(const struct xdp_view *view, size_t size, struct skep_error *err)
{
    if (view->data_meta || view->data_end != size || view->data > view->data_end ||
        is_bad_meta(view->data))
        return error_set(
            err, -SKEP_EINVAL,
            "ctx_in: data_meta %u, data %u, data_end %u do not describe a packet of %zu bytes",
            view->data_meta, view->data, view->data_end, size);
    if (view->egress_ifindex)
        return error_set(err, -SKEP_EINVAL, "ctx_in: egress_ifindex is not for a test run");
    if (!view->ingress_ifindex && view->rx_queue_index)
        return error_set(err, -SKEP_EINVAL, "ctx_in: rx_queue_index without ingress_ifindex");
    return 0;
}

int testrun_xdp(struct skep_call *call, struct skep_prog *prog, struct skep_test_run *run,
                struct skep_error *err)
{
    struct mem *mem = &prog->runtime->mem;
    struct xdp_view view = {0};
    struct xdp_ctx ctx = {.ingress_ifindex = TESTRUN_LOOPBACK};
    size_t size = run->data_in ? run->data_size_in : 0, room;
    uint8_t *frame;
    int rc;

    if (size < TESTRUN_ETH_HLEN)
        return error_set(err, -SKEP_EINVAL,
                         "a packet of %zu bytes is shorter than an Ethernet header", size);
    rc = testrun_ctx_in(run, &view, sizeof view, err);
    if (!rc && run->ctx_in)
        rc = check_ctx(&view, size, err);
    if (rc)
        return rc;
    room = size + TESTRUN_XDP_HEADROOM + TESTRUN_TAILROOM;
    if (room < TESTRUN_FRAME)
        room = TESTRUN_FRAME;
    frame = mem_alloc(mem, room, 64);
    if (!frame)
        return error_set(err, -SKEP_ENOMEM, "no memory for a packet of %zu bytes", size);
    ctx.hard_start = frame;
    ctx.hard_end = frame + room - TESTRUN_TAILROOM;
    ctx.data_meta = frame + TESTRUN_XDP_HEADROOM - view.data;
    ctx.data = ctx.data_meta + view.data;
    ctx.data_end = ctx.data_meta + size;
    if (view.ingress_ifindex) {
        ctx.ingress_ifindex = view.ingress_ifindex;
        ctx.rx_queue_index = view.rx_queue_index;
    }
    memcpy(ctx.data_meta, run->data_in, size);
    call->ctx = &ctx;
    exec_region_set(call, REGION_PACKET, ctx.data_meta, size, true, "packet");

    rc = testrun_repeat(call, prog, run, EXEC_CTX_BASE, 0, err);
    if (!rc) {
        int ctx_rc;

        view.data = (uint32_t)(ctx.data - ctx.data_meta);
        view.data_end = (uint32_t)(ctx.data_end - ctx.data_meta);
        rc = testrun_data_out(run, ctx.data_meta, (size_t)(ctx.data_end - ctx.data_meta));
        ctx_rc = run->ctx_in ? testrun_ctx_out(run, &view, sizeof view) : 0;
        rc = rc ? rc : ctx_rc;
        if (rc)
            error_set(err, rc, "the result has %zu bytes, there is room for less",
                      run->data_size_out);
    }
    mem_free(mem, frame, room, 64);
    return rc;
}
