/* capture.c - capture files, read and written through libpcap.
 *
 * libpcap on every target, rather than a reader of our own: it reads both formats with all their variants (byte orders,
 * time resolutions, interfaces), its savefile code has been fuzzed for years, and it is cross-built from its source
 * package like any other dependency. What it does not say well, this file adds: which file and which packet is damaged,
 * and that a write failed. Times are asked for in nanoseconds, so nothing is lost whatever the file has. On Windows
 * libpcap opens files, standard input and output in binary mode itself.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/net.h>

#include "base/error.h"

enum {
    /* What libpcap accepts at most in one packet (its MAXIMUM_SNAPLEN): programs may lengthen packets. */
    SNAPLEN = 262144,
    NS_PER_S = 1000000000
};

struct skep_capture {
    pcap_t *pcap;
    pcap_dumper_t *dumper; /* NULL when reading */
    uint64_t count;
    char name[96]; /* for messages: the file's name without its folders */
};

static void name_set(struct skep_capture *capture, const char *path, const char *stream)
{
    const char *slash = strrchr(path, '/');

    if (!strcmp(path, "-"))
        path = stream;
    else if (slash && slash[1])
        path = slash + 1;
    snprintf(capture->name, sizeof capture->name, "%s", path);
}

/* The code for a file that libpcap could not open: its message does not tell a missing file from a damaged one. */
static int open_code(int sys)
{
    return sys ? -error_from_errno(sys) : -SKEP_EFORMAT;
}

/* libpcap begins its messages with the path as given, which the subject says already. */
static const char *message_of(const char *text, const char *path)
{
    size_t length = strlen(path);

    if (length && !strncmp(text, path, length) && !strncmp(text + length, ": ", 2))
        return text + length + 2;
    return text;
}

/* DLT_ numbers are the system's, LINKTYPE_ numbers the file's; of the types met here only raw IP differs. */
static uint32_t link_type_of(int dlt)
{
    return dlt == DLT_RAW ? (uint32_t)SKEP_LINK_RAW : (uint32_t)dlt;
}

static int dlt_of(uint32_t link_type)
{
    return link_type == SKEP_LINK_RAW ? DLT_RAW : (int)link_type;
}

int skep_capture_open(const char *path, struct skep_capture **out, struct skep_error *err)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    struct skep_capture *capture;
    int rc;

    *out = NULL;
    if (!path || !*path)
        return error_set(err, -SKEP_EINVAL, "a capture needs a file name");
    capture = calloc(1, sizeof *capture);
    if (!capture)
        return error_set(err, -SKEP_ENOMEM, "capture: out of memory");
    name_set(capture, path, "standard input");
    errno = 0;
    capture->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
    if (!capture->pcap) {
        rc = open_code(errno);
        error_set(err, rc, "%s", message_of(text, path));
        error_subject(err, "%s", capture->name);
        free(capture);
        return rc;
    }
    *out = capture;
    return 0;
}

int skep_capture_next(struct skep_capture *capture, struct skep_packet *out, struct skep_error *err)
{
    struct pcap_pkthdr *header;
    const u_char *data;
    struct skep_packet packet = {.size = sizeof packet};
    int rc;

    if (capture->dumper)
        return error_set(err, -SKEP_EINVAL, "the capture is open for writing");
    rc = pcap_next_ex(capture->pcap, &header, &data);
    if (rc == PCAP_ERROR_BREAK) /* of a file: its end */
        return -SKEP_ENOENT;
    if (rc != 1) {
        error_set(err, -SKEP_EFORMAT, "packet %llu: %s", (unsigned long long)capture->count + 1,
                  pcap_geterr(capture->pcap));
        error_subject(err, "%s", capture->name);
        return -SKEP_EFORMAT;
    }
    capture->count++;
    packet.data = data;
    packet.captured = header->caplen;
    packet.length = header->len;
    packet.time_ns = (uint64_t)header->ts.tv_sec * NS_PER_S + (uint64_t)header->ts.tv_usec;
    packet.size = out->size < sizeof packet ? out->size : sizeof packet;
    memcpy(out, &packet, packet.size);
    return 0;
}

