/* run.c - skep run: a program over a packet or a capture, as `bpftool prog run` does and more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "caps.h"
#include "json.h"
#include "maps.h"
#include "packets.h"

struct run_options {
    struct load_options load;
    struct packets_options packets;
    const char *data_out, *ctx_out, *seed, *as, *caps;
    uint64_t repeat;
};

enum { SHOWN_BYTES = 2048 };

#define AT(member) offsetof(struct run_options, member)

static const struct arg_option options[] = {
    {"prog", 0, ARG_TEXT, AT(load.prog), "NAME", "the program: its function, or its section"},
    {"type", 0, ARG_TEXT, AT(load.type), "TYPE",
     "its type, where the section does not say it: xdp, tc .."},
    {"pcap", 0, ARG_TEXT, AT(packets.capture), "FILE",
     "run it on every packet of a pcap or pcapng file"},
    {"write", 0, ARG_TEXT, AT(packets.write), "FILE",
     "write the packets it lets go on, as it left them"},
    {"data-in", 0, ARG_TEXT, AT(packets.data_in), "FILE", "run it once on these bytes"},
    {"data-out", 0, ARG_TEXT, AT(data_out), "FILE", "write the bytes as it left them"},
    {"ctx-in", 0, ARG_TEXT, AT(packets.ctx_in), "FILE", "the context struct it gets"},
    {"ctx-out", 0, ARG_TEXT, AT(ctx_out), "FILE", "write the context as it left it"},
    {"repeat", 0, ARG_U64, AT(repeat), "N", "runs per packet"},
    {"engine", 0, ARG_TEXT, AT(load.engine), "ENGINE", "interp (default) or kernel"},
    {"set", 0, ARG_LIST, AT(load.set), "NAME=VALUE", "a global variable's first value"},
    {"map", 0, ARG_LIST, AT(load.map), "NAME=FILE",
     "a map's first content, as `bpftool map dump -j` prints it"},
    {"btf", 0, ARG_TEXT, AT(load.btf), "FILE",
     "types for CO-RE relocations (default: this system's)"},
    {"cpus", 0, ARG_U64, AT(load.cpus), "N", "CPUs as the program sees them"},
    {"seed", 0, ARG_TEXT, AT(seed), "N", "seed of bpf_get_prandom_u32"},
    {"clock", 0, ARG_TEXT, AT(load.clock), "CLOCK",
     "real, frozen, or capture: the time of each packet"},
    {"as", 0, ARG_TEXT, AT(as), "WHO", "who loads it: root (default), bpf (CAP_BPF alone), guest"},
    {"caps", 0, ARG_TEXT, AT(caps), "LIST", "the same in detail: bpf,perfmon,net_admin,sys_admin"},
    {"sandboxed", 0, ARG_FLAG, AT(load.is_sandboxed), NULL,
     "run it without verifying it; its accesses are checked as always"},
    {"max-insns", 0, ARG_U64, AT(load.max_insns), "N", "instructions a run may take"},
    {0},
};

static int check_privileges(const struct verb *verb, struct run_options *run)
{
    bool is_kernel = run->load.engine && !strcmp(run->load.engine, "kernel");
    int code = caps_parse(verb, run->as, run->caps, &run->load.caps);

    if (!code && is_kernel && (run->as || run->caps || run->load.is_sandboxed))
        code = args_usage(verb, "--as, --caps and --sandboxed are not for --engine kernel: Linux "
                                "verifies what it runs");
    if (!code && run->load.is_sandboxed && (run->as || run->caps))
        code = args_usage(verb, "--sandboxed does not go with --as or --caps");
    return code;
}

static int check_choices(const struct verb *verb, struct run_options *run)
{
    static const char *const engines[] = {"interp", "kernel"};
    static const char *const clocks[] = {"real", "frozen", "capture"};
    bool is_known = false;

    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        is_known |= run->load.engine && !strcmp(run->load.engine, engines[i]);
    if (run->load.engine && !is_known)
        return args_usage(verb, "--engine %s: interp or kernel", run->load.engine);
    is_known = false;
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        is_known |= run->load.clock && !strcmp(run->load.clock, clocks[i]);
    if (run->load.clock && !is_known)
        return args_usage(verb, "--clock %s: real, frozen or capture", run->load.clock);
    if (run->load.clock && !strcmp(run->load.clock, "capture") && !run->packets.capture)
        return args_usage(verb, "--clock capture needs --pcap");
    if (run->seed) {
        if (!cli_number(run->seed, &run->load.seed))
            return args_usage(verb, "--seed %s: not a whole number of 0 to 2^64-1", run->seed);
        run->load.has_seed = true;
    }
    if (run->repeat < 1 || run->repeat > 1000000000)
        return args_usage(verb, "--repeat %" PRIu64 ": 1 to 1,000,000,000", run->repeat);
    if (run->load.cpus > 4096)
        return args_usage(verb, "--cpus %" PRIu64 ": 1 to 4096", run->load.cpus);
    run->packets.repeat = (uint32_t)run->repeat;
    return check_privileges(verb, run);
}

static int check(const struct verb *verb, struct run_options *run)
{
    const char *from[] = {run->load.object, run->packets.capture, run->packets.data_in,
                          run->packets.ctx_in, run->load.btf};
    int streams = 0;

    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        streams += from[i] && !strcmp(from[i], "-");
    for (size_t i = 0; i < run->load.map.count; i++) {
        const char *equals = strchr(run->load.map.items[i], '=');

        streams += equals && !strcmp(equals, "=-");
    }
    if (streams > 1)
        return args_usage(verb, "standard input (-) can be read once only");
    if (run->packets.capture && (run->packets.data_in || run->packets.ctx_in))
        return args_usage(verb, "--pcap does not go with --data-in or --ctx-in");
    if (run->packets.capture && (run->data_out || run->ctx_out))
        return args_usage(verb,
                          "--data-out and --ctx-out are for one packet; --write takes a capture's");
    if (run->packets.write && !run->packets.capture)
        return args_usage(verb, "--write needs --pcap");
    if (run->data_out && !run->packets.data_in)
        return args_usage(verb, "--data-out needs --data-in");
    if (run->ctx_out && !run->packets.ctx_in)
        return args_usage(verb, "--ctx-out needs --ctx-in");
    return check_choices(verb, run);
}

/* What can be said only when the program's type is known. */
static int check_type(const struct run_options *run, const struct loaded *loaded)
{
    const char *type = cli_type_name(loaded->def.type);

    if (run->packets.write && !packets_decides(loaded->def.type)) {
        cli_complain("--write: programs of type %s do not decide about packets", type);
        return CLI_USAGE;
    }
    if (!run->packets.capture && !run->packets.data_in && !run->packets.ctx_in &&
        packets_needs_ethernet(loaded->def.type)) {
        cli_complain(
            "%s: prog %s: a program of type %s needs packets: --pcap FILE or --data-in FILE",
            cli_object(loaded->object), loaded->def.name, type);
        return CLI_USAGE;
    }
    return CLI_YES;
}

