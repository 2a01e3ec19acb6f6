/* testrun_skb.c - a socket filter or tc program on one packet, as a struct sk_buff that loopback
 * received.
 *
 * The packet becomes a buffer with an Ethernet header (eth_type_trans). tc programs see the frame
 * from that header on, socket filters what follows it; the result has the header back, zeroed for
 * socket filters, as Linux returns it.
 */
#include <string.h>

#include "base/error.h"
#include "base/reader.h"
#include "platform/context.h"
#include "runtime/testrun.h"

/* struct __sk_buff as the caller passes it: 32-bit words by index (offset / 4), and two 64-bit
 * times. */
enum view_word {
    VIEW_LEN = 0,
    VIEW_PKT_TYPE = 1,
    VIEW_MARK = 2,
    VIEW_QUEUE = 3,
    VIEW_PROTOCOL = 4,
    VIEW_PRIORITY = 8,
    VIEW_INGRESS_IFINDEX = 9,
    VIEW_IFINDEX = 10,
    VIEW_CB = 12,
    VIEW_CB_LAST = 16,
    VIEW_TSTAMP = 38, /* and 39 */
    VIEW_WIRE_LEN = 40,
    VIEW_GSO_SEGS = 41,
    VIEW_GSO_SIZE = 44,
    VIEW_HWTSTAMP = 46, /* and 47 */
    VIEW_WORDS = 48
};
enum { GSO_LEGACY_MAX = 65536, GSO_MAX_SEGS = 65535 };
enum { AF_INET_LINUX = 2, AF_INET6_LINUX = 10 };

struct skb_view {
    uint32_t word[VIEW_WORDS];
};

/* The words that a caller may set; every other one must be zero. */
static bool may_set(uint32_t word)
{
    return word == VIEW_MARK || word == VIEW_PRIORITY || word == VIEW_INGRESS_IFINDEX ||
           word == VIEW_IFINDEX || (word >= VIEW_CB && word <= VIEW_CB_LAST) ||
           word == VIEW_TSTAMP || word == VIEW_TSTAMP + 1 || word == VIEW_WIRE_LEN ||
           word == VIEW_GSO_SEGS || word == VIEW_GSO_SIZE || word == VIEW_HWTSTAMP ||
           word == VIEW_HWTSTAMP + 1;
}

static uint64_t word64(const struct skb_view *view, uint32_t at)
{
    uint64_t v;

    memcpy(&v, &view->word[at], sizeof v);
    return v;
}

static int take_view(struct skb_ctx *skb, const struct skb_view *view, struct skep_error *err)
{
    uint32_t wire_len = view->word[VIEW_WIRE_LEN];

    for (uint32_t i = 0; i < VIEW_WORDS; i++)
        if (view->word[i] && !may_set(i))
            return error_set(err, -SKEP_EINVAL, "ctx_in: the field at offset %u may not be set",
                             i * 4);
    skb->mark = view->word[VIEW_MARK];
    skb->priority = view->word[VIEW_PRIORITY];
    skb->ingress_ifindex = view->word[VIEW_INGRESS_IFINDEX];
    if (view->word[VIEW_IFINDEX])
        skb->ifindex = view->word[VIEW_IFINDEX];
    memcpy(skb->cb, &view->word[VIEW_CB], sizeof skb->cb);
    skb->tstamp = word64(view, VIEW_TSTAMP);
    skb->wire_len = skb->len;
    if (wire_len) {
        if (wire_len < skb->len || wire_len > GSO_LEGACY_MAX)
            return error_set(err, -SKEP_EINVAL, "ctx_in: wire_len %u for a packet of %u bytes",
                             wire_len, skb->len);
        skb->wire_len = wire_len;
    }
    if (view->word[VIEW_GSO_SEGS] > GSO_MAX_SEGS)
        return error_set(err, -SKEP_EINVAL, "ctx_in: gso_segs %u is over %u",
                         view->word[VIEW_GSO_SEGS], GSO_MAX_SEGS);
    skb->gso_segs = view->word[VIEW_GSO_SEGS];
    skb->gso_size = view->word[VIEW_GSO_SIZE];
    skb->hwtstamp = word64(view, VIEW_HWTSTAMP);
    return 0;
}

static void give_view(const struct skb_ctx *skb, struct skb_view *view)
{
    view->word[VIEW_MARK] = skb->mark;
    view->word[VIEW_PRIORITY] = skb->priority;
    view->word[VIEW_INGRESS_IFINDEX] = skb->ingress_ifindex;
    view->word[VIEW_IFINDEX] = skb->ifindex;
    memcpy(&view->word[VIEW_CB], skb->cb, sizeof skb->cb);
    memcpy(&view->word[VIEW_TSTAMP], &skb->tstamp, sizeof skb->tstamp);
    view->word[VIEW_WIRE_LEN] = skb->wire_len;
    view->word[VIEW_GSO_SEGS] = skb->gso_segs;
    memcpy(&view->word[VIEW_HWTSTAMP], &skb->hwtstamp, sizeof skb->hwtstamp);
}

/* The packet type by destination address, seen from loopback, whose own and broadcast addresses are
 * zero. */
static uint32_t packet_type(const uint8_t *dst)
{
    static const uint8_t zeros[6];

    if (!memcmp(dst, zeros, sizeof zeros))
        return 0; /* PACKET_HOST */
    return dst[0] & 1 ? 2 /* PACKET_MULTICAST */ : 3 /* PACKET_OTHERHOST */;
}

/* The protocol in network order: the EtherType, or for 802.3 lengths what kind of LLC frame
 * follows. */
