/* packets.c - what program types mean by their verdicts, and running a program on one packet from a file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"

enum { CTX_ROOM = 4096, ETHERNET_HEADER = 14 };

static const int32_t xdp_go[] = {2, 3, 4};       /* PASS, TX, REDIRECT */
static const int32_t tc_go[] = {-1, 0, 1, 3, 7}; /* UNSPEC, OK, RECLASSIFY, PIPE, REDIRECT */
static const int32_t allow_go[] = {1, 3};        /* cgroup_skb: allow, allow with congestion */

/* What is known about a type's packets. */
static const struct packet_type {
    uint32_t type;
    bool is_frame;     /* Ethernet frames */
    bool is_length;    /* the verdict is a length */
    const int32_t *go; /* verdicts that let a packet go on */
    size_t go_count;
} packet_types[] = {
    {SKEP_PROG_TYPE_SOCKET_FILTER, true, true, NULL, 0},
    {SKEP_PROG_TYPE_XDP, true, false, xdp_go, sizeof xdp_go / sizeof *xdp_go},
    {SKEP_PROG_TYPE_SCHED_CLS, true, false, tc_go, sizeof tc_go / sizeof *tc_go},
    {SKEP_PROG_TYPE_SCHED_ACT, true, false, tc_go, sizeof tc_go / sizeof *tc_go},
    {SKEP_PROG_TYPE_CGROUP_SKB, true, false, allow_go, sizeof allow_go / sizeof *allow_go},
    {SKEP_PROG_TYPE_LWT_IN, true, false, NULL, 0},
    {SKEP_PROG_TYPE_LWT_OUT, true, false, NULL, 0},
    {SKEP_PROG_TYPE_LWT_XMIT, true, false, NULL, 0},
    {SKEP_PROG_TYPE_FLOW_DISSECTOR, true, false, NULL, 0},
};

static const struct packet_type *type_find(uint32_t type)
{
    for (size_t i = 0; i < sizeof packet_types / sizeof *packet_types; i++)
        if (packet_types[i].type == type)
            return &packet_types[i];
    return NULL;
}

bool packets_needs_ethernet(uint32_t type)
{
    const struct packet_type *is = type_find(type);

    return is && is->is_frame;
}

bool packets_decides(uint32_t type)
{
    const struct packet_type *is = type_find(type);

    return is && (is->is_length || is->go_count);
}

const char *packets_verdict(uint32_t type, uint64_t retval, char text[32])
{
    const struct packet_type *is = type_find(type);
    const char *name = skep_verdict_name(type, retval);

    if (name)
        snprintf(text, 32, "%s", name);
    else if (is && is->is_length)
        snprintf(text, 32, "%s", (uint32_t)retval ? "PASS" : "DROP");
    else
        snprintf(text, 32, "%" PRIu64, retval);
    return text;
}

void packets_count(struct verdicts *verdicts, const char *name)
{
    size_t i = 0;

    while (i < verdicts->count && strcmp(verdicts->rows[i].name, name) != 0)
        i++;
    if (i == verdicts->count) {
        if (verdicts->count == VERDICT_NAMES - 1)
            name = "other";
        if (verdicts->count == VERDICT_NAMES)
            i--;
        else
            verdicts->count++;
        snprintf(verdicts->rows[i].name, sizeof verdicts->rows[i].name, "%s", name);
    }
    verdicts->rows[i].count++;
}

bool packets_is_filter(uint32_t type)
{
    const struct packet_type *is = type_find(type);

    return is && is->is_length;
}

size_t packets_to_write(uint32_t type, uint64_t retval, size_t size)
{
    const struct packet_type *is = type_find(type);

    if (!is)
        return 0;
    if (is->is_length) {
        uint64_t keep = (uint32_t)retval ? (uint64_t)(uint32_t)retval + ETHERNET_HEADER : 0;

        return keep < size ? (size_t)keep : size;
    }
    for (size_t i = 0; i < is->go_count; i++)
        if (is->go[i] == (int32_t)(uint32_t)retval)
            return size;
    return 0;
}

/* The exit code for a run that failed: the program did wrong (1), or what it was given (2), or the system (3). */
static int run_exit(int code)
{
    switch (-code) {
    case SKEP_EINVAL:
    case SKEP_ENOSPC:
    case SKEP_EMSGSIZE:
    case SKEP_E2BIG:
        return CLI_USAGE;
    default:
        return cli_load_exit(code);
    }
}

int packets_complain(const struct loaded *loaded, uint64_t packet, size_t size, int code,
                     const struct skep_error *err)
{
    char about[256];

    if (packet)
        snprintf(about, sizeof about, "%s: prog %s: packet %" PRIu64 " (%zu bytes)",
                 cli_object(loaded->object), loaded->def.name, packet, size);
    else
        snprintf(about, sizeof about, "%s: prog %s", cli_object(loaded->object), loaded->def.name);
    if (err->code) {
        struct skep_error shown = *err;

        if (packet)
            shown.subject[0] = '\0'; /* `about` says it, and which packet */
        cli_error(about, &shown);
    } else {
        cli_complain("%s: %s", about, skep_code_name(code));
    }
    return run_exit(code);
}

int packets_run_once(const struct cli *cli, struct loaded *loaded,
                     const struct packets_options *options, struct packets_result *result)
{
    struct skep_test_run run = {.size = sizeof run};
    struct skep_error err = {.size = sizeof err};
    int code = CLI_YES, rc;
    char name[32];

    (void)cli;
    *result = (struct packets_result){0};
    if (options->data_in)
        code = cli_read(options->data_in, &result->data_in, &result->data_in_size);
    if (!code && options->ctx_in)
        code = cli_read(options->ctx_in, &result->ctx_in, &result->ctx_in_size);
    if (code)
        return code;
    run.data_size_out = options->data_in ? result->data_in_size + PACKETS_OUT_ROOM : 0;
    run.ctx_size_out = options->ctx_in ? result->ctx_in_size + CTX_ROOM : 0;
    result->data_out = calloc(1, run.data_size_out + 1);
    result->ctx_out = calloc(1, run.ctx_size_out + 1);
    if (!result->data_out || !result->ctx_out) {
        cli_complain("out of memory");
        return CLI_REFUSED;
    }
    run.data_in = result->data_in;
    run.data_size_in = result->data_in_size;
    run.ctx_in = result->ctx_in;
    run.ctx_size_in = result->ctx_in_size;
    run.data_out = run.data_size_out ? result->data_out : NULL;
    run.ctx_out = run.ctx_size_out ? result->ctx_out : NULL;
    run.repeat = options->repeat;
    rc = skep_prog_test_run(loaded->prog, &run, &err);
    if (rc)
        return packets_complain(loaded, 0, result->data_in_size, rc, &err);
    result->packets = 1;
    result->runs = options->repeat;
    result->total_ns = run.duration_ns * options->repeat;
    result->insns = run.insns;
    result->retval = run.retval;
    result->data_out_size = run.data_size_out;
    result->ctx_out_size = run.ctx_size_out;
    packets_count(&result->verdicts, packets_verdict(loaded->def.type, run.retval, name));
    return CLI_YES;
}

void packets_free(struct packets_result *result)
{
    free(result->data_in);
    free(result->data_out);
    free(result->ctx_in);
    free(result->ctx_out);
    *result = (struct packets_result){0};
}
