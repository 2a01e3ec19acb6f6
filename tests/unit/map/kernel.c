/* kernel.c - the running kernel judges: the same definitions and the same random operations on our maps and on its own
 * give the same answers, errno and bytes. Only the order in which a hash map is walked is each one's own. */
#include "fixture.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <skep.h>

#include "os/os.h"

static int kernel_create(const struct skep_map_def *def, int inner)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = def->flags, .map_extra = def->extra,
                .numa_node = def->numa_node, .inner_map_fd = (uint32_t)inner);
    int fd =
        bpf_map_create(def->type, "m", def->key_size, def->value_size, def->max_entries, &opts);

    return fd < 0 ? -errno : fd;
}

/* The first question decides whether there is a judge. */
static bool has_kernel(void)
{
    struct skep_map_def def = def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    int fd = kernel_create(&def, 0);

    if (fd >= 0) {
        close(fd);
        return true;
    }
    print_message("bpf(2) is refused here (errno %d): no kernel to compare with\n", -fd);
    return false;
}

/* -- definitions ------------------------------------------------------------------------------- */
static uint32_t compared, skipped;

static void compare_definition(struct world *world, const struct skep_map_def *def,
                               struct skep_map *inner, int inner_fd)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_map *map = NULL;
    uint64_t bytes = ((uint64_t)def->key_size + def->value_size + 64) * def->max_entries;
    /* Where both say yes, the kernel must not really allocate gigabytes: ask only where it does not even begin, as for
     * bucket arrays of 4 GiB, or plain arrays (one block each) larger than any machine. */
    bool is_harmless = bytes <= 32u << 20 ||
                       (def->type == SKEP_MAP_TYPE_HASH && def->max_entries > 1u << 27) ||
                       (def->type == SKEP_MAP_TYPE_ARRAY && bytes > UINT64_C(1) << 46);
    int code, fd;

    if (!is_harmless && map_find_ops(def->type)->check(def, NULL) == 0) {
        skipped++;
        return;
    }
    code = map_create(&world->env, def, inner, &map, &err);
    fd = kernel_create(def, inner_fd);
    if ((fd < 0 ? fd : 0) != code)
        fail_msg("type %u key %u value %u entries %u flags 0x%x node %u extra %llu: kernel %d, "
                 "ours %d (%s)",
                 def->type, def->key_size, def->value_size, def->max_entries, def->flags,
                 def->numa_node, (unsigned long long)def->extra, fd < 0 ? fd : 0, code, err.text);
    if (code)
        assert_int_not_equal(err.text[0], 0);
    compared++;
    if (fd >= 0)
        close(fd);
    if (map)
        drop(map);
}

