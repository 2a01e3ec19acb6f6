/* maps.c - what live maps hold, shown after a run.
 *
 * Text is for people: typed, per-CPU values added up, zero entries of arrays left out, a bounded number of rows. JSON is
 * for programs: the rows `bpftool map dump -j` prints, per CPU, with bytes and, where types are known, "formatted"; arrays
 * of more than JSON_WHOLE entries leave their zero rows out. A prog array's or map-of-maps' value is the name of what it
 * holds, as --map reads it, because ids mean nothing once the run is over.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "maps.h"
#include "value.h"

enum { TEXT_ROWS = 12, TEXT_WIDTH = 100, JSON_WHOLE = 1024 };

enum map_shape { SHAPE_OTHER, SHAPE_ARRAY, SHAPE_HASH, SHAPE_LINKS };

static const struct {
    uint32_t type;
    enum map_shape shape;
    bool is_per_cpu;
} shapes[] = {
    {SKEP_MAP_TYPE_ARRAY, SHAPE_ARRAY, false},
    {SKEP_MAP_TYPE_PERCPU_ARRAY, SHAPE_ARRAY, true},
    {SKEP_MAP_TYPE_HASH, SHAPE_HASH, false},
    {SKEP_MAP_TYPE_LRU_HASH, SHAPE_HASH, false},
    {SKEP_MAP_TYPE_LPM_TRIE, SHAPE_HASH, false},
    {SKEP_MAP_TYPE_PERCPU_HASH, SHAPE_HASH, true},
    {SKEP_MAP_TYPE_LRU_PERCPU_HASH, SHAPE_HASH, true},
    {SKEP_MAP_TYPE_PROG_ARRAY, SHAPE_LINKS, false},
    {SKEP_MAP_TYPE_ARRAY_OF_MAPS, SHAPE_LINKS, false},
    {SKEP_MAP_TYPE_HASH_OF_MAPS, SHAPE_LINKS, false},
};

/* A map being walked, and the entry it stands at. */
struct walk {
    struct skep_map *map;
    struct skep_map_def def;
    const struct loaded *loaded;
    const struct skep_btf *btf;
    enum map_shape shape;
    bool is_per_cpu;
    uint32_t order; /* SKEP_VALUE_BIG_ENDIAN or 0: for printing values */
    size_t bytes, stride, cpus;
    uint8_t *key, *next, *value, *sum;
};

static void walk_close(struct walk *walk)
{
    free(walk->key);
    free(walk->next);
    free(walk->value);
    free(walk->sum);
}

static bool walk_open(struct walk *walk, struct skep_map *map, const struct loaded *loaded)
{
    *walk = (struct walk){.map = map,
                          .def = {.size = sizeof walk->def},
                          .loaded = loaded,
                          .btf = skep_object_btf(loaded->object)};
    if (!load_map_def(loaded, map, &walk->def))
        return false;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].type == walk->def.type) {
            walk->shape = shapes[i].shape;
            walk->is_per_cpu = shapes[i].is_per_cpu;
        }
    }
    walk->order = skep_object_is_big_endian(loaded->object) ? SKEP_VALUE_BIG_ENDIAN : 0;
    walk->bytes = skep_map_value_bytes(map);
    walk->stride = walk->is_per_cpu ? ((size_t)walk->def.value_size + 7) & ~(size_t)7 : walk->bytes;
    walk->cpus = walk->stride ? walk->bytes / walk->stride : 0;
    walk->key = calloc(1, (size_t)walk->def.key_size + 4);
    walk->next = calloc(1, (size_t)walk->def.key_size + 4);
    walk->value = calloc(1, walk->bytes + walk->def.value_size + 8);
    walk->sum = calloc(1, (size_t)walk->def.value_size + 8);
    if (walk->key && walk->next && walk->value && walk->sum && walk->shape != SHAPE_OTHER &&
        walk->def.key_size)
        return true;
    walk_close(walk);
    return false;
}

