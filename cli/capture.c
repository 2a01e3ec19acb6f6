/* capture.c - running a program over every packet of a capture.
 *
 * A packet goes in as the capture has it and is run `repeat` times; the last run's result counts as its verdict. Packets
 * go out (--write) when the verdict lets them go on, with the bytes as the program left them; a socket filter's verdict
 * is how many bytes behind the Ethernet header it keeps.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "packets.h"
#include "system.h"

#if SKEP_WITH_NET
#include <skep/net.h>

enum {
    PROGRESS_EVERY = 1024,       /* packets between two looks at the clock */
    PROGRESS_NS = 250 * 1000000, /* between two progress lines; the first comes later */
    PROGRESS_FIRST_NS = 1000000000
};

struct progress {
    bool is_on, is_shown;
    uint64_t started, last;
};

static void progress_begin(struct progress *progress, const struct cli *cli)
{
    *progress = (struct progress){.is_on = !cli->is_quiet && system_is_terminal(stderr)};
    progress->started = progress->last = system_nanoseconds();
}

static void progress_show(struct progress *progress, const struct packets_result *result)
{
    char packets[28];
    uint64_t now;

    if (!progress->is_on || result->packets % PROGRESS_EVERY)
        return;
    now = system_nanoseconds();
    if (now - progress->started < PROGRESS_FIRST_NS || now - progress->last < PROGRESS_NS)
        return;
    progress->last = now;
    progress->is_shown = true;
    fprintf(stderr, "\r%s packets, %.1f s ", cli_count(result->packets, packets),
            (double)(now - progress->started) / 1e9);
    fflush(stderr);
}

static void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fprintf(stderr, "\r%40s\r", "");
}

static int write_packet(struct skep_capture *to, const struct skep_packet *packet,
                        const struct skep_test_run *run, uint32_t type,
                        struct packets_result *result, struct skep_error *err)
{
    struct skep_packet out = *packet;
    bool is_filter = packets_is_filter(type);
    size_t size = is_filter ? packet->captured : run->data_size_out;
    size_t keep = packets_to_write(type, run->retval, size);
    uint32_t missing = packet->length > packet->captured ? packet->length - packet->captured : 0;

    if (!keep)
        return 0;
    out.data = is_filter ? packet->data : run->data_out;
    out.captured = (uint32_t)keep;
    out.length = (uint32_t)size + missing;
    result->written++;
    return skep_capture_write(to, &out, err);
}

static int run_packet(struct loaded *loaded, const struct packets_options *options,
                      const struct skep_packet *packet, struct skep_test_run *run,
                      struct packets_result *result)
{
    struct skep_error err = {.size = sizeof err};
    char name[32];
    int rc;

    run->data_in = packet->data;
    run->data_size_in = packet->captured;
    run->data_size_out = PACKETS_OUT_ROOM;
    run->repeat = options->repeat;
    if (loaded->world.clock == WORLD_CAPTURE)
        loaded->world.now = packet->time_ns;
    rc = skep_prog_test_run(loaded->prog, run, &err);
    if (rc)
        return packets_complain(loaded, result->packets + 1, packet->captured, rc, &err);
    result->packets++;
    result->runs += options->repeat;
    result->total_ns += run->duration_ns * options->repeat;
    result->insns += run->insns;
    result->retval = run->retval;
    result->cut += packet->length > packet->captured;
    packets_count(&result->verdicts, packets_verdict(loaded->def.type, run->retval, name));
    return CLI_YES;
}

static int open_captures(const struct loaded *loaded, const struct packets_options *options,
                         struct skep_capture **from, struct skep_capture **to)
{
    struct skep_error err = {.size = sizeof err};
    uint32_t link_type;
    int rc = skep_capture_open(options->capture, from, &err);

    if (rc) {
        cli_error(cli_name(options->capture), &err);
        return cli_input_exit(rc);
    }
    link_type = skep_capture_link_type(*from);
    if (link_type != SKEP_LINK_ETHERNET && packets_needs_ethernet(loaded->def.type)) {
        cli_complain("%s: link type %s (%u): programs of type %s need Ethernet frames",
                     cli_name(options->capture), skep_link_type_name(link_type), link_type,
                     cli_type_name(loaded->def.type));
        return CLI_USAGE;
    }
    if (!options->write)
        return CLI_YES;
    rc = skep_capture_create(options->write, link_type, to, &err);
    if (rc) {
        cli_error(cli_name(options->write), &err);
        return CLI_REFUSED;
    }
    return CLI_YES;
}

int packets_run_capture(const struct cli *cli, struct loaded *loaded,
                        const struct packets_options *options, struct packets_result *result)
{
    struct skep_capture *from = NULL, *to = NULL;
    struct skep_packet packet = {.size = sizeof packet};
    struct skep_test_run run = {.size = sizeof run};
    struct skep_error err = {.size = sizeof err};
    struct progress progress;
    int code, rc = 0;

    *result = (struct packets_result){0};
    progress_begin(&progress, cli);
    result->data_out = malloc(PACKETS_OUT_ROOM);
    run.data_out = result->data_out;
    if (!result->data_out) {
        cli_complain("out of memory");
        return CLI_REFUSED;
    }
    code = open_captures(loaded, options, &from, &to);
    while (!code && !(rc = skep_capture_next(from, &packet, &err))) {
        code = run_packet(loaded, options, &packet, &run, result);
        if (!code && to &&
            (rc = write_packet(to, &packet, &run, loaded->def.type, result, &err)) != 0)
            break;
        progress_show(&progress, result);
    }
    progress_end(&progress);
    if (!code && rc && rc != -SKEP_ENOENT) {
        cli_error(to && rc != -SKEP_EFORMAT ? cli_name(options->write) : cli_name(options->capture),
                  &err);
        code = rc == -SKEP_EFORMAT ? CLI_USAGE : CLI_REFUSED;
    }
    if (to && (rc = skep_capture_flush(to, &err)) != 0 && !code) {
        cli_error(cli_name(options->write), &err);
        code = CLI_REFUSED;
    }
    skep_capture_close(from);
    skep_capture_close(to);
    if (!code && result->cut)
        cli_warn(cli,
                 "%s: %" PRIu64 " packets were cut when captured: programs saw their beginning",
                 cli_name(options->capture), result->cut);
    return code;
}
#else
int packets_run_capture(const struct cli *cli, struct loaded *loaded,
                        const struct packets_options *options, struct packets_result *result)
{
    (void)cli, (void)loaded, (void)options;
    *result = (struct packets_result){0};
    cli_complain("--pcap: this build has no captures (libpcap is needed)");
    return CLI_REFUSED;
}
#endif