static void test_definitions_are_judged_as_the_kernel_judges_them(void **state)
{
    static const uint32_t types[] = {SKEP_MAP_TYPE_HASH, SKEP_MAP_TYPE_ARRAY,
                                     SKEP_MAP_TYPE_PROG_ARRAY, SKEP_MAP_TYPE_PERCPU_ARRAY,
                                     SKEP_MAP_TYPE_ARRAY_OF_MAPS};
    static const uint32_t keys[] = {0, 1, 3, 4, 5, 8, 16, 512, 513, 5000, 1 << 22, UINT32_MAX};
    static const uint32_t values[] = {0,
                                      1,
                                      4,
                                      7,
                                      8,
                                      9,
                                      4096,
                                      32760,
                                      32761,
                                      32768,
                                      32769,
                                      4194247,
                                      4194248,
                                      4194255,
                                      4194256,
                                      4194257,
                                      4194304,
                                      INT32_MAX,
                                      INT32_MAX + 1u,
                                      UINT32_MAX - 7,
                                      UINT32_MAX};
    static const uint32_t entries[] = {
        0, 1, 2, 3, 1000, 1u << 27, (1u << 27) + 1, 1u << 31, (1u << 31) + 1, UINT32_MAX};
    struct world world;
    struct skep_map *inner;
    struct skep_map_def inner_def = def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    int inner_fd;

    (void)state;
    if (!has_kernel())
        skip();
    world_begin(&world, os_cpu_possible());
    world.mem.limit = UINT64_C(1) << 30;
    inner = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    inner_fd = kernel_create(&inner_def, 0);
    assert_true(inner_fd >= 0);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        bool is_outer = types[t] == SKEP_MAP_TYPE_ARRAY_OF_MAPS;
        struct skep_map_def def;

        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++)
                for (size_t e = 0; e < sizeof entries / sizeof *entries; e++) {
                    def = def_of(types[t], keys[k], values[v], entries[e], 0);
                    compare_definition(&world, &def, is_outer ? inner : NULL,
                                       is_outer ? inner_fd : 0);
                }
        /* Every flag alone and with every other one; but 1 << 16, which stands for a token. */
        for (uint32_t a = 0; a < 32; a++)
            for (uint32_t b = a; b < 32; b++) {
                if (a == 16 || b == 16)
                    continue;
                def = def_of(types[t], 4, 4, 2, 1u << a | 1u << b);
                compare_definition(&world, &def, is_outer ? inner : NULL, is_outer ? inner_fd : 0);
                def.value_size = UINT32_MAX;
                compare_definition(&world, &def, is_outer ? inner : NULL, is_outer ? inner_fd : 0);
            }
        for (uint32_t node = 0; node < 3; node++) {
            def = def_of(types[t], 4, 4, 2, MAP_F_NUMA_NODE);
            def.numa_node = node == 2 ? 100000 : node ? UINT32_MAX : 0;
            compare_definition(&world, &def, is_outer ? inner : NULL, is_outer ? inner_fd : 0);
        }
        def = def_of(types[t], 4, 4, 2, 0);
        def.extra = 1;
        compare_definition(&world, &def, is_outer ? inner : NULL, is_outer ? inner_fd : 0);
        /* Keys and values together at the edge of what a hash element may have. */
        for (uint32_t key = 1; key <= 64; key++)
            for (uint32_t sum = 4194304 - 80; sum <= 4194304; sum += 8) {
                def = def_of(types[t], key, sum - key, 1, 0);
                compare_definition(&world, &def, is_outer ? inner : NULL, is_outer ? inner_fd : 0);
            }
    }
    close(inner_fd);
    drop(inner);
    world_end(&world);
    print_message("%u definitions compared, %u too large to try\n", compared, skipped);
    assert_true(compared > 5000);
}

