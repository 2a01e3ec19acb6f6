/* packets.c - templates built field by field (with right checksums), and the mutations: small ones that keep a packet
 * plausible, so that programs get past their first check, and coarse ones that do not.
 */
#include "packets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SKEP_WITH_NET
#include <skep/net.h>
#endif

uint32_t packet_random(uint64_t *seed)
{
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

/* -- templates --------------------------------------------------------------------------------- */

struct shape {
    uint16_t tags[2]; /* VLAN types, 0: none */
    uint16_t type;    /* Ethernet's */
    uint8_t proto;    /* the transport's */
    uint8_t options;  /* words of IPv4 options */
    uint8_t tunnel;   /* 1: IPv4 around it */
    uint16_t fragment, sport, dport;
    uint8_t flags; /* of TCP */
    uint16_t payload;
    const char *text; /* the payload begins with it */
};

static const struct shape shapes[] = {
    {.type = 0x0800, .proto = 6, .sport = 51000, .dport = 80, .flags = 0x02},
    {.type = 0x0800, .proto = 6, .sport = 80, .dport = 51000, .flags = 0x12},
    {.type = 0x0800, .proto = 6, .sport = 51000, .dport = 80, .flags = 0x10},
    {.type = 0x0800,
     .proto = 6,
     .sport = 51000,
     .dport = 80,
     .flags = 0x18,
     .payload = 140,
     .text = "GET /index.html HTTP/1.1\r\nHost: example.net\r\nAccept: */*\r\n\r\n"},
    {.type = 0x0800,
     .proto = 6,
     .sport = 80,
     .dport = 51000,
     .flags = 0x18,
     .payload = 1400,
     .text = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"},
    {.type = 0x0800,
     .proto = 6,
     .sport = 51001,
     .dport = 443,
     .flags = 0x18,
     .payload = 517,
     .text = "\x16\x03\x01\x02\x00\x01"},
    {.type = 0x0800, .proto = 6, .sport = 51000, .dport = 80, .flags = 0x11},
    {.type = 0x0800, .proto = 6, .sport = 80, .dport = 51000, .flags = 0x14},
    {.type = 0x0800,
     .proto = 17,
     .sport = 40001,
     .dport = 53,
     .payload = 33,
     .text = "\x12\x34\x01"},
    {.type = 0x0800,
     .proto = 17,
     .sport = 53,
     .dport = 40001,
     .payload = 90,
     .text = "\x12\x34\x81\x80"},
    {.type = 0x0800, .proto = 17, .sport = 68, .dport = 67, .payload = 300},
    {.type = 0x0800, .proto = 17, .sport = 123, .dport = 123, .payload = 48},
    {.type = 0x0800, .proto = 1, .payload = 56},
    {.type = 0x0800, .proto = 1, .payload = 57},
    {.type = 0x0800,
     .proto = 6,
     .options = 3,
     .sport = 2000,
     .dport = 22,
     .flags = 0x18,
     .payload = 36},
    {.type = 0x0800,
     .proto = 17,
     .fragment = 0x2000,
     .sport = 5000,
     .dport = 5001,
     .payload = 1200},
    {.type = 0x0800, .proto = 17, .fragment = 0x00b9, .sport = 0, .dport = 0, .payload = 300},
    {.type = 0x0800,
     .proto = 6,
     .tunnel = 1,
     .sport = 3000,
     .dport = 8080,
     .flags = 0x18,
     .payload = 64},
    {.type = 0x0800, .proto = 47, .payload = 40},
    {.type = 0x86dd, .proto = 6, .sport = 51002, .dport = 443, .flags = 0x18, .payload = 200},
    {.type = 0x86dd, .proto = 17, .sport = 40002, .dport = 53, .payload = 40},
    {.type = 0x86dd, .proto = 58, .payload = 24},
    {.type = 0x0806, .payload = 28},
    {.tags = {0x8100},
     .type = 0x0800,
     .proto = 6,
     .sport = 51003,
     .dport = 80,
     .flags = 0x18,
     .payload = 80},
    {.tags = {0x88a8, 0x8100},
     .type = 0x0800,
     .proto = 17,
     .sport = 40003,
     .dport = 5353,
     .payload = 60},
    {.tags = {0x8100}, .type = 0x86dd, .proto = 6, .sport = 51004, .dport = 80, .flags = 0x02},
    {.type = 0x88cc, .payload = 46},
    {.type = 0x0800, .proto = 6, .sport = 1, .dport = 1, .flags = 0x03},
};

static void put8(struct packet *p, unsigned v)
{
    if (p->size < PACKET_MAX)
        p->bytes[p->size++] = (uint8_t)v;
}

static void put16(struct packet *p, unsigned v)
{
    put8(p, v >> 8);
    put8(p, v & 255);
}

static void put32(struct packet *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p, v & 0xffff);
}

static uint32_t sum_bytes(const uint8_t *bytes, uint32_t size, uint32_t sum)
{
    for (uint32_t i = 0; i < size; i++)
        sum += (uint32_t)bytes[i] << (i & 1 ? 0 : 8);
    return sum;
}

static void store_sum(struct packet *p, uint32_t at, uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    p->bytes[at] = (uint8_t)(~sum >> 8);
    p->bytes[at + 1] = (uint8_t)~sum;
}

static uint32_t put_ip4(struct packet *p, const struct shape *shape, uint8_t proto, uint32_t rest,
                        uint8_t host)
{
    uint32_t at = p->size, words = 5u + shape->options;

    put8(p, 0x40 | words);
    put8(p, host & 1 ? 0x02 : 0);
    put16(p, words * 4 + rest);
    put16(p, 0x1000u + host);
    put16(p, shape->fragment ? shape->fragment : 0x4000u);
    put8(p, 60u + (host & 7));
    put8(p, proto);
    put16(p, 0);
    put32(p, 0x0a000000u | host);
    put32(p, 0xc0a80100u | (host * 7u & 255));
    for (unsigned i = 0; i < shape->options; i++)
        put32(p, 0x01010101);
    store_sum(p, at + 10, sum_bytes(p->bytes + at, words * 4, 0));
    return at;
}

static uint32_t put_ip6(struct packet *p, const struct shape *shape, uint32_t rest, uint8_t host)
{
    uint32_t at = p->size;

    put32(p, 0x60000000u | host);
    put16(p, rest);
    put8(p, shape->proto);
    put8(p, 64);
    for (unsigned side = 0; side < 2; side++) {
        put32(p, 0x20010db8);
        put32(p, side);
        put32(p, 0);
        put32(p, 1u + host + side);
    }
    return at;
}

static uint32_t transport_size(const struct shape *shape)
{
    return shape->proto == 6                                               ? 20
           : shape->proto == 17 || shape->proto == 1 || shape->proto == 58 ? 8
                                                                           : 0;
}

static void put_transport(struct packet *p, const struct shape *shape, uint32_t network)
{
    uint32_t at = p->size, size = transport_size(shape), sum;

    if (shape->proto == 6 || shape->proto == 17) {
        put16(p, shape->sport);
        put16(p, shape->dport);
    }
    if (shape->proto == 6) {
        put32(p, 0x11223344);
        put32(p, shape->flags & 0x10 ? 0x55667788 : 0);
        put16(p, 0x5000u | shape->flags);
        put16(p, 64240);
        put32(p, 0);
    } else if (shape->proto == 17) {
        put16(p, 8u + shape->payload);
        put16(p, 0);
    } else if (size) {
        put16(p, shape->proto == 1 ? 0x0800 : 0x8700);
        put16(p, 0);
        put32(p, 0x00070001);
    }
    for (uint32_t i = 0; i < shape->payload; i++)
        put8(p, i * 37 + (i >> 5));
    if (shape->text)
        memcpy(p->bytes + at + size, shape->text, strlen(shape->text));
    if (!size || shape->fragment)
        return;
    sum = sum_bytes(p->bytes + at, p->size - at, 0);
    if (shape->proto != 1) { /* the pseudo header */
        bool is_six = shape->type == 0x86dd;

        sum = sum_bytes(p->bytes + network + (is_six ? 8 : 12), is_six ? 32 : 8, sum);
        sum += shape->proto + (p->size - at);
    }
    store_sum(p, at + (shape->proto == 6 ? 16 : shape->proto == 17 ? 6 : 2), sum);
}

static void build(struct packet *p, const struct shape *shape, uint8_t host)
{
    uint32_t rest = transport_size(shape) + shape->payload, network = 0;

    p->size = 0;
    for (unsigned i = 0; i < 12; i++) /* addresses of the kind that is administered locally */
        put8(p, i % 6 == 0 ? 0x02 : i + (i > 6 ? host : 0u));
    for (unsigned i = 0; i < 2 && shape->tags[i]; i++) {
        put16(p, shape->tags[i]);
        put16(p, 0x2000u | (100u + i));
    }
    put16(p, shape->type);
    if (shape->type == 0x0800) {
        if (shape->tunnel)
            put_ip4(p, &(struct shape){0}, 4, 20 + rest, host);
        network = put_ip4(p, shape, shape->proto, rest, host);
    } else if (shape->type == 0x86dd) {
        network = put_ip6(p, shape, rest, host);
    }
    put_transport(p, shape, network);
}

static int grow(struct packet_source *source, uint32_t more)
{
    struct packet *items = realloc(source->items, (source->count + more) * sizeof *items);

    if (!items)
        return -1;
    source->items = items;
    return 0;
}

int packets_builtin(struct packet_source *source)
{
    const uint32_t count = sizeof shapes / sizeof *shapes;

    if (grow(source, count) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        build(&source->items[source->count++], &shapes[i], (uint8_t)(i * 5 + 1));
    return 0;
}

int packets_from_capture(struct packet_source *source, const char *path)
{
#ifdef SKEP_WITH_NET
    struct skep_error err = {.size = sizeof err};
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_capture *capture;
    int code = skep_capture_open(path, &capture, &err);

    if (code < 0) {
        fprintf(stderr, "%s: %s\n", path, err.text);
        return -1;
    }
    for (uint32_t n = 0; n < 4096 && (code = skep_capture_next(capture, &packet, &err)) == 0; n++) {
        struct packet *item;

        if (packet.captured < PACKET_MIN || packet.captured > PACKET_MAX)
            continue;
        if (grow(source, 1) < 0)
            break;
        item = &source->items[source->count++];
        memcpy(item->bytes, packet.data, packet.captured);
        item->size = packet.captured;
    }
    skep_capture_close(capture);
    return 0;
#else
    (void)source;
    fprintf(stderr, "%s: this build reads no captures\n", path);
    return -1;
#endif
}

void packets_free(struct packet_source *source)
{
    free(source->items);
    *source = (struct packet_source){0};
}

/* -- mutations --------------------------------------------------------------------------------- */

static void mutate(struct packet *p, uint64_t *seed)
{
    static const uint8_t telling[] = {0, 1, 4, 6, 17, 58, 0x45, 0x46, 0x7f, 0x80, 0xff};
    uint32_t dice = packet_random(seed), at = packet_random(seed);
    uint32_t head = p->size < 80 ? p->size : 80;

    switch (dice % 12) {
    case 0:
    case 1: /* a byte of the headers */
        p->bytes[at % head] = (uint8_t)(dice >> 8);
        break;
    case 2: /* one that means something */
        p->bytes[at % head] = telling[(dice >> 8) % sizeof telling];
        break;
    case 3: /* one bit anywhere */
        p->bytes[at % p->size] ^= (uint8_t)(1u << (dice >> 8 & 7));
        break;
    case 4: /* a neighbour's address, a port nearby */
        p->bytes[(28 + at % 6) % p->size] = (uint8_t)(dice >> 8 & 15);
        break;
    case 5:
        p->bytes[(34 + at % 4) % p->size] ^= (uint8_t)(dice >> 8 & 31);
        break;
    case 6: /* cut short */
        p->size = PACKET_MIN + at % (p->size - PACKET_MIN + 1);
        break;
    case 7: /* cut within the headers */
        if (p->size > 64)
            p->size = PACKET_MIN + at % 50;
        break;
    case 8: /* something behind it */
        while (p->size < PACKET_MAX && at % 64) {
            p->bytes[p->size++] = (uint8_t)at;
            at--;
        }
        break;
    case 9: /* TTL, type of service, TCP flags */
        p->bytes[22 % p->size] = (uint8_t)(dice >> 8 & 127);
        p->bytes[15 % p->size] = (uint8_t)(dice >> 16);
        p->bytes[47 % p->size] = (uint8_t)(dice >> 24 & 31);
        break;
    case 10: /* the protocol */
        p->bytes[23 % p->size] = telling[(dice >> 8) % sizeof telling];
        break;
    default: /* a run of noise */
        for (uint32_t i = 0; i < (dice >> 8 & 15); i++)
            p->bytes[(at + i) % p->size] = (uint8_t)packet_random(seed);
        break;
    }
}

void packets_next(struct packet_source *source, struct packet *out)
{
    uint32_t dice = packet_random(&source->seed);
    const struct packet *from = &source->items[dice % source->count];

    memcpy(out->bytes, from->bytes, from->size);
    out->size = from->size;
    for (uint32_t turns = dice >> 28 & 3; turns; turns--)
        mutate(out, &source->seed);
}