static uint64_t mean_ns(const struct packets_result *result)
{
    return result->runs ? (result->total_ns + result->runs / 2) / result->runs : 0;
}

/* Whether it was verified, and how long that took us; 0: Linux did it. */
static bool is_verified(const struct loaded *loaded, uint64_t *ns)
{
    struct skep_prog_info info = {.size = sizeof info};

    *ns = 0;
    if (!strcmp(loaded->engine, "kernel") || skep_prog_get_info(loaded->prog, &info))
        return true;
    *ns = info.verify_ns;
    return info.verified;
}

static void show_json(const struct cli *cli, const struct run_options *run,
                      const struct loaded *loaded, const struct packets_result *result)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    uint64_t verify_ns;

    json_object(&json, NULL);
    json_string(&json, "schema", "skep.run/1");
    json_string(&json, "program", loaded->def.name);
    json_string(&json, "type", cli_type_name(loaded->def.type));
    json_string(&json, "engine", loaded->engine);
    json_bool(&json, "verified", is_verified(loaded, &verify_ns));
    if (verify_ns)
        json_u64(&json, "verify_ns", verify_ns);
    json_u64(&json, "retval", result->retval);
    json_u64(&json, "duration_ns", mean_ns(result));
    json_u64(&json, "runs", result->runs);
    if (run->packets.capture)
        json_u64(&json, "packets", result->packets);
    if (run->packets.write)
        json_u64(&json, "written", result->written);
    if (run->packets.data_in)
        json_hex(&json, "data_out", result->data_out, result->data_out_size);
    if (run->packets.ctx_in)
        json_hex(&json, "ctx_out", result->ctx_out, result->ctx_out_size);
    json_object(&json, "verdicts");
    for (size_t i = 0; i < result->verdicts.count; i++)
        json_u64(&json, result->verdicts.rows[i].name, result->verdicts.rows[i].count);
    json_end_object(&json);
    maps_json(&json, loaded);
    json_end_object(&json);
    json_finish(&json);
}