static void test_templates_are_judged_as_the_kernel_judges_them(void **state)
{
    struct skep_map_def outer = def_of(SKEP_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0);
    struct skep_map_def prog_array = def_of(SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
    struct skep_map_def plain = def_of(SKEP_MAP_TYPE_ARRAY, 4, 4, 2, 0);
    struct world world;
    struct skep_map *nested = NULL, *progs, *inner;
    int inner_fd, nested_fd, progs_fd;

    (void)state;
    if (!has_kernel())
        skip();
    world_begin(&world, 2);
    inner = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 4, 2, 0);
    progs = make(&world, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
    assert_int_equal(map_create(&world.env, &outer, inner, &nested, NULL), 0);
    inner_fd = kernel_create(&plain, 0);
    nested_fd = kernel_create(&outer, inner_fd);
    progs_fd = kernel_create(&prog_array, 0);
    assert_true(inner_fd >= 0 && nested_fd >= 0 && progs_fd >= 0);
    compare_definition(&world, &outer, nested, nested_fd); /* two levels */
    compare_definition(&world, &outer, progs, progs_fd);
    compare_definition(&world, &outer, NULL, 9999); /* none */
    close(inner_fd);
    close(nested_fd);
    close(progs_fd);
    drop(nested);
    drop(progs);
    drop(inner);
    world_end(&world);
}

/* -- operations -------------------------------------------------------------------------------- */
struct pair {
    struct skep_map *ours;
    int kernel;
    uint32_t key_size, value_bytes;
    bool is_hash;
};

enum { KEY_ROOM = 512, VALUE_ROOM = 4096 };

static int errno_of(int code)
{
    return code ? -errno : 0;
}

static void make_key(const struct pair *pair, uint64_t *random, uint8_t *key)
{
    uint32_t pick = (uint32_t)(next_random(random) % 12);

    memset(key, 0, KEY_ROOM);
    if (pick == 11 && !pair->is_hash)
        pick = UINT32_MAX - 1;
    memcpy(key, &pick, pair->key_size < 4 ? pair->key_size : 4);
    if (pair->key_size > 8) /* so that the end of a long key counts too */
        key[pair->key_size - 1] = (uint8_t)(next_random(random) % 2);
}

static void compare_walk(const struct pair *pair)
{
    uint8_t ours[KEY_ROOM], theirs[KEY_ROOM], value[VALUE_ROOM];
    uint32_t our_count = 0, their_count = 0;

    for (int code = pair->ours->ops->next_key(pair->ours, NULL, ours); !code;
         code = pair->ours->ops->next_key(pair->ours, ours, ours)) {
        assert_true(our_count++ < 1000);
        assert_int_equal(bpf_map_lookup_elem(pair->kernel, ours, value), 0);
    }
    for (int code = bpf_map_get_next_key(pair->kernel, NULL, theirs); !code;
         code = bpf_map_get_next_key(pair->kernel, theirs, theirs)) {
        assert_true(their_count++ < 1000);
        assert_int_equal(pair->ours->ops->copy_out(pair->ours, theirs, value, 0), 0);
    }
    assert_int_equal(our_count, their_count);
}

static void one_operation(const struct pair *pair, uint64_t *random)
{
    static const uint64_t flags[] = {0,         0, 0, 1, 2, 3, 4, 5, 6, 8, 16, UINT64_C(1) << 32,
                                     UINT64_MAX};
    static const uint64_t plain[] = {0, 1, 2};
    const struct map_ops *ops = pair->ours->ops;
    uint8_t key[KEY_ROOM], ours[VALUE_ROOM] = {0}, theirs[VALUE_ROOM] = {0}, first[KEY_ROOM];
    uint64_t choice = next_random(random), flag;
    int our_code, their_code;

    make_key(pair, random, key);
    flag = choice >> 32 & 1 ? plain[(choice >> 40) % 3] : flags[(choice >> 40) % 13];
    switch (choice % 10) {
    case 0:
    case 1:
    case 2:
    case 3:
        for (uint32_t i = 0; i < pair->value_bytes; i++)
            ours[i] = (uint8_t)next_random(random);
        our_code = ops->copy_in(pair->ours, key, ours, flag);
        their_code = errno_of(bpf_map_update_elem(pair->kernel, key, ours, flag));
        break;
    case 4:
    case 5:
        our_code = ops->remove(pair->ours, key);
        their_code = errno_of(bpf_map_delete_elem(pair->kernel, key));
        break;
    case 6:
    case 7:
    case 8:
        flag = choice >> 32 & 1 ? 0 : flag;
        our_code = ops->copy_out(pair->ours, key, ours, flag);
        their_code = errno_of(bpf_map_lookup_elem_flags(pair->kernel, key, theirs, flag));
        assert_memory_equal(ours, theirs, pair->value_bytes);
        break;
    default:
        our_code = ops->next_key(pair->ours, choice >> 32 & 1 ? key : NULL, ours);
        their_code =
            errno_of(bpf_map_get_next_key(pair->kernel, choice >> 32 & 1 ? key : NULL, theirs));
        if (!pair->is_hash) {
            assert_memory_equal(ours, theirs, 4);
        } else if (choice >> 32 & 1) {
            /* A key that is not there: the first one. One that is there may be the last of ours only. */
            if (ops->copy_out(pair->ours, key, theirs, 0) == 0) {
                their_code = our_code;
            } else if (!our_code) {
                assert_int_equal(ops->next_key(pair->ours, NULL, first), 0);
                assert_memory_equal(first, ours, pair->key_size);
            }
        }
        flag = 0;
        break;
    }
    if (our_code != their_code)
        fail_msg("type %u: operation %u on key %u with flags 0x%llx: kernel %d, ours %d",
                 pair->ours->def.type, (unsigned)(choice % 10), *(uint32_t *)(void *)key,
                 (unsigned long long)flag, their_code, our_code);
}

static void test_operations_answer_as_the_kernel_answers(void **state)
{
    static const struct {
        uint32_t type, key, value, entries, flags;
    } maps[] = {
        {SKEP_MAP_TYPE_ARRAY, 4, 8, 10, 0},
        {SKEP_MAP_TYPE_ARRAY, 4, 1, 1, 0},
        {SKEP_MAP_TYPE_ARRAY, 4, 13, 7, MAP_F_MMAPABLE},
        {SKEP_MAP_TYPE_ARRAY, 4, 1000, 11, MAP_F_RDONLY_PROG},
        {SKEP_MAP_TYPE_ARRAY, 4, 8, 10, MAP_F_INNER_MAP | MAP_F_WRONLY_PROG},
        {SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 8, 10, 0},
        {SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 5, 3, 0},
        {SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 21, 3, MAP_F_RDONLY_PROG},
        {SKEP_MAP_TYPE_HASH, 4, 8, 8, 0},
        {SKEP_MAP_TYPE_HASH, 4, 8, 1, 0},
        {SKEP_MAP_TYPE_HASH, 1, 3, 5, 0},
        {SKEP_MAP_TYPE_HASH, 3, 9, 100, MAP_F_NO_PREALLOC},
        {SKEP_MAP_TYPE_HASH, 8, 8, 6, MAP_F_NO_PREALLOC},
        {SKEP_MAP_TYPE_HASH, 16, 64, 7, MAP_F_ZERO_SEED},
        {SKEP_MAP_TYPE_HASH, 37, 120, 12, 0},
        {SKEP_MAP_TYPE_HASH, 512, 4, 20, MAP_F_NO_PREALLOC | MAP_F_ZERO_SEED},
        {SKEP_MAP_TYPE_HASH, 6, 300, 3, MAP_F_RDONLY_PROG},
    };
    struct world world;
    uint64_t random = 88172645463325252u;

    (void)state;
    if (!has_kernel())
        skip();
    world_begin(&world, os_cpu_possible());
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        struct skep_map_def def =
            def_of(maps[m].type, maps[m].key, maps[m].value, maps[m].entries, maps[m].flags);
        struct pair pair = {.ours = make(&world, def.type, def.key_size, def.value_size,
                                         def.max_entries, def.flags),
                            .kernel = kernel_create(&def, 0),
                            .key_size = def.key_size,
                            .value_bytes = def.value_size,
                            .is_hash = def.type == SKEP_MAP_TYPE_HASH};

        assert_true(pair.kernel >= 0);
        if (def.type == SKEP_MAP_TYPE_PERCPU_ARRAY)
            pair.value_bytes = pair.ours->value_stride * world.env.cpus;
        assert_true(pair.value_bytes <= VALUE_ROOM);
        for (int i = 0; i < 20000; i++) {
            one_operation(&pair, &random);
            if (i % 100 == 0)
                compare_walk(&pair);
        }
        close(pair.kernel);
        drop(pair.ours);
    }
    world_end(&world);
}

