/* packets.h - what the differential tests feed: packets as real traffic has them, and mutations of them. */
#ifndef DIFF_PACKETS_H
#define DIFF_PACKETS_H

#include <stddef.h>
#include <stdint.h>

enum { PACKET_MIN = 14, PACKET_MAX = 1514 };

struct packet {
    uint8_t bytes[PACKET_MAX];
    uint32_t size;
};

struct packet_source {
    struct packet *items; /* templates */
    uint32_t count;
    uint64_t seed; /* state of the generator */
};

uint32_t packet_random(uint64_t *seed);
/* The built-in templates; 0 or -1 when memory is out. */
int packets_builtin(struct packet_source *);
/* Append what a capture holds (at most 4096 packets of it). 0, or -1 after a message on standard error. */
int packets_from_capture(struct packet_source *, const char *path);
/* The next packet: a template, most often changed. The same seed yields the same packets. */
void packets_next(struct packet_source *, struct packet *out);
void packets_free(struct packet_source *);

#endif
