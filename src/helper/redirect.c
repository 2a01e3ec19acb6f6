/* redirect.c - helpers that say where a packet goes. Their result is a verdict; who runs the
 * program finds the device in the context. Which devices there are is the host's business, so any
 * number but 0 may be one. */
#include "helper/body.h"

enum { INGRESS = 1 }; /* BPF_F_INGRESS */
enum { TC_SHOT = 2, TC_REDIRECT = 7, XDP_ABORTED = 0, XDP_REDIRECT = 4 };

static uint64_t tc_redirect(struct skep_call *call, uint64_t ifindex, bool is_refused)
{
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    if (is_refused)
        return TC_SHOT;
    skb->redirect_ifindex = (uint32_t)ifindex;
    return TC_REDIRECT;
}

HELPER_BODY(helper_redirect)
{
    struct xdp_ctx *xdp;

    if (call->prog_type != SKEP_PROG_TYPE_XDP)
        return tc_redirect(call, a, b & ~(uint64_t)INGRESS);
    if (b)
        return XDP_ABORTED;
    xdp = body_xdp(call);
    xdp->redirect_ifindex = (uint32_t)a;
    return XDP_REDIRECT;
}

HELPER_BODY(helper_redirect_peer)
{
    return tc_redirect(call, a, b != 0);
}

HELPER_BODY(helper_redirect_neigh)
{
    enum { NEIGH_SIZE = 20 }; /* struct bpf_redir_neigh */
    uint32_t size = (uint32_t)c;

    return tc_redirect(call, a, (size && size < NEIGH_SIZE) || d);
}

HELPER_BODY(helper_clone_redirect)
{
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    if (c & ~(uint64_t)INGRESS || !(uint32_t)b)
        return body_code(-SKEP_EINVAL);
    return 0; /* the copy has left; the packet itself goes its own way */
}
