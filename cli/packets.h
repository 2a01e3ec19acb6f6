/* packets.h - running a program over packets, and what came of it. */
#ifndef CLI_PACKETS_H
#define CLI_PACKETS_H

#include "load.h"

enum {
    VERDICT_NAMES = 64,
    PACKETS_OUT_ROOM =
        262144 + 4096 /* what a capture can hold in one packet, and what a program may add */
};

struct
    verdicts { /* how often each result came; past VERDICT_NAMES different ones, the rest counts as "other" */
    struct {
        char name[32];
        uint64_t count;
    } rows[VERDICT_NAMES];
    size_t count;
};

struct packets_options {
    const char *capture, *write;  /* --pcap */
    const char *data_in, *ctx_in; /* or one run */
    uint32_t repeat;
};

struct packets_result {
    struct verdicts verdicts;
    uint64_t packets, runs, total_ns, insns, cut, written;
    uint64_t retval; /* of the last run */
    /* of the single run: */
    uint8_t *data_in, *data_out, *ctx_in, *ctx_out;
    size_t data_in_size, data_out_size, ctx_in_size, ctx_out_size;
};

/* Whether the type's programs look at Ethernet frames, and whether they decide about them (so that --write has a sense). */
bool packets_needs_ethernet(uint32_t type);
bool packets_decides(uint32_t type);
/* "XDP_DROP", or the number. */
const char *packets_verdict(uint32_t type, uint64_t retval, char text[32]);

/* Whether programs of the type only say how much of a packet to keep. A test run shows them the packet from its network
 * header on, as Linux does, so their result does not count the Ethernet header, and what they leave has none. */
bool packets_is_filter(uint32_t type);
/* How many bytes of a packet of `size` go on, 0: none. */
size_t packets_to_write(uint32_t type, uint64_t retval, size_t size);
void packets_count(struct verdicts *, const char *name);
/* A run failed: say so (`packet` 0: the only one), and return the exit code. */
int packets_complain(const struct loaded *, uint64_t packet, size_t size, int code,
                     const struct skep_error *err);

/* Both complain by themselves and return an exit code; packets_free in either case. */
int packets_run_capture(const struct cli *, struct loaded *, const struct packets_options *,
                        struct packets_result *);
int packets_run_once(const struct cli *, struct loaded *, const struct packets_options *,
                     struct packets_result *);
void packets_free(struct packets_result *);

#endif