int skep_capture_create(const char *path, uint32_t link_type, struct skep_capture **out,
                        struct skep_error *err)
{
    struct skep_capture *capture;
    int rc;

    *out = NULL;
    if (!path || !*path)
        return error_set(err, -SKEP_EINVAL, "a capture needs a file name");
    if (link_type > UINT16_MAX)
        return error_set(err, -SKEP_EINVAL, "link type %u is over 65535", link_type);
    capture = calloc(1, sizeof *capture);
    if (!capture)
        return error_set(err, -SKEP_ENOMEM, "capture: out of memory");
    name_set(capture, path, "standard output");
    errno = 0;
    capture->pcap = pcap_open_dead_with_tstamp_precision(dlt_of(link_type), SNAPLEN,
                                                         PCAP_TSTAMP_PRECISION_NANO);
    if (capture->pcap)
        capture->dumper = pcap_dump_open(capture->pcap, path);
    if (!capture->dumper) {
        rc = capture->pcap ? open_code(errno) : -SKEP_ENOMEM;
        error_set(err, rc, "%s",
                  capture->pcap ? message_of(pcap_geterr(capture->pcap), path) : "out of memory");
        error_subject(err, "%s", capture->name);
        skep_capture_close(capture);
        return rc;
    }
    *out = capture;
    return 0;
}

static int write_failed(struct skep_capture *capture, struct skep_error *err)
{
    int sys = errno, rc = sys ? -error_from_errno(sys) : -SKEP_EIO;

    error_set(err, rc, "cannot write: %s", sys ? strerror(sys) : "unknown reason");
    error_subject(err, "%s", capture->name);
    return rc;
}

int skep_capture_write(struct skep_capture *capture, const struct skep_packet *packet,
                       struct skep_error *err)
{
    struct pcap_pkthdr header = {.caplen = packet->captured};

    if (!capture->dumper)
        return error_set(err, -SKEP_EINVAL, "the capture is open for reading");
    if (packet->captured > SNAPLEN || (packet->captured && !packet->data))
        return error_set(err, -SKEP_EINVAL, "a packet of %u bytes: at most %d can be written",
                         packet->captured, SNAPLEN);
    header.len = packet->length > packet->captured ? packet->length : packet->captured;
    header.ts.tv_sec = (__typeof__(header.ts.tv_sec))(packet->time_ns / NS_PER_S);
    header.ts.tv_usec = (__typeof__(header.ts.tv_usec))(packet->time_ns % NS_PER_S);
    errno = 0;
    pcap_dump((u_char *)capture->dumper, &header, packet->data);
    /* pcap_dump reports nothing; the stream below it remembers. */
    if (ferror(pcap_dump_file(capture->dumper)))
        return write_failed(capture, err);
    capture->count++;
    return 0;
}

int skep_capture_flush(struct skep_capture *capture, struct skep_error *err)
{
    errno = 0;
    if (capture->dumper && pcap_dump_flush(capture->dumper) < 0)
        return write_failed(capture, err);
    return 0;
}

void skep_capture_close(struct skep_capture *capture)
{
    if (!capture)
        return;
    if (capture->dumper)
        pcap_dump_close(capture->dumper);
    if (capture->pcap)
        pcap_close(capture->pcap);
    free(capture);
}

uint32_t skep_capture_link_type(const struct skep_capture *capture)
{
    return link_type_of(pcap_datalink(capture->pcap));
}

const char *skep_link_type_name(uint32_t link_type)
{
    const char *name = link_type > UINT16_MAX ? NULL : pcap_datalink_val_to_name(dlt_of(link_type));

    return name ? name : "unknown";
}

uint64_t skep_capture_count(const struct skep_capture *capture)
{
    return capture->count;
}
