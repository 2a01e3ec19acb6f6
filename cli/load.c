/* load.c - from the command line of `skep run` to a live program.
 *
 * open -> choose the program -> set types and globals -> link -> runtime -> verify and load -> fill maps. The choice without --prog:
 * the one program that a user can mean, that is the one which no other program of the object reaches by a tail call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "mapfile.h"
#include "system.h"

#if SKEP_WITH_KERNEL
#include <skep/kernel.h>
#endif

enum {
    CAPTURE_START =
        1000000000 /* what a frozen clock shows, in ns: a second, as some programs take 0 for "never" */
};

/* -- the world helpers see --------------------------------------------------------------------- */
static void world_log(void *user, int level, const char *text)
{
    const struct load_world *world = user;

    if (level <= SKEP_LOG_WARN)
        cli_warn(world->cli, "%s", text);
    else if (world->cli->is_verbose)
        cli_complain("%s", text);
}

static void world_printk(void *user, const char *line, size_t length)
{
    const struct load_world *world = user;

    if (world->cli->is_quiet)
        return;
    while (length && line[length - 1] == '\n')
        length--;
    fflush(stdout);
    fprintf(stderr, "%.*s\n", (int)length, line);
}

static uint64_t world_clock(void *user, int clock_id)
{
    const struct load_world *world = user;

    (void)clock_id;
    return world->now;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static uint32_t world_random(void *user)
{
    struct load_world *world = user;
    uint64_t z = world->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) >> 32);
}

static int runtime_open(const struct cli *cli, const struct load_options *options,
                        struct loaded *out)
{
    struct skep_host host = {
        .size = sizeof host, .user = &out->world, .log = world_log, .printk = world_printk};
    struct skep_runtime_opts opts = {.size = sizeof opts,
                                     .host = &host,
                                     .allow = options->is_sandboxed ? SKEP_ALLOW_SANDBOXED : 0,
                                     .slots = (uint32_t)options->cpus};
    struct skep_error err = {.size = sizeof err};
    int rc;

    out->world.cli = cli;
    out->world.now = CAPTURE_START;
    out->world.state = options->seed;
    if (options->clock && !strcmp(options->clock, "frozen"))
        out->world.clock = WORLD_FROZEN;
    else if (options->clock && !strcmp(options->clock, "capture"))
        out->world.clock = WORLD_CAPTURE;
    if (out->world.clock != WORLD_REAL)
        host.clock = world_clock;
    if (options->has_seed)
        host.random = world_random;
    if (!strcmp(out->engine, "kernel")) {
#if SKEP_WITH_KERNEL
        opts.backend = skep_kernel_backend();
        if (host.clock || host.random)
            cli_warn(cli, "the kernel has its own clock and random numbers: --clock and --seed do "
                          "nothing there");
        system_pin(0);
#else
        cli_complain("engine kernel: this build has none (Linux with libbpf is needed)");
        return CLI_REFUSED;
#endif
    }
    rc = skep_runtime_create(&opts, &out->runtime, &err);
    if (rc) {
        cli_error(opts.backend ? "engine kernel" : "runtime", &err);
        return CLI_REFUSED;
    }
    return CLI_YES;
}

/* -- the choice of the program ----------------------------------------------------------------- */
struct choice {
    struct skep_object *object;
    struct mapfile *const *files;
    size_t file_count;
    const char *about;
    bool has_type;
};

/* Whether another program reaches this one by a tail call. */
static bool is_tail(const struct choice *choice, size_t index, const char *name)
{
    struct skep_object_slot slot = {.size = sizeof slot};

    for (size_t i = 0; !skep_object_slot(choice->object, i, &slot); i++)
        if (slot.is_prog && slot.index == index)
            return true;
    for (size_t i = 0; i < choice->file_count; i++)
        if (mapfile_names(choice->files[i], name))
            return true;
    return false;
}

static bool is_type_available(uint32_t type)
{
    struct skep_feature feature = {.size = sizeof feature};

    for (size_t i = 0; !skep_feature(i, &feature); i++)
        if (!strcmp(feature.kind, "program type") && feature.number == type)
            return feature.is_available;
    return false;
}

