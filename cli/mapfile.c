/* mapfile.c - `--map NAME=F.json`: what a map holds before the first run.
 *
 * The document is an array of rows as `bpftool map dump` prints them, with -j or without, or a dump of `skep run -j`:
 *   {"key":["0x01",...],"value":["0x02",...]}             bytes in memory order; they win where both forms are given
 *   {"formatted":{"key":..,"value":..}}, {"key":..,"value":..}   by the map's BTF types
 *   {"key":..,"values":[{"cpu":0,"value":..},...]}        per-CPU maps; one "value" is given to every CPU
 *   {"key":0,"value":"parse_ipv6"}                        prog arrays and maps of maps: the name of a program or map
 * A row without a key is key 0 (bpftool prints the maps of globals so).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "cli.h"
#include "mapfile.h"
#include "value.h"

struct mapfile {
    char *map; /* owns the argument's copy; file points into it */
    const char *file;
    cJSON *rows;
};

/* A row being applied. */
struct row {
    const struct mapfile *file;
    const struct skep_btf *btf;
    const struct loaded *loaded;
    struct skep_map *map;
    struct skep_map_def def;
    uint8_t *key, *value; /* value: skep_map_value_bytes() */
    size_t value_bytes;
    unsigned number; /* 1-based, for messages */
};

void mapfile_free(struct mapfile *file)
{
    if (!file)
        return;
    cJSON_Delete(file->rows);
    free(file->map);
    free(file);
}

const char *mapfile_map(const struct mapfile *file)
{
    return file->map;
}

/* Line and column of a place in a text. */
static void place_of(const char *text, const char *at, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (; text < at && *text; text++) {
        if (*text == '\n') {
            ++*line;
            *column = 1;
        } else {
            ++*column;
        }
    }
}

int mapfile_read(const char *argument, struct mapfile **out)
{
    struct mapfile *file = calloc(1, sizeof *file);
    const char *end = NULL;
    uint8_t *text = NULL;
    unsigned line, column;
    int code = CLI_USAGE;
    char *equals;
    size_t size;

    *out = NULL;
    if (file)
        file->map = strdup(argument);
    if (!file || !file->map) {
        cli_complain("out of memory");
        code = CLI_REFUSED;
        goto out;
    }
    equals = strchr(file->map, '=');
    if (!equals || equals == file->map || !equals[1]) {
        cli_complain("--map %s: NAME=FILE is needed", argument);
        goto out;
    }
    *equals = '\0';
    file->file = equals + 1;
    code = cli_read(file->file, &text, &size);
    if (code)
        goto out;
    code = CLI_USAGE;
    file->rows = cJSON_ParseWithLengthOpts((const char *)text, size + 1, &end, 1);
    if (!file->rows) {
        place_of((const char *)text, end ? end : (const char *)text, &line, &column);
        cli_complain("%s:%u:%u: not valid JSON", cli_name(file->file), line, column);
        goto out;
    }
    if (!cJSON_IsArray(file->rows)) {
        cli_complain(
            "%s: an array of {\"key\":..,\"value\":..} is needed, as `bpftool map dump -j` prints",
            cli_name(file->file));
        goto out;
    }
    *out = file;
    file = NULL;
    code = CLI_YES;
out:
    free(text);
    mapfile_free(file);
    return code;
}

bool mapfile_names(const struct mapfile *file, const char *name)
{
    const cJSON *row, *value;

    cJSON_ArrayForEach(row, file->rows)
    {
        value = cJSON_GetObjectItemCaseSensitive(row, "value");
        if (cJSON_IsString(value) && !strcmp(value->valuestring, name))
            return true;
    }
    return false;
}

static int row_refuse(const struct row *row, const char *what, const char *why)
{
    cli_complain("%s: map %s: row %u: %s%s%s", cli_name(row->file->file), row->file->map,
                 row->number, what, what[0] ? ": " : "", why);
    return CLI_USAGE;
}

/* Both forms of a key or value: bytes at the row itself, else what "formatted" or the row say by type. */
static bool read_part(struct row *row, const cJSON *plain, const cJSON *formatted, uint32_t type,
                      uint8_t *bytes, size_t size, char *why, size_t room)
{
    const cJSON *json = plain;

    if (!(value_is_bytes(plain) && (size_t)cJSON_GetArraySize(plain) == size) && formatted)
        json = formatted;
    memset(bytes, 0, size);
    return value_from_json(row->btf, type, json, bytes, size, why, room);
}