/* -- maps that hold things --------------------------------------------------------------------- */
static int load_prog(void)
{
    struct bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};

    return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "p", "GPL", insns, 2, NULL);
}

static void compare_items(struct world *world, struct skep_map *ours, int kernel, void **things,
                          const int *fds, uint32_t count, int operations)
{
    uint64_t random = 4711;
    uint32_t id;

    (void)world;
    for (int i = 0; i < operations; i++) {
        uint64_t choice = next_random(&random);
        uint32_t key = (uint32_t)(choice >> 8) % 6, pick = (uint32_t)(choice >> 16) % count,
                 next[2];
        int our_code, their_code;

        if (key == 5)
            key = UINT32_MAX;
        if (choice % 4 == 0) {
            if (ours->def.type == SKEP_MAP_TYPE_ARRAY_OF_MAPS)
                atomic_fetch_add(&((struct skep_map *)things[pick])->refs, 1);
            our_code = ours->ops->put(ours, &key, things[pick]);
            their_code = errno_of(bpf_map_update_elem(kernel, &key, &fds[pick], 0));
        } else if (choice % 4 == 1) {
            our_code = ours->ops->remove(ours, &key);
            their_code = errno_of(bpf_map_delete_elem(kernel, &key));
        } else if (choice % 4 == 2) {
            our_code = ours->ops->copy_out(ours, &key, &id, 0);
            their_code = errno_of(bpf_map_lookup_elem(kernel, &key, &id));
        } else {
            our_code = ours->ops->next_key(ours, &key, &next[0]);
            their_code = errno_of(bpf_map_get_next_key(kernel, &key, &next[1]));
            if (!our_code)
                assert_int_equal(next[0], next[1]);
        }
        if (our_code != their_code)
            fail_msg("type %u: operation %u on key %u, thing %u: kernel %d, ours %d",
                     ours->def.type, (unsigned)(choice % 4), key, pick, their_code, our_code);
    }
    /* Bytes that are no reference; flags that are no good. */
    for (uint32_t key = 0; key < 6; key++)
        for (uint64_t flag = 0; flag < 5; flag++) {
            int bad = 9999;

            assert_int_equal(ours->ops->copy_in(ours, &key, &bad, flag),
                             errno_of(bpf_map_update_elem(kernel, &key, &bad, flag)));
            assert_int_equal(ours->ops->copy_out(ours, &key, &id, flag) == -SKEP_EINVAL,
                             errno_of(bpf_map_lookup_elem_flags(kernel, &key, &id, flag)) ==
                                 -EINVAL);
        }
}

