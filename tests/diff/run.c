/* run.c - differential tests: the same object and the same packets in skep's own engine and in the running kernel; verdict,
 * code, output bytes, output context and every map must be identical. Public API only.
 *
 *     diff-run [--packets N] [--seed S] [--capture FILE] [--tap] OBJECT..
 *
 * Exit 0: identical; 1: a difference (with seed, packet and both results); 2: usage; 77: bpf(2) is refused here.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>
#include <skep/kernel.h>

#include "packets.h"

enum { ENGINES = 2, OUT_ROOM = 4096, CTX_ROOM = 256, MAPS_EVERY = 1000, SHOWN = 3, VERDICTS = 12 };

struct options {
    uint32_t packets;
    uint64_t seed;
    const char *capture;
    bool is_tap;
};

struct side { /* one engine */
    const char *name;
    struct skep_runtime *runtime;
    struct skep_collection *collection;
    struct skep_prog *prog;
};

struct result {
    int code;
    uint64_t retval;
    size_t size, ctx_size;
    uint8_t bytes[OUT_ROOM], ctx[CTX_ROOM];
    char text[256];
};

struct tally {
    uint64_t verdicts[VERDICTS]; /* by return value; the last one: others */
    uint64_t errors, mismatches;
};

/* The entry of an object: the program that is not reached by a tail call. */
static const struct {
    const char *object, *prog;
} entries[] = {
    {"tc_classify", "classify"},  {"tc_fields", "fields"},
    {"tc_nat", "dnat"},           {"tc_vlan", "vlan"},
    {"xdp_adjust", "adjust"},     {"xdp_atomics", "atomics"},
    {"xdp_balance", "balance"},   {"xdp_bucket", "bucket"},
    {"xdp_buffers", "buffers"},   {"xdp_callbacks", "callbacks"},
    {"xdp_calls", "nest"},        {"xdp_checksum", "checksum"},
    {"xdp_firewall", "firewall"}, {"xdp_flows", "flow_table"},
    {"xdp_mapinmap", "sizes"},    {"xdp_nat", "nat"},
    {"xdp_numbers", "numbers"},   {"xdp_routes", "route"},
    {"xdp_states", "states"},     {"xdp_tailcalls", "dispatch"},
    {"xdp_tunnel", "tunnel"},
};

static const char *find_entry(const char *base)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        size_t length = strlen(entries[i].object);

        if (strncmp(base, entries[i].object, length) == 0 && base[length] == '.')
            return entries[i].prog;
    }
    return NULL;
}

static void print_hex(const char *what, const uint8_t *bytes, size_t size)
{
    printf("#   %s (%zu):", what, size);
    for (size_t i = 0; i < size; i++)
        printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
    printf("\n");
}

/* -- maps -------------------------------------------------------------------------------------- */

struct map_pair {
    struct skep_map *maps[ENGINES];
    struct skep_map_def def;
    size_t value_size;
    uint8_t *keys, *values[ENGINES];
};

static bool is_comparable(uint32_t type)
{
    return type == SKEP_MAP_TYPE_ARRAY || type == SKEP_MAP_TYPE_HASH ||
           type == SKEP_MAP_TYPE_PERCPU_ARRAY;
}

static bool compare_value(const struct map_pair *pair, const uint8_t *key, bool is_loud)
{
    int codes[ENGINES];

    for (int i = 0; i < ENGINES; i++)
        codes[i] = skep_map_lookup(pair->maps[i], key, pair->def.key_size, pair->values[i],
                                   pair->value_size, 0);
    if (codes[0] == codes[1] &&
        (codes[0] || memcmp(pair->values[0], pair->values[1], pair->value_size) == 0))
        return true;
    if (is_loud) {
        printf("#   map %s: codes %d and %d\n", pair->def.name, codes[0], codes[1]);
        print_hex("key", key, pair->def.key_size);
        print_hex("skep's value", pair->values[0], codes[0] ? 0 : pair->value_size);
        print_hex("the kernel's", pair->values[1], codes[1] ? 0 : pair->value_size);
    }
    return false;
}