/* Sixteen bytes a line with their text; of large ones the beginning. */
static void show_bytes(FILE *out, const char *title, const uint8_t *bytes, size_t all)
{
    size_t size = all < SHOWN_BYTES ? all : SHOWN_BYTES;

    if (!all)
        return;
    fprintf(out, "%s, %zu bytes:\n", title, all);
    for (size_t at = 0; at < size; at += 16) {
        fprintf(out, "  %04zx ", at);
        for (size_t i = at; i < at + 16; i++)
            i < size ? fprintf(out, "%s%02x", i % 8 ? " " : "  ", bytes[i])
                     : fprintf(out, "%s  ", i % 8 ? " " : "  ");
        fprintf(out, "  ");
        for (size_t i = at; i < at + 16 && i < size; i++)
            fputc(bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.', out);
        fputc('\n', out);
    }
    if (size < all)
        fprintf(out, "  and %zu more (--%s-out writes all)\n", all - size,
                strcmp(title, "data") ? "ctx" : "data");
}

static void show_text(FILE *out, const struct run_options *run, const struct loaded *loaded,
                      const struct packets_result *result)
{
    double mean = result->runs ? (double)result->total_ns / (double)result->runs : 0;
    char count[28], name[32];
    uint64_t verify_ns;

    fprintf(out, "%s: %s (%s, %s insns, ", cli_object(loaded->object), loaded->def.name,
            cli_type_name(loaded->def.type), cli_count(loaded->insns, count));
    if (!is_verified(loaded, &verify_ns))
        fprintf(out, "unverified, ");
    else if (verify_ns)
        fprintf(out, "verified in %.2f ms, ", (double)verify_ns / 1e6);
    fprintf(out, "%s)\n", loaded->engine);
    if (run->packets.capture) {
        fprintf(out, "%s packets", cli_count(result->packets, count));
        for (size_t i = 0; i < result->verdicts.count; i++)
            fprintf(out, "  %s %s", result->verdicts.rows[i].name,
                    cli_count(result->verdicts.rows[i].count, count));
        if (mean > 0)
            fprintf(out, "  %.1f ns mean  %.2f Mpps", mean, 1000 / mean);
        fputc('\n', out);
        if (run->packets.write)
            fprintf(out, "%s packets written to %s\n", cli_count(result->written, count),
                    strcmp(run->packets.write, "-") ? cli_name(run->packets.write)
                                                    : "standard output");
    } else {
        packets_verdict(loaded->def.type, result->retval, name);
        fprintf(out, "returned %" PRIu64, result->retval);
        if (name[0] < '0' || name[0] > '9')
            fprintf(out, " %s", name);
        fprintf(out, "  %.1f ns mean of %s run%s\n", mean, cli_count(result->runs, count),
                result->runs == 1 ? "" : "s");
        if (run->packets.data_in && !run->data_out)
            show_bytes(out, "data", result->data_out, result->data_out_size);
        if (run->packets.ctx_in && !run->ctx_out)
            show_bytes(out, "context", result->ctx_out, result->ctx_out_size);
    }
    maps_text(out, loaded);
}

/* A file on standard output keeps it for itself: the summary then goes to standard error. */
static bool takes_stdout(const struct run_options *run)
{
    const char *to[] = {run->packets.write, run->data_out, run->ctx_out};

    for (size_t i = 0; i < sizeof to / sizeof *to; i++)
        if (to[i] && !strcmp(to[i], "-"))
            return true;
    return false;
}

static int run_all(const struct cli *cli, const struct verb *verb, struct run_options *run)
{
    struct packets_result result = {0};
    struct loaded loaded;
    int code = check(verb, run);

    if (code)
        return code;
    if (cli->is_json && takes_stdout(run))
        return args_usage(verb, "-j and a file on standard output (-) exclude each other");
    code = load_open(cli, &run->load, &loaded);
    if (!code)
        code = check_type(run, &loaded);
    if (!code)
        code = run->packets.capture ? packets_run_capture(cli, &loaded, &run->packets, &result)
                                    : packets_run_once(cli, &loaded, &run->packets, &result);
    if (!code && run->data_out)
        code = cli_write(run->data_out, result.data_out, result.data_out_size);
    if (!code && run->ctx_out)
        code = cli_write(run->ctx_out, result.ctx_out, result.ctx_out_size);
    if (!code && cli->is_json)
        show_json(cli, run, &loaded, &result);
    else if (!code)
        show_text(takes_stdout(run) ? stderr : stdout, run, &loaded, &result);
    packets_free(&result);
    load_free(&loaded);
    return cli_finish(code);
}

static int run_run(const struct verb *verb, int argc, char **argv)
{
    struct run_options run = {.repeat = 1};
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, &run, &operands);

    if (code == ARGS_GO_ON) {
        run.load.object = operands.items[0];
        code = run_all(&cli, verb, &run);
    }
    args_free(&operands);
    args_free(&run.load.set);
    args_free(&run.load.map);
    return code;
}

const struct verb verb_run = {
    .name = "run",
    .operands = "OBJ",
    .about = "run a program over a packet or a capture",
    .options = options,
    .notes = "A program's own result never is the exit status: 0 it ran, 1 it was rejected or "
             "faulted.\n",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_run,
};