static void test_prog_array_answers_as_the_kernel_answers(void **state)
{
    struct skep_map_def def = def_of(SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
    struct fake_prog progs[3] = {{.id = 1}, {.id = 2}, {.id = 3}};
    void *things[3] = {&progs[0], &progs[1], &progs[2]};
    int kernel, fds[3];
    struct world world;
    struct skep_map *ours;

    (void)state;
    if (!has_kernel())
        skip();
    world_begin(&world, 2);
    ours = make(&world, def.type, 4, 4, 4, 0);
    kernel = kernel_create(&def, 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = load_prog();
        assert_true(fds[i] >= 0);
    }
    compare_items(&world, ours, kernel, things, fds, 3, 3000);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    close(kernel);
    drop(ours);
    world_end(&world);
}

static void test_array_of_maps_answers_as_the_kernel_answers(void **state)
{
    /* The template, what fits it and what does not. */
    struct skep_map_def inners[] = {
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0),
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0),
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 4, 0),
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 4, 3, 0),
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 3, MAP_F_INNER_MAP),
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 5, MAP_F_INNER_MAP),
        def_of(SKEP_MAP_TYPE_HASH, 4, 8, 3, 0),
        def_of(SKEP_MAP_TYPE_HASH, 4, 8, 5, 0),
        def_of(SKEP_MAP_TYPE_HASH, 4, 8, 5, MAP_F_NO_PREALLOC),
        def_of(SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0),
        def_of(SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 8, 4, 0),
        def_of(SKEP_MAP_TYPE_ARRAY, 4, 8, 3, MAP_F_RDONLY_PROG),
    };
    enum { COUNT = sizeof inners / sizeof *inners };
    void *things[COUNT];
    int fds[COUNT];
    struct world world;

    (void)state;
    if (!has_kernel())
        skip();
    world_begin(&world, 2);
    for (uint32_t i = 0; i < COUNT; i++) {
        things[i] = make(&world, inners[i].type, inners[i].key_size, inners[i].value_size,
                         inners[i].max_entries, inners[i].flags);
        fds[i] = kernel_create(&inners[i], 0);
        assert_true(fds[i] >= 0);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        struct skep_map_def def = def_of(SKEP_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 4, 0);
        int kernel = kernel_create(&def, fds[i]);
        struct skep_map *ours = NULL;

        assert_true(kernel >= 0);
        assert_int_equal(map_create(&world.env, &def, things[i], &ours, NULL), 0);
        compare_items(&world, ours, kernel, things, fds, COUNT,
                      150); /* each waits for the kernel's readers */
        close(kernel);
        drop(ours);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        close(fds[i]);
        drop(things[i]);
    }
    world_end(&world);
}