static void list_programs(const struct choice *choice, const char *before)
{
    struct skep_prog_def def = {.size = sizeof def};
    const char *type;

    cli_complain("%s: %s", choice->about, before);
    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++) {
        type = def.is_type_known ? cli_type_name(def.type) : "type unknown";
        fprintf(stderr, "  %-24s %-16s SEC(\"%s\")%s\n", def.name, type, def.section,
                is_tail(choice, i, def.name) ? "  tail-called" : "");
    }
}

/* By function, else by section if that has one program only. */
static int choose_named(const struct choice *choice, const char *name, size_t *index)
{
    struct skep_prog_def def = {.size = sizeof def};
    size_t in_section = 0;

    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++) {
        if (!strcmp(def.name, name)) {
            *index = i;
            return CLI_YES;
        }
    }
    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++) {
        if (!strcmp(def.section, name) && !in_section++)
            *index = i;
    }
    if (in_section == 1)
        return CLI_YES;
    list_programs(choice, in_section ? "several programs are in that section; --prog one of:"
                                     : "there is no such program; --prog one of:");
    return CLI_USAGE;
}

static int choose_alone(const struct choice *choice, size_t *index)
{
    struct skep_prog_def def = {.size = sizeof def};
    size_t count = 0, runnable = 0, total = 0, first = 0, first_runnable = 0;

    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++, total++) {
        if (!def.autoload || is_tail(choice, i, def.name))
            continue;
        if (!count++)
            first = i;
        if ((def.is_type_known ? is_type_available(def.type) : choice->has_type) && !runnable++)
            first_runnable = i;
    }
    if (!total) {
        cli_complain("%s: the object has no program", choice->about);
        return CLI_USAGE;
    }
    *index = count == 1 ? first : first_runnable;
    if (count == 1 || runnable == 1)
        return CLI_YES;
    list_programs(choice, "which program? --prog one of:");
    return CLI_USAGE;
}

int load_type(const char *text, struct skep_prog_def *def)
{
    uint32_t type = 0, attach_type = 0, flags = 0;
    const char *target;
    int number;

    if (skep_section_parse(text, &type, &attach_type, &flags, &target)) {
        number = skep_prog_type_number(text);
        if (number < 0) {
            cli_complain("--type %s: no such program type (`skep features` lists them)", text);
            return CLI_USAGE;
        }
        type = (uint32_t)number;
    }
    def->type = type;
    def->attach_type = attach_type;
    def->flags |= flags;
    def->is_type_known = 1;
    return CLI_YES;
}

/* --type: for the chosen program, and for all whose section says nothing (what it tail-calls must agree). */
static int type_set(const struct choice *choice, const char *text, size_t chosen)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err = {.size = sizeof err};

    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++) {
        if (i != chosen && def.is_type_known)
            continue;
        if (load_type(text, &def))
            return CLI_USAGE;
        if (skep_object_set_prog(choice->object, &def, &err)) {
            cli_error(choice->about, &err);
            return CLI_USAGE;
        }
    }
    return CLI_YES;
}

/* With programs that --map puts into prog arrays: load those and the chosen one, and what .values name, nothing else. */
static int autoload_set(const struct choice *choice, size_t chosen)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err = {.size = sizeof err};

    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++) {
        def.autoload = i == chosen || is_tail(choice, i, def.name);
        if (skep_object_set_prog(choice->object, &def, &err)) {
            cli_error(choice->about, &err);
            return CLI_USAGE;
        }
    }
    return CLI_YES;
}

static bool wires_programs(const struct choice *choice)
{
    struct skep_prog_def def = {.size = sizeof def};

    for (size_t i = 0; !skep_object_prog(choice->object, i, &def); i++)
        for (size_t k = 0; k < choice->file_count; k++)
            if (mapfile_names(choice->files[k], def.name))
                return true;
    return false;
}

/* -- globals, link, load ----------------------------------------------------------------------- */
static int globals_set(const struct choice *choice, const struct arg_list *set)
{
    struct skep_error err;
    const char *equals;
    char name[256];
    int rc;

    for (size_t i = 0; i < set->count; i++) {
        equals = strchr(set->items[i], '=');
        if (!equals || equals == set->items[i] || (size_t)(equals - set->items[i]) >= sizeof name) {
            cli_complain("--set %s: NAME=VALUE is needed", set->items[i]);
            return CLI_USAGE;
        }
        snprintf(name, sizeof name, "%.*s", (int)(equals - set->items[i]), set->items[i]);
        err = (struct skep_error){.size = sizeof err};
        rc = skep_object_set_global_text(choice->object, name, equals + 1, &err);
        if (rc) {
            cli_error("--set", &err);
            return CLI_USAGE;
        }
    }
    return CLI_YES;
}