static uint64_t count_keys(struct skep_map *map, uint8_t *key, uint32_t size)
{
    uint64_t count = 0;
    int code = skep_map_next_key(map, NULL, key, size);

    while (code == 0) {
        count++;
        code = skep_map_next_key(map, key, key, size);
    }
    return count;
}

static bool compare_pair(const struct map_pair *pair, bool is_loud)
{
    uint64_t counts[ENGINES];
    bool is_same = true;

    if (pair->def.type != SKEP_MAP_TYPE_HASH) {
        for (uint32_t i = 0; i < pair->def.max_entries && is_same; i++) {
            memcpy(pair->keys, &i, sizeof i);
            is_same = compare_value(pair, pair->keys, is_loud);
        }
        return is_same;
    }
    for (int i = 0; i < ENGINES; i++)
        counts[i] = count_keys(pair->maps[i], pair->keys, pair->def.key_size);
    if (counts[0] != counts[1]) {
        if (is_loud)
            printf("#   map %s: %llu and %llu entries\n", pair->def.name,
                   (unsigned long long)counts[0], (unsigned long long)counts[1]);
        is_same = false;
    }
    for (int code = skep_map_next_key(pair->maps[0], NULL, pair->keys, pair->def.key_size);
         code == 0 && is_same;
         code = skep_map_next_key(pair->maps[0], pair->keys, pair->keys, pair->def.key_size))
        is_same = compare_value(pair, pair->keys, is_loud);
    return is_same;
}

static bool compare_maps(struct side *sides, bool is_loud)
{
    bool is_same = true;

    for (size_t index = 0; is_same; index++) {
        struct map_pair pair = {.def = {.size = sizeof pair.def}};

        for (int i = 0; i < ENGINES; i++)
            pair.maps[i] = skep_collection_map_at(sides[i].collection, index);
        if (!pair.maps[0] || !pair.maps[1])
            break;
        skep_map_get_def(pair.maps[0], &pair.def);
        if (!is_comparable(pair.def.type))
            continue;
        pair.value_size = skep_map_value_bytes(pair.maps[0]);
        pair.keys = calloc(1, pair.def.key_size);
        pair.values[0] = calloc(1, pair.value_size);
        pair.values[1] = calloc(1, pair.value_size);
        if (!pair.keys || !pair.values[0] || !pair.values[1] ||
            pair.value_size != skep_map_value_bytes(pair.maps[1]))
            is_same = false;
        else
            is_same = compare_pair(&pair, is_loud);
        free(pair.keys);
        free(pair.values[0]);
        free(pair.values[1]);
    }
    return is_same;
}

/* -- runs -------------------------------------------------------------------------------------- */

/* Contexts that the host of a test run may fill: mark, priority and cb of an sk_buff, metadata of XDP. */
static size_t make_ctx(uint32_t type, struct packet *packet, uint64_t *seed, uint8_t *ctx)
{
    uint32_t dice = packet_random(seed), words[48] = {0};
    size_t size;

    if (type == SKEP_PROG_TYPE_XDP) {
        uint32_t meta = dice % 16 == 0 ? (dice >> 8 & 3) * 4 : 0;

        if (!meta || packet->size < 14 + meta)
            return 0;
        words[0] = meta;
        words[1] = packet->size;
        size = 24;
    } else {
        if (dice & 1)
            return 0;
        words[2] = dice >> 4;
        words[8] = dice >> 24;
        for (unsigned i = 12; i < 17; i++)
            words[i] = packet_random(seed);
        words[38] = dice;
        size = sizeof words;
    }
    memcpy(ctx, words, size);
    return size;
}

static void run_side(struct side *side, const struct packet *packet, const uint8_t *ctx,
                     size_t ctx_size, struct result *result)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run run = {.size = sizeof run,
                                .data_in = packet->bytes,
                                .data_size_in = packet->size,
                                .data_out = result->bytes,
                                .data_size_out = sizeof result->bytes,
                                .ctx_in = ctx_size ? ctx : NULL,
                                .ctx_size_in = ctx_size,
                                .ctx_out = ctx_size ? result->ctx : NULL,
                                .ctx_size_out = ctx_size ? sizeof result->ctx : 0};

    result->code = skep_prog_test_run(side->prog, &run, &err);
    result->retval = result->code ? 0 : run.retval;
    result->size = result->code ? 0 : run.data_size_out;
    result->ctx_size = result->code || !ctx_size ? 0 : run.ctx_size_out;
    snprintf(result->text, sizeof result->text, "%.*s", (int)sizeof result->text - 1,
             result->code ? err.text : "");
}