static bool is_per_cpu(const struct skep_map_def *def)
{
    return def->type == SKEP_MAP_TYPE_PERCPU_ARRAY || def->type == SKEP_MAP_TYPE_PERCPU_HASH ||
           def->type == SKEP_MAP_TYPE_LRU_PERCPU_HASH ||
           def->type == SKEP_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

/* One CPU's element of "values": its "cpu" member, else its place. */
static uint64_t cpu_of(const cJSON *item, uint64_t place)
{
    const cJSON *cpu = cJSON_GetObjectItemCaseSensitive(item, "cpu");

    return cJSON_IsNumber(cpu) && cpu->valuedouble >= 0 && cpu->valuedouble < 1e6
               ? (uint64_t)cpu->valuedouble
               : place;
}

static const cJSON *cpu_item(const cJSON *values, uint64_t wanted)
{
    const cJSON *item;
    uint64_t place = 0;

    cJSON_ArrayForEach(item,
                       values) if (cpu_of(item, place++) == wanted) return cJSON_IsObject(item) &&
            cJSON_GetObjectItemCaseSensitive(item, "value")
        ? cJSON_GetObjectItemCaseSensitive(item, "value")
        : item;
    return NULL;
}

static int row_values(struct row *row, const cJSON *plain, const cJSON *formatted)
{
    size_t stride = ((size_t)row->def.value_size + 7) & ~(size_t)7, cpus;
    const cJSON *values = plain ? plain : formatted, *item;
    uint64_t place = 0;
    char why[256], what[32];

    cpus = stride ? row->value_bytes / stride : 0;
    cJSON_ArrayForEach(item, values)
    {
        uint64_t cpu = cpu_of(item, place++);

        if (cpu >= cpus) {
            snprintf(why, sizeof why, "cpu %llu: this run has CPUs 0 to %zu (see --cpus)",
                     (unsigned long long)cpu, cpus - 1);
            return row_refuse(row, "values", why);
        }
    }
    memset(row->value, 0, row->value_bytes);
    for (size_t cpu = 0; cpu < cpus; cpu++) {
        const cJSON *one = plain ? cpu_item(plain, cpu) : NULL;
        const cJSON *typed = formatted ? cpu_item(formatted, cpu) : NULL;

        snprintf(what, sizeof what, "cpu %zu", cpu);
        if ((one || typed) &&
            !read_part(row, one, typed, row->def.value_type, row->value + cpu * stride,
                       row->def.value_size, why, sizeof why))
            return row_refuse(row, what, why);
    }
    return CLI_YES;
}

/* One value; per-CPU maps get it on every CPU. */
static int row_value(struct row *row, const cJSON *plain, const cJSON *formatted)
{
    size_t stride = ((size_t)row->def.value_size + 7) & ~(size_t)7;
    char why[256];

    if (!plain && !formatted)
        return row_refuse(row, "", "no value");
    if (!read_part(row, plain, formatted, row->def.value_type, row->value, row->def.value_size, why,
                   sizeof why))
        return row_refuse(row, "value", why);
    if (is_per_cpu(&row->def))
        for (size_t at = stride; at + stride <= row->value_bytes; at += stride)
            memcpy(row->value + at, row->value, row->def.value_size);
    return CLI_YES;
}

/* Prog arrays and maps of maps: the value is a name. */
static int row_link(struct row *row, const cJSON *value)
{
    bool is_prog = row->def.type == SKEP_MAP_TYPE_PROG_ARRAY;
    struct skep_prog *prog;
    struct skep_map *inner;
    uint32_t slot;
    char why[256];
    int rc;

    if (!cJSON_IsString(value))
        return row_refuse(row, "value",
                          is_prog ? "the name of a program is needed"
                                  : "the name of a map is needed");
    prog = is_prog ? skep_collection_prog(row->loaded->collection, value->valuestring) : NULL;
    inner = is_prog ? NULL : load_map(row->loaded, value->valuestring);
    if (!prog && !inner) {
        snprintf(why, sizeof why, "the object has no %s '%.80s'", is_prog ? "program" : "map",
                 value->valuestring);
        return row_refuse(row, "value", why);
    }
    memcpy(&slot, row->key, sizeof slot);
    rc = is_prog ? skep_map_set_prog(row->map, slot, prog)
                 : skep_map_set_map(row->map, row->key, row->def.key_size, inner);
    return rc ? row_refuse(row, value->valuestring, skep_code_name(rc)) : CLI_YES;
}

static bool is_link(const struct skep_map_def *def)
{
    return def->type == SKEP_MAP_TYPE_PROG_ARRAY || def->type == SKEP_MAP_TYPE_ARRAY_OF_MAPS ||
           def->type == SKEP_MAP_TYPE_HASH_OF_MAPS;
}

/* Why an update was refused, in words where the number alone says little. */
static const char *update_why(int code)
{
    static const struct {
        int code;
        const char *text;
    } texts[] = {
        {SKEP_E2BIG, "the map is full, or the key is past its last slot"},
        {SKEP_EPERM, "the map is read-only (--set changes globals)"},
        {SKEP_EEXIST, "the key exists already"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].code == -code)
            return texts[i].text;
    return skep_code_name(code);
}

static int row_apply(struct row *row, const cJSON *json)
{
    const cJSON *formatted = cJSON_GetObjectItemCaseSensitive(json, "formatted");
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(json, "key");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(json, "values");
    const cJSON *typed_key = cJSON_GetObjectItemCaseSensitive(formatted, "key");
    const cJSON *typed_value = cJSON_GetObjectItemCaseSensitive(formatted, "value");
    const cJSON *typed_values = cJSON_GetObjectItemCaseSensitive(formatted, "values");
    char why[256];
    int code;

    if (!cJSON_IsObject(json))
        return row_refuse(row, "", "an object with key and value is needed");
    memset(row->key, 0, row->def.key_size);
    if ((key || typed_key) && !read_part(row, key, typed_key, row->def.key_type, row->key,
                                         row->def.key_size, why, sizeof why))
        return row_refuse(row, "key", why);
    if (is_link(&row->def))
        return row_link(row, value ? value : typed_value);
    if ((values || typed_values) && !is_per_cpu(&row->def))
        return row_refuse(row, "values", "this is not a per-CPU map");
    code = values || typed_values ? row_values(row, values, typed_values)
                                  : row_value(row, value, typed_value);
    if (code)
        return code;
    code = skep_map_update(row->map, row->key, row->def.key_size, row->value, row->value_bytes,
                           SKEP_ANY);
    return code ? row_refuse(row, "", update_why(code)) : CLI_YES;
}

static void complain_unknown(const struct mapfile *file, const struct loaded *loaded)
{
    struct skep_map_def def = {.size = sizeof def};
    char names[256] = "";
    size_t used = 0;

    for (size_t i = 0; used < sizeof names && !skep_object_map(loaded->object, i, &def); i++)
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", def.name);
    cli_complain("--map %s: the object has no such map (it has: %s)", file->map,
                 names[0] ? names : "none");
}

int mapfile_apply(const struct mapfile *file, const struct loaded *loaded)
{
    struct row row = {.file = file, .btf = skep_object_btf(loaded->object), .loaded = loaded};
    const cJSON *json;
    int code;

    row.map = load_map(loaded, file->map);
    if (!row.map) {
        complain_unknown(file, loaded);
        return CLI_USAGE;
    }
    if (!load_map_def(loaded, row.map, &row.def)) {
        cli_complain("map %s: its definition cannot be read", file->map);
        return CLI_REFUSED;
    }
    row.value_bytes = skep_map_value_bytes(row.map);
    row.key = calloc(1, (size_t)row.def.key_size + sizeof(uint32_t));
    row.value = calloc(1, row.value_bytes + row.def.value_size + 1);
    if (!row.key || !row.value) {
        cli_complain("out of memory");
        code = CLI_REFUSED;
        goto out;
    }
    code = CLI_YES;
    cJSON_ArrayForEach(json, file->rows)
    {
        row.number++;
        code = row_apply(&row, json);
        if (code)
            break;
    }
out:
    free(row.key);
    free(row.value);
    return code;
}