/* Why programs were rejected, as skep verify shows it. */
static int show_rejected(struct skep_report *report)
{
    uint32_t format = SKEP_REPORT_HUMAN;
    char folder[4096];

    if (system_is_terminal(stderr) && !getenv("NO_COLOR"))
        format |= SKEP_REPORT_COLOUR;
    if (getcwd(folder, sizeof folder) && skep_report_set_folder(report, folder)) {
        cli_complain("out of memory");
        return CLI_REFUSED;
    }
    (void)skep_report_print(report, format, cli_print, stderr);
    return CLI_NO;
}

static int link_and_load(const struct cli *cli, const struct load_options *options,
                         struct loaded *out, const char *only)
{
    struct skep_link_opts link = {.size = sizeof link, .log = world_log, .user = &out->world};
    const struct skep_verify_opts verify = {.size = sizeof verify, .caps = options->caps};
    struct skep_report *report = NULL;
    struct skep_load_opts load = {.size = sizeof load,
                                  .prog = only,
                                  .max_insns = options->max_insns,
                                  .verify = &verify,
                                  .report = &report,
                                  .sandboxed = options->is_sandboxed};
    struct skep_error err = {.size = sizeof err};
    const char *about = cli_object(out->object);
    int rc, code = CLI_YES;

    out->world.cli = cli;
    if (options->btf && (rc = skep_btf_open(options->btf, &out->target, &err)) != 0) {
        cli_error(cli_name(options->btf), &err);
        return cli_input_exit(rc);
    }
    link.btf = load.btf = out->target;
    rc = skep_object_link(out->object, &link, &err);
    if (!rc)
        rc = skep_load(out->runtime, out->object, &load, &out->collection, &err);
    if (rc == -SKEP_EVERIFY && report && skep_report_rejected(report)) {
        code = show_rejected(report);
    } else if (rc) {
        cli_error(about, &err);
        code = cli_load_exit(rc);
    }
    skep_report_free(report);
    return code;
}

static int choose(const struct choice *choice, const struct load_options *options,
                  struct loaded *out, size_t *index)
{
    int code =
        options->prog ? choose_named(choice, options->prog, index) : choose_alone(choice, index);

    if (!code && options->type)
        code = type_set(choice, options->type, *index);
    if (code)
        return code;
    out->def.size = sizeof out->def;
    skep_object_prog(out->object, *index, &out->def);
    if (!out->def.is_type_known && !options->type) {
        cli_complain("%s: prog %s: SEC(\"%s\") does not say which type the program has: --type "
                     "names it",
                     choice->about, out->def.name, out->def.section);
        return CLI_USAGE;
    }
    return CLI_YES;
}

static int open_and_choose(const struct load_options *options, struct choice *choice,
                           struct loaded *out, size_t *index)
{
    struct skep_error err = {.size = sizeof err};
    int rc = skep_object_open(options->object, &out->object, &err), code;

    if (rc) {
        cli_error(cli_name(options->object), &err);
        return cli_input_exit(rc);
    }
    choice->object = out->object;
    choice->about = cli_object(out->object);
    choice->has_type = options->type != NULL;
    code = choose(choice, options, out, index);
    return code ? code : globals_set(choice, &options->set);
}

/* A map that no loaded program refers to is not made by skep_load, but may be meant for a map of maps. */
static int extra_make(const struct choice *choice, const char *name, struct loaded *out)
{
    struct skep_map_def def = {.size = sizeof def};
    struct skep_error err = {.size = sizeof err};
    struct skep_map **grown, *map = NULL;
    int rc;

    if (load_map(out, name))
        return CLI_YES;
    for (size_t i = 0; !skep_object_map(out->object, i, &def); i++) {
        if (strcmp(def.name, name) != 0)
            continue;
        grown = realloc(out->extras, (out->extra_count + 1) * sizeof *grown);
        if (grown)
            out->extras = grown;
        rc = grown ? skep_map_create(out->runtime, &def, &map, &err) : -SKEP_ENOMEM;
        if (rc) {
            err.code = rc;
            cli_error(choice->about, &err);
            return cli_load_exit(rc);
        }
        out->extras[out->extra_count++] = map;
        return CLI_YES;
    }
    return CLI_YES; /* mapfile_apply says which maps there are */
}