static bool is_same(const struct result *a, const struct result *b)
{
    return a->code == b->code && a->retval == b->retval && a->size == b->size &&
           a->ctx_size == b->ctx_size && memcmp(a->bytes, b->bytes, a->size) == 0 &&
           memcmp(a->ctx, b->ctx, a->ctx_size) == 0;
}

static void show(const struct side *sides, const struct result *results,
                 const struct packet *packet, const uint8_t *ctx, size_t ctx_size, uint64_t seed,
                 uint32_t number)
{
    printf("# mismatch: packet %u of seed %llu\n", number, (unsigned long long)seed);
    print_hex("packet", packet->bytes, packet->size);
    if (ctx_size)
        print_hex("context", ctx, ctx_size);
    for (int i = 0; i < ENGINES; i++) {
        printf("#   %s: code %d, retval %llu %s\n", sides[i].name, results[i].code,
               (unsigned long long)results[i].retval, results[i].text);
        if (results[0].size != results[1].size ||
            memcmp(results[0].bytes, results[1].bytes, results[0].size) != 0)
            print_hex("bytes", results[i].bytes, results[i].size);
        if (results[0].ctx_size != results[1].ctx_size ||
            memcmp(results[0].ctx, results[1].ctx, results[0].ctx_size) != 0)
            print_hex("context", results[i].ctx, results[i].ctx_size);
    }
}

static void feed(struct side *sides, uint32_t type, struct packet_source *source,
                 const struct options *options, struct tally *tally)
{
    static struct result results[ENGINES]; /* large, and this program has one thread */
    uint64_t ctx_seed = options->seed ^ 0xc7c7;
    struct packet packet;
    uint8_t ctx[CTX_ROOM];

    source->seed = options->seed;
    for (uint32_t number = 0; number < options->packets; number++) {
        size_t ctx_size;
        uint64_t verdict;

        packets_next(source, &packet);
        ctx_size = make_ctx(type, &packet, &ctx_seed, ctx);
        for (int i = 0; i < ENGINES; i++)
            run_side(&sides[i], &packet, ctx, ctx_size, &results[i]);
        verdict = results[1].retval;
        if (results[1].code)
            tally->errors++;
        else
            tally->verdicts[verdict < VERDICTS - 1 ? verdict : VERDICTS - 1]++;
        if (!is_same(&results[0], &results[1]) && tally->mismatches++ < SHOWN)
            show(sides, results, &packet, ctx, ctx_size, options->seed, number);
        if ((number + 1) % MAPS_EVERY && number + 1 != options->packets)
            continue;
        if (!compare_maps(sides, tally->mismatches < SHOWN)) {
            if (tally->mismatches++ < SHOWN)
                printf("# mismatch: maps differ after packet %u of seed %llu\n", number,
                       (unsigned long long)options->seed);
            break; /* they would differ from now on */
        }
    }
}

/* -- objects ----------------------------------------------------------------------------------- */

static int open_sides(struct side *sides, const char *path, const char *entry, uint32_t *type)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object = NULL;
    int code = skep_object_open(path, &object, &err);

    for (int i = 0; code == 0 && i < ENGINES; i++) {
        code = skep_load(sides[i].runtime, object, NULL, &sides[i].collection, &err);
        if (code == 0) {
            struct skep_prog_info info = {.size = sizeof info};

            sides[i].prog = skep_collection_prog(sides[i].collection, entry);
            if (sides[i].prog && skep_prog_get_info(sides[i].prog, &info) == 0)
                *type = info.type;
        } else {
            printf("# %s: %s: %s\n", sides[i].name, err.subject, err.text);
        }
    }
    if (code && !object)
        printf("# %s\n", err.text);
    skep_object_free(object);
    return code ? code : sides[0].prog && sides[1].prog ? 0 : -SKEP_ENOENT;
}