static uint16_t packet_protocol(const uint8_t *frame, size_t size)
{
    uint16_t type = load_u16(frame + 12, true), out;

    if (type < 0x600)
        type = size >= TESTRUN_ETH_HLEN + 2 && load_u16(frame + 14, true) == 0xffff
                   ? 0x0001 /* ETH_P_802_3 */
                   : 0x0004 /* ETH_P_802_2 */;
    store_u16(&out, type, true);
    return out;
}

/* The socket that a test run invents has the packet's addresses. False: the packet ends within the
 * IP header that it announces, which Linux 6.18 refuses. */
static bool take_addresses(struct skb_ctx *skb, const uint8_t *network, size_t size)
{
    uint16_t protocol = load_u16(&(uint16_t){(uint16_t)skb->protocol}, true);

    if (protocol == 0x0800) {
        if (size < 20)
            return false;
        skb->family = AF_INET_LINUX;
        memcpy(&skb->local_ip4, network + 12, 4);
        memcpy(&skb->remote_ip4, network + 16, 4);
    } else if (protocol == 0x86dd) {
        if (size < 40)
            return false;
        skb->family = AF_INET6_LINUX;
        memcpy(skb->local_ip6, network + 8, 16);
        memcpy(skb->remote_ip6, network + 24, 16);
    }
    return true;
}

/* Legacy packet loads count from the data, or with a large negative offset from the network or link
 * header. */
static bool packet_read(struct skep_call *call, int64_t offset, void *out, uint32_t size)
{
    enum { NET_OFF = -0x100000, LL_OFF = -0x200000 }; /* SKF_NET_OFF, SKF_LL_OFF */
    const struct skb_ctx *skb = call->ctx;
    const uint8_t *base = skb->data;

    if (offset < 0 && offset >= NET_OFF) {
        base = skb->network_header;
        offset -= NET_OFF;
    } else if (offset < 0 && offset >= LL_OFF) {
        base = skb->mac_header;
        offset -= LL_OFF;
    }
    if (offset < 0 || base > skb->data_end || offset > skb->data_end - base ||
        (int64_t)size > skb->data_end - base - offset)
        return false;
    memcpy(out, base + offset, size);
    return true;
}

int testrun_skb(struct skep_call *call, struct skep_prog *prog, struct skep_test_run *run,
                struct skep_error *err)
{
    bool is_l2 = prog->type != SKEP_PROG_TYPE_SOCKET_FILTER;
    struct mem *mem = &prog->runtime->mem;
    struct skb_view view = {{0}};
    struct skb_ctx skb = {.ifindex = TESTRUN_LOOPBACK};
    size_t size = run->data_in ? run->data_size_in : 0, room;
    uint8_t *frame;
    int rc;

    if (size < TESTRUN_ETH_HLEN)
        return error_set(err, -SKEP_EINVAL,
                         "a packet of %zu bytes is shorter than an Ethernet header", size);
    rc = testrun_ctx_in(run, &view, sizeof view, err);
    if (rc)
        return rc;
    /* Helpers may make it as long as Linux lets a packet get. */
    room = (size > SKB_LEN_MAX ? size : SKB_LEN_MAX) + TESTRUN_SKB_SPARE + TESTRUN_SKB_HEADROOM +
           TESTRUN_TAILROOM;
    frame = mem_alloc(mem, room, 64);
    if (!frame)
        return error_set(err, -SKEP_ENOMEM, "no memory for a packet of %zu bytes", size);
    skb.hard_start = frame + TESTRUN_SKB_SPARE;
    skb.hard_end = frame + room - TESTRUN_TAILROOM;
    skb.mac_header = skb.hard_start + TESTRUN_SKB_HEADROOM;
    skb.network_header = skb.mac_header + TESTRUN_ETH_HLEN;
    skb.data = is_l2 ? skb.mac_header : skb.network_header;
    skb.data_meta = skb.data;
    skb.data_end = skb.mac_header + size;
    skb.len = (uint32_t)(skb.data_end - skb.data);
    memcpy(skb.mac_header, run->data_in, size);
    skb.pkt_type = packet_type(skb.mac_header);
    skb.protocol = packet_protocol(skb.mac_header, size);
    if (!take_addresses(&skb, skb.network_header, size - TESTRUN_ETH_HLEN)) {
        rc = error_set(err, -SKEP_EINVAL,
                       "a packet of %zu bytes ends within the IP header it announces", size);
        goto out;
    }
    rc = run->ctx_in ? take_view(&skb, &view, err) : 0;
    if (rc)
        goto out;
    call->ctx = &skb;
    call->packet_read = packet_read;
    if (is_l2)
        exec_region_set(call, REGION_PACKET, skb.data, skb.len, true, "packet");

    rc = testrun_repeat(call, prog, run, EXEC_CTX_BASE, 0, err);
    if (!rc) {
        uint8_t *start = skb.data;
        int ctx_rc;

        if (!is_l2) {
            start -= TESTRUN_ETH_HLEN;
            memset(start, 0, TESTRUN_ETH_HLEN);
        }
        give_view(&skb, &view);
        rc = testrun_data_out(run, start, (size_t)(skb.data_end - start));
        ctx_rc = run->ctx_in ? testrun_ctx_out(run, &view, sizeof view) : 0;
        rc = rc ? rc : ctx_rc;
        if (rc)
            error_set(err, rc, "the result has %zu bytes, there is room for less",
                      run->data_size_out);
    }
out:
    mem_free(mem, frame, room, 64);
    return rc;
}
