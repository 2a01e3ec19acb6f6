/* map.c - fuzz target: any sequence of operations on a map answers as a list that is searched from its beginning.
 *
 * The first bytes choose type, sizes, entries and flags; each two after them are one operation. Definitions that are
 * refused must be refused without a trace, memory must all come back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "map/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = 16, KEY_MAX = 40, VALUE_MAX = 64, CPUS = 2 };

/* What the map should be: key number k has this value, if it is there. */
struct model {
    bool is_array, is_percpu;
    uint32_t count;
    bool is_there[KEYS];
    uint8_t values[KEYS][VALUE_MAX * CPUS];
};

struct subject {
    struct mem mem;
    struct map_env env;
    struct skep_map *map;
    struct model model;
    uint32_t value_bytes;
};

static void require(int holds)
{
    if (!holds)
        abort();
}

static uint64_t fixed_random(void *user)
{
    (void)user;
    return UINT64_C(0x9e3779b97f4a7c15);
}

static void make_key(const struct subject *s, uint32_t number, uint8_t *key)
{
    memset(key, 0xc3, KEY_MAX);
    if (s->model.is_array)
        memcpy(key, &number, sizeof number);
    else
        key[s->map->def.key_size - 1] = (uint8_t)number;
}

/* The number of a key that the map has told. */
static uint32_t key_number(const struct subject *s, const uint8_t *key)
{
    uint32_t number;

    if (!s->model.is_array)
        return key[s->map->def.key_size - 1];
    memcpy(&number, key, sizeof number);
    return number;
}

static int expect_update(const struct subject *s, uint32_t number, uint64_t flags)
{
    const struct model *model = &s->model;

    if (flags > SKEP_EXIST)
        return -SKEP_EINVAL;
    if (model->is_array && number >= s->map->def.max_entries)
        return -SKEP_E2BIG;
    if (model->is_there[number])
        return flags == SKEP_NOEXIST ? -SKEP_EEXIST : 0;
    if (flags == SKEP_EXIST)
        return -SKEP_ENOENT;
    return model->count < s->map->def.max_entries ? 0 : -SKEP_E2BIG;
}

static void do_update(struct subject *s, uint32_t number, uint8_t fill, uint64_t flags)
{
    uint8_t key[KEY_MAX], value[VALUE_MAX * CPUS];
    int want = expect_update(s, number, flags);

    make_key(s, number, key);
    memset(value, fill, sizeof value);
    require(s->map->ops->copy_in(s->map, key, value, flags) == want);
    if (want)
        return;
    s->model.count += !s->model.is_there[number];
    s->model.is_there[number] = true;
    memcpy(s->model.values[number], value, sizeof value);
}

static void do_delete(struct subject *s, uint32_t number)
{
    uint8_t key[KEY_MAX];
    int code;

    make_key(s, number, key);
    code = s->map->ops->remove(s->map, key);
    if (s->model.is_array) {
        require(code == -SKEP_EINVAL);
        return;
    }
    require(code == (s->model.is_there[number] ? 0 : -SKEP_ENOENT));
    s->model.count -= s->model.is_there[number];
    s->model.is_there[number] = false;
}

static void do_lookup(struct subject *s, uint32_t number, uint32_t cpu)
{
    uint8_t key[KEY_MAX], value[VALUE_MAX * CPUS];
    bool is_there = s->model.is_there[number];
    uintptr_t start = 0;
    uint32_t bytes = 0;
    uint8_t *found;

    make_key(s, number, key);
    require(s->map->ops->copy_out(s->map, key, value, 0) == (is_there ? 0 : -SKEP_ENOENT));
    found = s->map->ops->lookup(s->map, key, cpu);
    require((found != NULL) == is_there);
    if (!is_there)
        return;
    require(!memcmp(value, s->model.values[number], s->value_bytes));
    require(!memcmp(found,
                    s->model.values[number] + (s->model.is_percpu ? cpu * s->map->value_stride : 0),
                    s->map->def.value_size));
    /* The address of its last byte, and of the one after that. */
    require(
        s->map->ops->find(s->map, (uintptr_t)found + s->map->def.value_size - 1, &start, &bytes));
    require(start == (uintptr_t)found && bytes == s->map->def.value_size);
    require(!s->map->ops->find(s->map, (uintptr_t)found + bytes, &start, &bytes) ||
            start != (uintptr_t)found);
}

static void do_walk(struct subject *s)
{
    bool seen[KEYS] = {false};
    uint8_t key[KEY_MAX];
    uint32_t count = 0;

    for (int code = s->map->ops->next_key(s->map, NULL, key); !code;
         code = s->map->ops->next_key(s->map, key, key)) {
        uint32_t number = key_number(s, key);

        require(number < KEYS && !seen[number] && s->model.is_there[number]);
        seen[number] = true;
        count++;
    }
    require(count == s->model.count);
}

static void operate(struct subject *s, const uint8_t *data, size_t size)
{
    for (; size >= 2; data += 2, size -= 2) {
        uint32_t number = data[0] % KEYS;

        switch (data[0] >> 5) {
        case 0:
        case 1:
            do_update(s, number, data[1], 0);
            break;
        case 2:
            do_update(s, number, data[1], data[1] % 5);
            break;
        case 3:
        case 4:
            do_delete(s, number);
            break;
        case 5:
        case 6:
            do_lookup(s, number, data[1] % CPUS);
            break;
        default:
            do_walk(s);
            break;
        }
    }
}

static void begin_model(struct subject *s)
{
    struct model *model = &s->model;

    model->is_percpu = s->map->def.type == SKEP_MAP_TYPE_PERCPU_ARRAY;
    model->is_array = s->map->def.type != SKEP_MAP_TYPE_HASH;
    s->value_bytes = model->is_percpu ? s->map->value_stride * CPUS : s->map->def.value_size;
    for (uint32_t i = 0; model->is_array && i < s->map->def.max_entries; i++) {
        model->is_there[i] = true;
        model->count++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t types[] = {SKEP_MAP_TYPE_HASH, SKEP_MAP_TYPE_ARRAY,
                                     SKEP_MAP_TYPE_PERCPU_ARRAY};
    struct subject s = {.value_bytes = 0};
    struct skep_map_def def = {.size = sizeof def, .name = "fuzz"};

    if (size < 6)
        return 0;
    def.type = types[data[0] % 3];
    def.key_size = data[1] % (KEY_MAX + 1);
    def.value_size = data[2] % (VALUE_MAX + 1);
    def.max_entries = data[3] % (KEYS + 1);
    def.flags = data[4] | (uint32_t)(data[5] & 0x1f) << 8;
    s.mem.limit = 1 << 20;
    s.env = (struct map_env){.mem = &s.mem, .cpus = CPUS, .random = fixed_random};
    s.env.sync = sync_create(&s.mem, CPUS, NULL);
    require(s.env.sync != NULL);
    if (map_create(&s.env, &def, NULL, &s.map, NULL) == 0) {
        begin_model(&s);
        operate(&s, data + 6, size - 6);
        map_destroy(s.map);
    }
    sync_destroy(s.env.sync);
    require(s.mem.used == 0);
    return 0;
}