static bool test_object(struct side *sides, const char *path, struct packet_source *source,
                        const struct options *options, unsigned number)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path,
               *entry = find_entry(base);
    struct tally tally = {{0}, 0, 0};
    uint32_t type = 0;
    bool is_good = false;

    if (!entry) {
        printf("# %s: not one of the programs that this test knows\n", path);
    } else if (open_sides(sides, path, entry, &type) == 0) {
        feed(sides, type, source, options, &tally);
        is_good = tally.mismatches == 0;
    }
    for (int i = 0; i < ENGINES; i++) {
        skep_collection_unref(sides[i].collection);
        sides[i].collection = NULL;
        sides[i].prog = NULL;
    }
    if (options->is_tap)
        printf("%s %u - %s", is_good ? "ok" : "not ok", number, base);
    else
        printf("%-24s", base);
    printf(" %u packets, %llu mismatches;", options->packets, (unsigned long long)tally.mismatches);
    for (unsigned i = 0; i < VERDICTS; i++)
        if (tally.verdicts[i]) {
            const char *name = skep_verdict_name(type, i == VERDICTS - 1 ? UINT32_MAX : i);

            printf(" %s %llu", name ? name : "other", (unsigned long long)tally.verdicts[i]);
        }
    if (tally.errors)
        printf(" refused %llu", (unsigned long long)tally.errors);
    printf("\n");
    fflush(stdout);
    return is_good;
}

static int open_runtimes(struct side *sides)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime_opts opts = {.size = sizeof opts, .backend = skep_kernel_backend()};
    cpu_set_t first;

    sides[0].name = "skep";
    sides[1].name = "kernel";
    if (skep_runtime_create(&opts, &sides[1].runtime, &err) < 0) {
        printf("1..0 # SKIP %s\n", err.text);
        return 77;
    }
    opts.backend = NULL;
    opts.slots = skep_runtime_slots(sides[1].runtime);
    if (skep_runtime_create(&opts, &sides[0].runtime, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    /* Per-CPU values are compared CPU by CPU: both engines use the first one. */
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (sched_setaffinity(0, sizeof first, &first) != 0) {
        printf("1..0 # SKIP this process may not run on CPU 0\n");
        return 77;
    }
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: diff-run [--packets N] [--seed S] [--capture FILE] [--tap] OBJECT..\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct options options = {.packets = 2000, .seed = 1};
    struct packet_source source = {0};
    struct side sides[ENGINES] = {{0}};
    unsigned failed = 0, number = 0;
    int at, code;

    for (at = 1; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--tap") == 0)
            options.is_tap = true;
        else if (strcmp(argv[at], "--packets") == 0 && at + 1 < argc)
            options.packets = (uint32_t)strtoul(argv[++at], NULL, 10);
        else if (strcmp(argv[at], "--seed") == 0 && at + 1 < argc)
            options.seed = strtoull(argv[++at], NULL, 0);
        else if (strcmp(argv[at], "--capture") == 0 && at + 1 < argc)
            options.capture = argv[++at];
        else
            return usage();
    }
    if (at == argc)
        return usage();
    code = open_runtimes(sides);
    if (code)
        goto out;
    code = 1;
    if (packets_builtin(&source) < 0 ||
        (options.capture && packets_from_capture(&source, options.capture) < 0))
        goto out;
    if (options.is_tap)
        printf("1..%d\n", argc - at);
    else
        printf("%u packets each, from %u templates, seed %llu\n", options.packets, source.count,
               (unsigned long long)options.seed);
    for (; at < argc; at++)
        failed += !test_object(sides, argv[at], &source, &options, ++number);
    if (!options.is_tap)
        printf("%u objects, %u with mismatches\n", number, failed);
    code = failed ? 1 : 0;
out:
    packets_free(&source);
    if (code == 77 && options.is_tap)
        code = 0; /* the plan has said that all is skipped */
    for (int i = 0; i < ENGINES; i++)
        skep_runtime_unref(sides[i].runtime);
    return code;
}