/* The chosen program is loaded by name, or with --map's programs all that are needed by their autoload marks. */
static int load_chosen(const struct cli *cli, const struct load_options *options,
                       const struct choice *choice, size_t index, struct loaded *out)
{
    struct skep_image image = {.size = sizeof image};
    struct skep_prog_def def = out->def;
    bool has_wires = wires_programs(choice);
    int code = CLI_YES;

    if (has_wires) {
        code = autoload_set(choice, index);
    } else if (!def.autoload) {
        def.autoload = 1;
        skep_object_set_prog(out->object, &def, NULL);
    }
    if (!code)
        code = link_and_load(cli, options, out, has_wires ? NULL : out->def.name);
    for (size_t i = 0; !code && i < choice->file_count; i++)
        code = extra_make(choice, mapfile_map(choice->files[i]), out);
    for (size_t i = 0; !code && i < choice->file_count; i++)
        code = mapfile_apply(choice->files[i], out);
    if (code)
        return code;
    out->prog = skep_collection_prog(out->collection, out->def.name);
    if (!out->prog) {
        cli_complain("%s: prog %s was not loaded", choice->about, out->def.name);
        return CLI_NO;
    }
    out->insns = skep_object_image(out->object, index, &image, NULL) ? 0 : image.insn_count;
    return CLI_YES;
}

int load_open(const struct cli *cli, const struct load_options *options, struct loaded *out)
{
    struct mapfile **files = calloc(options->map.count + 1, sizeof *files);
    struct choice choice = {.files = files};
    int code = CLI_YES;
    size_t index = 0;

    *out = (struct loaded){.engine = options->engine ? options->engine : "interp"};
    if (!files) {
        cli_complain("out of memory");
        return CLI_REFUSED;
    }
    for (size_t i = 0; i < options->map.count && !code; i++) {
        code = mapfile_read(options->map.items[i], &files[i]);
        choice.file_count += !code;
    }
    if (!code)
        code = open_and_choose(options, &choice, out, &index);
    if (!code)
        code = runtime_open(cli, options, out);
    if (!code)
        code = load_chosen(cli, options, &choice, index, out);
    for (size_t i = 0; i < choice.file_count; i++)
        mapfile_free(files[i]);
    free(files);
    return code;
}

struct skep_map *load_map_at(const struct loaded *loaded, size_t index)
{
    size_t count = 0;
    struct skep_map *map;

    while ((map = skep_collection_map_at(loaded->collection, count)) != NULL) {
        if (count++ == index)
            return map;
    }
    return index - count < loaded->extra_count ? loaded->extras[index - count] : NULL;
}

struct skep_map *load_map(const struct loaded *loaded, const char *name)
{
    struct skep_map *map = skep_collection_map(loaded->collection, name);
    struct skep_map_def def = {.size = sizeof def};

    for (size_t i = 0; !map && i < loaded->extra_count; i++)
        if (!skep_map_get_def(loaded->extras[i], &def) && !strcmp(def.name, name))
            map = loaded->extras[i];
    return map;
}

bool load_map_def(const struct loaded *loaded, const struct skep_map *map, struct skep_map_def *out)
{
    struct skep_map_def def = {.size = sizeof def};

    out->size = sizeof *out;
    if (skep_map_get_def(map, out))
        return false;
    /* A map made on its own does not know the object's types. */
    for (size_t i = 0; !out->value_type && !skep_object_map(loaded->object, i, &def); i++) {
        if (!strcmp(def.name, out->name)) {
            out->key_type = def.key_type;
            out->value_type = def.value_type;
            break;
        }
    }
    return true;
}

void load_free(struct loaded *loaded)
{
    for (size_t i = 0; i < loaded->extra_count; i++)
        skep_map_unref(loaded->extras[i]);
    free(loaded->extras);
    skep_collection_unref(loaded->collection);
    skep_runtime_unref(loaded->runtime);
    skep_object_free(loaded->object);
    skep_btf_free(loaded->target);
    *loaded = (struct loaded){0};
}
