/* A state machine: TCP connections by a switch over state and flags, with a table of names in .rodata.str. */
#include "diff.h"

enum {
    CLOSED,
    SYN_SENT,
    SYN_RECEIVED,
    ESTABLISHED,
    FIN_WAIT,
    CLOSE_WAIT,
    LAST_ACK,
    TIME_WAIT,
    STATES
};
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct connection {
    u8 state, errors;
    u16 turns;
    u32 seq;
    char name[8];
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 64);
    __type(key, u64);
    __type(value, struct connection);
} connections SEC(".maps");

u32 edges[STATES][STATES];
char last[8];

static const char names[STATES][8] = {"closed",  "sent",   "recv",    "estab",
                                      "finwait", "closew", "lastack", "timew"};

NOINLINE u32 step(u32 state, u32 flags)
{
    if (flags & RST)
        return CLOSED;
    switch (state) {
    case CLOSED:
        return flags & SYN ? (flags & ACK ? SYN_RECEIVED : SYN_SENT) : CLOSED;
    case SYN_SENT:
        switch (flags & (SYN | ACK)) {
        case SYN | ACK:
            return SYN_RECEIVED;
        case ACK:
            return ESTABLISHED;
        case SYN:
            return SYN_SENT;
        default:
            return STATES;
        }
    case SYN_RECEIVED:
        return flags & FIN ? FIN_WAIT : flags & ACK ? ESTABLISHED : SYN_RECEIVED;
    case ESTABLISHED:
        return flags & SYN   ? STATES
               : flags & FIN ? (flags & PSH ? CLOSE_WAIT : FIN_WAIT)
                             : ESTABLISHED;
    case FIN_WAIT:
        return flags & FIN ? TIME_WAIT : FIN_WAIT;
    case CLOSE_WAIT:
        return flags & FIN ? LAST_ACK : CLOSE_WAIT;
    case LAST_ACK:
        return flags & ACK ? CLOSED : LAST_ACK;
    case TIME_WAIT:
        return flags & SYN ? SYN_SENT : TIME_WAIT;
    default:
        return STATES;
    }
}

SEC("xdp")
int states(struct xdp_md *ctx)
{
    const u8 *end = END(ctx), *at;
    struct connection *known, fresh = {0};
    const struct tcp *tcp;
    u32 from, to;
    u64 key;

    if (skip_tags(DATA(ctx), end, &at) != ETH_IP)
        return XDP_PASS;
    if (!FITS(at, sizeof(struct ip4) + sizeof *tcp, end) || at[0] != 0x45 || at[9] != PROTO_TCP)
        return XDP_PASS;
    tcp = (const void *)(at + sizeof(struct ip4));
    key = (u64)(tcp->from ^ tcp->to) << 32 | (tcp->from + tcp->to);
    known = map_lookup(&connections, &key);
    if (!known) {
        if (map_update(&connections, &key, &fresh, ANY))
            return XDP_DROP;
        known = map_lookup(&connections, &key);
        if (!known)
            return XDP_ABORTED;
    }
    from = known->state & (STATES - 1);
    to = step(from, tcp->flags);
    known->turns++;
    known->seq = ntohl(tcp->seq);
    if (to >= STATES) {
        known->errors++;
        if (known->errors > 3)
            map_delete(&connections, &key);
        return XDP_DROP;
    }
    edges[from][to]++;
    known->state = (u8)to;
    for (int i = 0; i < 8; i++)
        known->name[i] = names[to][i];
    __builtin_memcpy(last, known->name, 8);
    if (strncmp(last, 5, "estab") == 0)
        return XDP_TX;
    return to == CLOSED ? XDP_REDIRECT : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