/* -- who may do what: through the public calls, where these flags are looked at ---------------- */
static void test_access_flags_and_freezing_answer_as_the_kernel_answers(void **state)
{
    static const uint32_t types[] = {SKEP_MAP_TYPE_ARRAY, SKEP_MAP_TYPE_HASH};
    static const uint32_t flags[] = {0, MAP_F_RDONLY, MAP_F_WRONLY, MAP_F_RDONLY_PROG,
                                     MAP_F_WRONLY_PROG};
    struct skep_runtime *rt = NULL;

    (void)state;
    if (!has_kernel())
        skip();
    assert_int_equal(skep_runtime_create(NULL, &rt, NULL), 0);
    for (size_t t = 0; t < 2; t++)
        for (size_t f = 0; f < sizeof flags / sizeof *flags; f++) {
            struct skep_map_def def = def_of(types[t], 4, 8, 4, flags[f]);
            struct skep_map *map = NULL;
            int kernel = kernel_create(&def, 0);

            assert_true(kernel >= 0);
            assert_int_equal(skep_map_create(rt, &def, &map, NULL), 0);
            for (uint32_t round = 0; round < 4; round++) {
                uint32_t key = round % 2, next;
                uint64_t value = 1;

#define SAME(ours, theirs) assert_int_equal(ours, errno_of(theirs))
                SAME(skep_map_lookup(map, &key, 4, &value, 8, 0),
                     bpf_map_lookup_elem(kernel, &key, &value));
                SAME(skep_map_lookup(map, &key, 4, &value, 8, 77),
                     bpf_map_lookup_elem_flags(kernel, &key, &value, 77));
                SAME(skep_map_update(map, &key, 4, &value, 8, 0),
                     bpf_map_update_elem(kernel, &key, &value, 0));
                SAME(skep_map_update(map, &key, 4, &value, 8, 77),
                     bpf_map_update_elem(kernel, &key, &value, 77));
                SAME(skep_map_next_key(map, NULL, &next, 4),
                     bpf_map_get_next_key(kernel, NULL, &next));
                SAME(skep_map_delete(map, &key, 4), bpf_map_delete_elem(kernel, &key));
                if (round)
                    SAME(skep_map_freeze(map), bpf_map_freeze(kernel));
#undef SAME
            }
            close(kernel);
            skep_map_unref(map);
        }
    skep_runtime_unref(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions_are_judged_as_the_kernel_judges_them),
        cmocka_unit_test(test_templates_are_judged_as_the_kernel_judges_them),
        cmocka_unit_test(test_operations_answer_as_the_kernel_answers),
        cmocka_unit_test(test_prog_array_answers_as_the_kernel_answers),
        cmocka_unit_test(test_array_of_maps_answers_as_the_kernel_answers),
        cmocka_unit_test(test_access_flags_and_freezing_answer_as_the_kernel_answers),
    };

    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
