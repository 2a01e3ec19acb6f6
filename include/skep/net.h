/* net.h - packets from and to capture files (library skep-net, on libpcap).
 *
 * Reads pcap (any byte order, microseconds or nanoseconds) and pcapng; writes pcap with nanosecond times. A capture is
 * used by one thread at a time. A file is hostile input: damage yields -SKEP_EFORMAT with a message that names the packet.
 */
#ifndef SKEP_NET_H
#define SKEP_NET_H

#include <skep/api.h>
#include <skep/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_capture; /* opaque: a capture file open for reading or for writing */

enum { /* some LINKTYPE_ numbers of capture files; see https://www.tcpdump.org/linktypes.html */
       SKEP_LINK_NULL = 0,
       SKEP_LINK_ETHERNET = 1,
       SKEP_LINK_RAW = 101, /* packets begin with an IPv4 or IPv6 header */
       SKEP_LINK_LINUX_SLL = 113,
       SKEP_LINK_LINUX_SLL2 = 276
};

struct skep_packet {
    size_t size;
    const void *data;  /* borrowed; from skep_capture_next: until the next call with this capture */
    uint32_t captured; /* bytes at `data` */
    uint32_t length;   /* bytes the packet had on the wire; 0 when writing: `captured` */
    uint64_t time_ns;  /* since 1970-01-01 00:00 UTC */
};

/* Open for reading. "-" is standard input. -SKEP_EFORMAT: neither pcap nor pcapng, or a damaged header. */
SKEP_API int skep_capture_open(const char *path, struct skep_capture **out, struct skep_error *err);
/* The next packet, in file order. -SKEP_ENOENT after the last one. */
SKEP_API int skep_capture_next(struct skep_capture *, struct skep_packet *out,
                               struct skep_error *err);

/* Create, or replace, a pcap file for packets of one link type. "-" is standard output. */
SKEP_API int skep_capture_create(const char *path, uint32_t link_type, struct skep_capture **out,
                                 struct skep_error *err);
SKEP_API int skep_capture_write(struct skep_capture *, const struct skep_packet *,
                                struct skep_error *err);
/* Hand everything written to the system; what a full disk refuses is reported here. */
SKEP_API int skep_capture_flush(struct skep_capture *, struct skep_error *err);

/* Of either kind; unwritten packets go out, without a word if that fails: skep_capture_flush before. */
SKEP_API void skep_capture_close(struct skep_capture *);
/* LINKTYPE_ number, and its name: "EN10MB"; static, or "unknown". */
SKEP_API uint32_t skep_capture_link_type(const struct skep_capture *);
SKEP_API const char *skep_link_type_name(uint32_t link_type);
/* Packets read or written so far. */
SKEP_API uint64_t skep_capture_count(const struct skep_capture *);

#ifdef __cplusplus
}
#endif
#endif