/* Go to the next entry that can be read. */
static bool walk_next(struct walk *walk, bool *has_begun)
{
    uint8_t *swap;

    while (!skep_map_next_key(walk->map, *has_begun ? walk->key : NULL, walk->next,
                              walk->def.key_size)) {
        swap = walk->key;
        walk->key = walk->next;
        walk->next = swap;
        *has_begun = true;
        if (!skep_map_lookup(walk->map, walk->key, walk->def.key_size, walk->value, walk->bytes, 0))
            return true;
    }
    return false;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* What a prog array or map of maps holds, by name; "" if it holds nothing of this object. */
static const char *link_name(const struct walk *walk)
{
    struct skep_prog_info info = {.size = sizeof info};
    struct skep_map_def def = {.size = sizeof def};
    struct skep_prog *prog;
    struct skep_map *map;
    uint32_t id;

    if (walk->bytes < sizeof id)
        return "";
    memcpy(&id, walk->value, sizeof id);
    if (walk->def.type == SKEP_MAP_TYPE_PROG_ARRAY) {
        for (size_t i = 0; (prog = skep_collection_prog_at(walk->loaded->collection, i)) != NULL;
             i++)
            if (!skep_prog_get_info(prog, &info) && info.id == id)
                return info.name ? info.name : "";
        return "";
    }
    for (size_t i = 0; (map = load_map_at(walk->loaded, i)) != NULL; i++)
        if (skep_map_id(map) == id && !skep_map_get_def(map, &def))
            return def.name;
    return "";
}

static bool is_typed(const struct walk *walk, uint32_t type, size_t size)
{
    return walk->btf && type && skep_btf_size(walk->btf, type) == (int64_t)size;
}

/* -- text -------------------------------------------------------------------------------------- */
struct line {
    char text[512];
    size_t used;
};

/* A skep_print_fn: into a line; what does not fit is cut. */
static int line_add(void *user, const char *text, size_t length)
{
    struct line *line = user;
    size_t room = sizeof line->text - 1 - line->used;

    if (length > room)
        length = room;
    memcpy(line->text + line->used, text, length);
    line->used += length;
    line->text[line->used] = '\0';
    return 0;
}

static void line_bytes(struct line *line, const uint8_t *bytes, size_t size)
{
    char digits[4];

    for (size_t i = 0; i < size && line->used < 200; i++) {
        snprintf(digits, sizeof digits, "%s%02x", i ? " " : "", bytes[i]);
        line_add(line, digits, strlen(digits));
    }
}

static void line_value(const struct walk *walk, struct line *line, uint32_t type,
                       const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;
    char digits[24];

    line->used = 0;
    line->text[0] = '\0';
    if (is_typed(walk, type, size) &&
        !skep_btf_print_value(walk->btf, type, bytes, size, walk->order, line_add, line))
        return;
    line->used = 0;
    if (size == 4 || size == 8) { /* without a type most likely a number */
        if (size == 4) {
            uint32_t narrow;

            memcpy(&narrow, bytes, sizeof narrow);
            number = narrow;
        } else {
            memcpy(&number, bytes, sizeof number);
        }
        snprintf(digits, sizeof digits, "%" PRIu64, number);
        line_add(line, digits, strlen(digits));
    } else {
        line_bytes(line, bytes, size);
    }
}

static void sum_up(struct walk *walk)
{
    if (!walk->is_per_cpu) {
        memcpy(walk->sum, walk->value, walk->def.value_size);
        return;
    }
    memset(walk->sum, 0, walk->def.value_size);
    for (size_t cpu = 0; cpu < walk->cpus; cpu++)
        value_add(walk->btf, walk->def.value_type, walk->sum, walk->value + cpu * walk->stride,
                  walk->def.value_size);
}

static void type_name(const struct walk *walk, uint32_t type, uint32_t size, char *text,
                      size_t room)
{
    size_t length;

    if (!is_typed(walk, type, size) || skep_btf_declare(walk->btf, type, "", text, room) < 0) {
        snprintf(text, room, "%u bytes", size);
        return;
    }
    for (length = strlen(text); length && text[length - 1] == ' ';)
        text[--length] = '\0';
}

static void head_print(FILE *out, const struct walk *walk, uint64_t shown)
{
    char key[128], value[128], entries[28], of[28];
    const char *type = skep_map_type_name(walk->def.type);

    type_name(walk, walk->def.key_type, walk->def.key_size, key, sizeof key);
    type_name(walk, walk->def.value_type, walk->def.value_size, value, sizeof value);
    if (walk->shape == SHAPE_LINKS)
        snprintf(value, sizeof value, walk->def.type == SKEP_MAP_TYPE_PROG_ARRAY ? "prog" : "map");
    fprintf(out, "map %s (%s, %s -> %s%s, %s of %s):", walk->def.name, type ? type : "?", key,
            value, walk->is_per_cpu ? " per CPU, summed" : "", cli_count(shown, entries),
            cli_count(walk->def.max_entries, of));
}

/* Count first, so that the heading can say it; then print short rows on one line and others below each other. */
static void map_text(FILE *out, struct walk *walk)
{
    uint64_t count = 0, printed = 0;
    bool has_begun = false, is_inline, fits = true;
    struct line key, value;
    size_t column = 0;
    char digits[28];

    while (walk_next(walk, &has_begun))
        count += walk->shape == SHAPE_HASH || !is_zero(walk->value, walk->bytes);
    if (!count)
        return;
    head_print(out, walk, count);
    is_inline = walk->shape == SHAPE_LINKS || (value_is_scalar(walk->btf, walk->def.key_type) &&
                                               value_is_scalar(walk->btf, walk->def.value_type));
    has_begun = false;
    while (fits && walk_next(walk, &has_begun)) {
        if (walk->shape != SHAPE_HASH && is_zero(walk->value, walk->bytes))
            continue;
        sum_up(walk);
        line_value(walk, &key, walk->def.key_type, walk->key, walk->def.key_size);
        if (walk->shape == SHAPE_LINKS) {
            value.used = 0;
            line_add(&value, link_name(walk), strlen(link_name(walk)));
            value.text[value.used] = '\0';
        } else {
            line_value(walk, &value, walk->def.value_type, walk->sum, walk->def.value_size);
        }
        if (!is_inline || !column || column + key.used + value.used + 4 > TEXT_WIDTH) {
            fprintf(out, "\n  ");
            column = 2;
        } else {
            column += (size_t)fprintf(out, "   ");
        }
        column += (size_t)fprintf(out, is_inline ? "%s %s" : "%s: %s", key.text, value.text);
        fits = ++printed < (is_inline ? TEXT_ROWS * 4 : TEXT_ROWS);
    }
    if (printed < count)
        fprintf(out, "\n  and %s more (-j shows all)", cli_count(count - printed, digits));
    fputc('\n', out);
}

static bool is_globals(const struct skep_map_def *def)
{
    return def->section &&
           (!strncmp(def->section, ".bss", 4) || !strncmp(def->section, ".data", 5));
}

static bool is_constant(const struct skep_map_def *def)
{
    return def->section &&
           (!strncmp(def->section, ".rodata", 7) || !strcmp(def->section, ".kconfig"));
}

/* Variables whose value is not what the object began with. */
static void globals_text(FILE *out, struct walk *walk)
{
    struct skep_global global = {.size = sizeof global};
    struct skep_map_def def = {.size = sizeof def};
    uint8_t *initial = walk->sum; /* as large as the whole map */
    size_t column = 0, printed = 0;
    bool has_begun = false;
    struct line value;
    char type[128];

    if (!walk_next(walk, &has_begun))
        return;
    for (size_t i = 0; !skep_object_global(walk->loaded->object, i, &global); i++) {
        if (skep_object_map(walk->loaded->object, global.map, &def) ||
            strcmp(def.name, walk->def.name) != 0 ||
            (uint64_t)global.offset + global.bytes > walk->def.value_size)
            continue;
        if (!skep_object_get_global(walk->loaded->object, global.name, initial, global.bytes) &&
            !memcmp(initial, walk->value + global.offset, global.bytes))
            continue;
        line_value(walk, &value, global.type, walk->value + global.offset, global.bytes);
        if (!is_typed(walk, global.type, global.bytes) ||
            skep_btf_declare(walk->btf, global.type, global.name, type, sizeof type) < 0)
            snprintf(type, sizeof type, "%s", global.name);
        if (!printed++)
            fprintf(out, "globals %s (changed):", walk->def.section);
        if (!column || column + strlen(type) + value.used + 6 > TEXT_WIDTH) {
            fprintf(out, "\n  ");
            column = 2;
        } else {
            column += (size_t)fprintf(out, "   ");
        }
        column += (size_t)fprintf(out, "%s = %s", type, value.text);
    }
    if (printed)
        fputc('\n', out);
}

void maps_text(FILE *out, const struct loaded *loaded)
{
    struct skep_map *map;
    struct walk walk;

    for (size_t i = 0; (map = load_map_at(loaded, i)) != NULL; i++) {
        if (!walk_open(&walk, map, loaded))
            continue;
        if (is_globals(&walk.def))
            globals_text(out, &walk);
        else if (!is_constant(&walk.def))
            map_text(out, &walk);
        walk_close(&walk);
    }
}

/* -- JSON -------------------------------------------------------------------------------------- */
static int ignore_text(void *user, const char *text, size_t length)
{
    (void)user, (void)text, (void)length;
    return 0;
}

/* Whether the value's type can be printed at all: half a document cannot be taken back. */
static bool is_printable(const struct walk *walk, uint32_t type, const uint8_t *bytes, size_t size)
{
    return is_typed(walk, type, size) &&
           !skep_btf_print_value(walk->btf, type, bytes, size, SKEP_VALUE_JSON | walk->order,
                                 ignore_text, NULL);
}

static void formatted_one(struct json *json, const struct walk *walk, const char *name,
                          uint32_t type, const uint8_t *bytes, size_t size)
{
    json_value(json, name);
    skep_btf_print_value(walk->btf, type, bytes, size, SKEP_VALUE_JSON | walk->order, cli_print,
                         json->out);
}

static void formatted(struct json *json, const struct walk *walk)
{
    json_object(json, "formatted");
    if (is_printable(walk, walk->def.key_type, walk->key, walk->def.key_size))
        formatted_one(json, walk, "key", walk->def.key_type, walk->key, walk->def.key_size);
    if (!walk->is_per_cpu) {
        formatted_one(json, walk, "value", walk->def.value_type, walk->value, walk->def.value_size);
    } else {
        json_array(json, "values");
        for (size_t cpu = 0; cpu < walk->cpus; cpu++) {
            json_object(json, NULL);
            json_u64(json, "cpu", cpu);
            formatted_one(json, walk, "value", walk->def.value_type,
                          walk->value + cpu * walk->stride, walk->def.value_size);
            json_end_object(json);
        }
        json_end_array(json);
    }
    json_end_object(json);
}

static void row_json(struct json *json, const struct walk *walk)
{
    json_object(json, NULL);
    json_bytes(json, "key", walk->key, walk->def.key_size);
    if (walk->shape == SHAPE_LINKS) {
        json_string(json, "value", link_name(walk));
    } else if (walk->is_per_cpu) {
        json_array(json, "values");
        for (size_t cpu = 0; cpu < walk->cpus; cpu++) {
            json_object(json, NULL);
            json_u64(json, "cpu", cpu);
            json_bytes(json, "value", walk->value + cpu * walk->stride, walk->def.value_size);
            json_end_object(json);
        }
        json_end_array(json);
    } else {
        json_bytes(json, "value", walk->value, walk->def.value_size);
    }
    if (walk->shape != SHAPE_LINKS &&
        is_printable(walk, walk->def.value_type, walk->value, walk->def.value_size))
        formatted(json, walk);
    json_end_object(json);
}

void maps_json(struct json *json, const struct loaded *loaded)
{
    struct skep_map *map;
    struct walk walk;
    bool has_begun;

    json_object(json, "maps");
    for (size_t i = 0; (map = load_map_at(loaded, i)) != NULL; i++) {
        if (!walk_open(&walk, map, loaded))
            continue;
        json_array(json, walk.def.name);
        has_begun = false;
        while (walk_next(&walk, &has_begun)) {
            if (walk.shape == SHAPE_LINKS && is_zero(walk.value, walk.bytes))
                continue;
            if (walk.shape != SHAPE_ARRAY || walk.def.max_entries <= JSON_WHOLE ||
                !is_zero(walk.value, walk.bytes))
                row_json(json, &walk);
        }
        json_end_array(json);
        walk_close(&walk);
    }
    json_end_object(json);
}
