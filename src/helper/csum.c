/* csum.c - Internet checksums: over bytes, and changed in place when a packet's bytes change.
 *
 * A sum is kept as Linux keeps it: 32 bits in ones' complement over 16-bit words in the host's
 * order, which makes every value the same number as in the kernel of such a machine. Facts: RFC
 * 1071, RFC 1624.
 */
#include <string.h>

#include "base/check.h"
#include "helper/body.h"

/* -- arithmetic -------------------------------------------------------------------------------- */

uint32_t csum_add(uint32_t a, uint32_t b)
{
    uint32_t sum = a + b;

    return sum + (sum < b);
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

uint16_t csum_fold(uint32_t sum)
{
    return (uint16_t)~fold(sum);
}

/* Eight bytes at a time, which is the same sum: 2^16 is 1 in ones' complement of 16 bits. */
uint32_t csum_bytes(const void *bytes, size_t size, uint32_t seed)
{
    const uint8_t *at = bytes;
    uint64_t sum = seed, word;

    for (; size >= 8; at += 8, size -= 8) {
        memcpy(&word, at, 8);
        sum += word;
        sum += sum < word;
    }
    if (size) {
        word = 0;
        memcpy(&word, at, size);
        sum += word;
        sum += sum < word;
    }
    sum = (sum & UINT32_MAX) + (sum >> 32);
    sum = (sum & UINT32_MAX) + (sum >> 32);
    return (uint32_t)sum;
}

static uint16_t add16(uint16_t a, uint16_t b)
{
    uint16_t sum = (uint16_t)(a + b);

    return (uint16_t)(sum + (sum < b));
}

static uint16_t load_sum(const uint8_t *at)
{
    uint16_t sum;

    memcpy(&sum, at, sizeof sum);
    return sum;
}

HELPER_BODY(helper_csum_diff)
{
    const void *from = body_pointer(a), *to = body_pointer(c);
    uint32_t from_size = (uint32_t)b, to_size = (uint32_t)d, seed = (uint32_t)e, sum = seed;

    if ((from_size && !from) || (to_size && !to)) {
        exec_fault(call, -SKEP_EFAULTED, "bpf_csum_diff: bytes at NULL");
        return 0;
    }
    if (from_size && to_size)
        sum = csum_add(csum_bytes(to, to_size, seed), ~csum_bytes(from, from_size, 0));
    else if (to_size)
        sum = csum_bytes(to, to_size, seed);
    else if (from_size)
        sum = ~csum_bytes(from, from_size, ~seed);
    return fold(sum);
}

/* -- in place ---------------------------------------------------------------------------------- */

enum {
    FIELD_SIZE = 0xf,    /* BPF_F_HDR_FIELD_MASK: bytes that changed, 0: `to` is a difference */
    PSEUDO = 0x10,       /* BPF_F_PSEUDO_HDR */
    MANGLED_0 = 0x20,    /* BPF_F_MARK_MANGLED_0: 0 means no checksum (UDP) */
    MARK_ENFORCE = 0x40, /* BPF_F_MARK_ENFORCE */
    IPV6 = 0x80          /* BPF_F_IPV6 */
};

/* The field of `size` bytes was `from` and is `to`. False: no such size, or a difference with a
 * `from`. */
static bool replace(uint8_t *at, uint64_t from, uint64_t to, uint64_t size)
{
    uint16_t sum = load_sum(at), half;
    uint32_t full = (uint16_t)~sum;

    switch (size) {
    case 0:
        if (from)
            return false;
        sum = csum_fold(csum_add((uint32_t)to, full));
        break;
    case 2:
        half = add16((uint16_t)~sum, (uint16_t) ~(uint16_t)from);
        sum = (uint16_t)~add16(half, (uint16_t)to);
        break;
    case 4:
        sum = csum_fold(csum_add(csum_add(full, ~(uint32_t)from), (uint32_t)to));
        break;
    default:
        return false;
    }
    memcpy(at, &sum, sizeof sum);
    return true;
}

/* Where the checksum lies, or NULL and -SKEP_EFAULT in *code. */
static uint8_t *sum_at(struct skb_ctx *skb, uint64_t offset, int *code)
{
    *code = 0;
    if (offset > 0xffff || offset & 1 || skb_make_writable(skb, offset + 2)) {
        *code = -SKEP_EFAULT;
        return NULL;
    }
    return skb->data + offset;
}

HELPER_BODY(helper_l3_csum_replace)
{
    struct skb_ctx *skb = body_skb(call);
    uint8_t *at;
    int code;

    if (!skb)
        return 0;
    if (e & ~(uint64_t)FIELD_SIZE)
        return body_code(-SKEP_EINVAL);
    at = sum_at(skb, (uint32_t)b, &code);
    if (!at)
        return body_code(code);
    return body_code(replace(at, c, d, e & FIELD_SIZE) ? 0 : -SKEP_EINVAL);
}

HELPER_BODY(helper_l4_csum_replace)
{
    struct skb_ctx *skb = body_skb(call);
    uint8_t *at;
    int code;

    if (!skb)
        return 0;
    if (e & ~(uint64_t)(FIELD_SIZE | PSEUDO | MANGLED_0 | MARK_ENFORCE | IPV6))
        return body_code(-SKEP_EINVAL);
    at = sum_at(skb, (uint32_t)b, &code);
    if (!at)
        return body_code(code);
    if (e & MANGLED_0 && !(e & MARK_ENFORCE) && !load_sum(at))
        return 0;
    if (!replace(at, c, d, e & FIELD_SIZE))
        return body_code(-SKEP_EINVAL);
    if (e & MANGLED_0 && !load_sum(at))
        memset(at, 0xff, 2); /* CSUM_MANGLED_0 */
    return 0;
}

/* -- what the packet says about its checksum --------------------------------------------------- */

HELPER_BODY(helper_csum_update)
{
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    /* A sum over the whole packet comes from a device; no packet here has one. */
    return body_code(-SKEP_ENOTSUPP);
}

HELPER_BODY(helper_csum_level)
{
    enum { QUERY, INC, DEC, RESET };
    enum { MAX_LEVEL = 3 }; /* SKB_MAX_CSUM_LEVEL */
    struct skb_ctx *skb = body_skb(call);

    if (!skb)
        return 0;
    switch (b) {
    case QUERY:
        return skb->checksum == SKB_CHECKSUM_UNNECESSARY ? skb->csum_level
                                                         : body_code(-SKEP_EACCES);
    case INC:
        if (skb->checksum == SKB_CHECKSUM_UNNECESSARY) {
            if (skb->csum_level < MAX_LEVEL)
                skb->csum_level++;
        } else if (skb->checksum == SKB_CHECKSUM_NONE) {
            skb->checksum = SKB_CHECKSUM_UNNECESSARY;
            skb->csum_level = 0;
        }
        return 0;
    case DEC:
        if (skb->checksum == SKB_CHECKSUM_UNNECESSARY) {
            if (skb->csum_level == 0)
                skb->checksum = SKB_CHECKSUM_NONE;
            else
                skb->csum_level--;
        }
        return 0;
    case RESET:
        if (skb->checksum == SKB_CHECKSUM_UNNECESSARY)
            skb->checksum = SKB_CHECKSUM_NONE;
        return 0;
    default:
        return body_code(-SKEP_EINVAL);
    }
}
