/* load.c - from an object to a collection: programs verified, maps made and filled, programs made, tail calls wired.
 * All or nothing, and nothing is live before everything is verified. */
#include "runtime/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/reader.h"
#include "base/sized.h"
#include "base/vec.h"
#include "platform/platform.h"

struct live_map {
    char *name;
    struct skep_map *map; /* NULL: no program needed it */
};
struct live_prog {
    char *name, *section;
    struct skep_prog *prog; /* NULL: not loaded */
};
struct skep_collection {
    _Atomic uint32_t refs;
    struct skep_runtime *runtime;
    VEC(struct live_map) maps; /* by the object's index */
    VEC(struct live_prog) progs;
};

struct load {
    struct skep_runtime *rt;
    struct skep_object *obj;
    struct skep_load_opts opts;
    struct skep_collection *out;
    struct skep_error *err;
    bool *wanted;             /* by program: it is to be loaded */
    struct judgement *judged; /* by program: what verification found */
    const void *btf;          /* of an image, for backends; it is the same for all */
    uint32_t btf_size;
};

/* -- the collection ---------------------------------------------------------------------------- */

struct skep_collection *skep_collection_ref(struct skep_collection *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void skep_collection_unref(struct skep_collection *c)
{
    struct skep_runtime *rt;

    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    rt = c->runtime;
    for (size_t i = 0; i < c->progs.count; i++) {
        skep_prog_unref(c->progs.items[i].prog);
        free(c->progs.items[i].name);
        free(c->progs.items[i].section);
    }
    for (size_t i = 0; i < c->maps.count; i++) {
        skep_map_unref(c->maps.items[i].map);
        free(c->maps.items[i].name);
    }
    free(c->progs.items);
    free(c->maps.items);
    free(c);
    skep_runtime_unref(rt);
}

struct skep_prog *skep_collection_prog(struct skep_collection *c, const char *name)
{
    for (size_t i = 0; i < c->progs.count; i++)
        if (c->progs.items[i].prog && !strcmp(c->progs.items[i].name, name))
            return c->progs.items[i].prog;
    for (size_t i = 0; i < c->progs.count; i++)
        if (c->progs.items[i].prog && !strcmp(c->progs.items[i].section, name))
            return c->progs.items[i].prog;
    return NULL;
}

struct skep_map *skep_collection_map(struct skep_collection *c, const char *name)
{
    for (size_t i = 0; i < c->maps.count; i++)
        if (c->maps.items[i].map && !strcmp(c->maps.items[i].name, name))
            return c->maps.items[i].map;
    return NULL;
}

struct skep_prog *skep_collection_prog_at(struct skep_collection *c, size_t index)
{
    for (size_t i = 0; i < c->progs.count; i++)
        if (c->progs.items[i].prog && !index--)
            return c->progs.items[i].prog;
    return NULL;
}

struct skep_map *skep_collection_map_at(struct skep_collection *c, size_t index)
{
    for (size_t i = 0; i < c->maps.count; i++)
        if (c->maps.items[i].map && !index--)
            return c->maps.items[i].map;
    return NULL;
}

/* -- what is to be loaded ---------------------------------------------------------------------- */

static char *copy_string(const char *text)
{
    size_t size = strlen(text ? text : "") + 1;
    char *out = malloc(size);

    return out ? memcpy(out, text ? text : "", size) : NULL;
}

static int list_contents(struct load *l)
{
    struct skep_prog_def prog = {.size = sizeof prog};
    struct skep_map_def map = {.size = sizeof map};

    for (size_t i = 0; !skep_object_prog(l->obj, i, &prog); i++) {
        struct live_prog *row = VEC_PUSH(&l->out->progs);
        if (!row || !(row->name = copy_string(prog.name)) ||
            !(row->section = copy_string(prog.section)))
            return error_set(l->err, -SKEP_ENOMEM, "no memory for the list of programs");
        prog.size = sizeof prog;
    }
    for (size_t i = 0; !skep_object_map(l->obj, i, &map); i++) {
        struct live_map *row = VEC_PUSH(&l->out->maps);
        if (!row || !(row->name = copy_string(map.name)))
            return error_set(l->err, -SKEP_ENOMEM, "no memory for the list of maps");
        map.size = sizeof map;
    }
    return 0;
}

static int find_prog(const struct load *l, const char *name)
{
    for (size_t i = 0; i < l->out->progs.count; i++)
        if (!strcmp(l->out->progs.items[i].name, name))
            return (int)i;
    for (size_t i = 0; i < l->out->progs.count; i++)
        if (!strcmp(l->out->progs.items[i].section, name))
            return (int)i;
    return -1;
}

/* The named program, or all that load by themselves; and what a wanted program's prog arrays hold.
 */
static int choose(struct load *l)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_object_slot slot = {.size = sizeof slot};
    int named;

    l->wanted = calloc(l->out->progs.count ? l->out->progs.count : 1, sizeof *l->wanted);
    l->judged = calloc(l->out->progs.count ? l->out->progs.count : 1, sizeof *l->judged);
    if (!l->wanted || !l->judged)
        return error_set(l->err, -SKEP_ENOMEM, "no memory for the list of programs");
    if (!l->opts.prog) {
        for (size_t i = 0; !skep_object_prog(l->obj, i, &def); i++, def.size = sizeof def)
            l->wanted[i] = def.autoload;
        return 0;
    }
    named = find_prog(l, l->opts.prog);
    if (named < 0)
        return error_set(l->err, -SKEP_ENOENT, "there is no program '%s'", l->opts.prog);
    l->wanted[named] = true;
    for (size_t i = 0; !skep_object_slot(l->obj, i, &slot); i++, slot.size = sizeof slot)
        if (slot.is_prog && slot.index < l->out->progs.count)
            l->wanted[slot.index] = true;
    return 0;
}

/* -- maps -------------------------------------------------------------------------------------- */

static struct skep_map *given_map(const struct load *l, const char *name)
{
    for (size_t i = 0; i < l->opts.map_count; i++)
        if (!strcmp(l->opts.maps[i].name, name))
            return l->opts.maps[i].map;
    return NULL;
}

/* A map given for one of the object's must be what the object's programs expect. */
static int check_given(struct load *l, const struct skep_map *map, const struct skep_map_def *def)
{
    if (map->runtime != l->rt)
        return error_set(l->err, -SKEP_EINVAL, "map %s: the given map belongs to another runtime",
                         def->name);
    if (map->def.type != def->type || map->def.key_size != def->key_size ||
        map->def.value_size != def->value_size)
        return error_set(l->err, -SKEP_EINVAL,
                         "map %s: the given map is %s with keys of %u and values of %u bytes, the "
                         "object wants %s, %u "
                         "and %u",
                         def->name, skep_map_type_name(map->def.type), map->def.key_size,
                         map->def.value_size, skep_map_type_name(def->type), def->key_size,
                         def->value_size);
    return 0;
}

/* What the object says a map starts with; .rodata, .kconfig and jump tables are frozen then, as
 * libbpf does. */
static int fill_map(struct load *l, size_t index, struct skep_map *map,
                    const struct skep_map_def *def)
{
    const uint8_t *data = skep_object_map_data(l->obj, index);
    bool is_table = def->type == SKEP_MAP_TYPE_INSN_ARRAY;
    uint32_t count = is_table ? def->max_entries : 1;
    int rc = 0;

    if (!data || (!is_table && def->type != SKEP_MAP_TYPE_ARRAY) ||
        def->initial_size != (uint64_t)count * def->value_size)
        return 0;
    for (uint32_t key = 0; !rc && key < count; key++)
        rc = skep_map_update(map, &key, sizeof key, data + (size_t)key * def->value_size,
                             def->value_size, SKEP_ANY);
    if (!rc && (is_table || (def->flags & MAP_F_RDONLY_PROG)))
        rc = skep_map_freeze(map);
    if (rc)
        error_set(l->err, rc, "map %s: its initial content was refused (%s)", def->name,
                  skep_code_name(rc));
    return rc;
}

static int make_map(struct load *l, size_t index)
{
    struct skep_map_def def = {.size = sizeof def};
    struct live_map *row = &l->out->maps.items[index];
    struct skep_map *given;
    int rc;

    if (row->map)
        return 0;
    rc = skep_object_map(l->obj, index, &def);
    if (rc)
        return error_set(l->err, rc, "there is no map %zu", index);
    given = given_map(l, def.name);
    if (given) {
        rc = check_given(l, given, &def);
        if (!rc)
            row->map = skep_map_ref(given);
        return rc;
    }
    rc = live_map_create(l->rt, &def, l->btf, l->btf_size, &row->map, l->err);
    return rc ? rc : fill_map(l, index, row->map, &def);
}

/* -- programs ---------------------------------------------------------------------------------- */

static int make_prog(struct load *l, size_t index)
{
    struct skep_image image = {.size = sizeof image};
    struct skep_map **maps = NULL;
    int rc = skep_object_image(l->obj, index, &image, l->err);

    if (rc)
        return rc;
    l->btf = image.btf_bytes;
    l->btf_size = image.btf_size;
    maps = calloc(image.map_count ? image.map_count : 1, sizeof(struct skep_map *));
    if (!maps)
        return error_set(l->err, -SKEP_ENOMEM, "no memory for %u maps", image.map_count);
    for (uint32_t i = 0; !rc && i < image.map_count; i++) {
        rc = make_map(l, image.maps[i]);
        maps[i] = rc ? NULL : l->out->maps.items[image.maps[i]].map;
    }
    if (!rc)
        rc = prog_create(l->rt, &image, maps, l->opts.max_insns, &l->judged[index],
                         &l->out->progs.items[index].prog, l->err);
    free(maps);
    return rc;
}

/* -- verification ------------------------------------------------------------------------------ */

/* The given ones among the image's maps, in its order, if they fit. */
static int find_given(struct load *l, const struct skep_image *image, struct skep_map **maps)
{
    struct skep_map_def def = {.size = sizeof def};
    int rc = 0;

    for (uint32_t i = 0; !rc && i < image->map_count; i++, def.size = sizeof def) {
        rc = skep_object_map(l->obj, image->maps[i], &def);
        maps[i] = rc ? NULL : given_map(l, def.name);
        if (maps[i])
            rc = check_given(l, maps[i], &def);
    }
    return rc;
}

static int judge_prog(struct load *l, size_t index, struct skep_error *err)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_image image = {.size = sizeof image};
    struct skep_error why = {.size = sizeof why};
    struct judge judge = {.rt = l->rt,
                          .image = &image,
                          .obj = l->obj,
                          .opts = l->opts.verify,
                          .report = l->opts.report,
                          .is_sandboxed = l->opts.sandboxed != 0};
    struct skep_map **maps;
    int rc = skep_object_image(l->obj, index, &image, &why);

    if (rc) {
        (void)skep_object_prog(l->obj, index, &def);
        if (judge_unlinked(&judge, &def, &why, err))
            return -SKEP_ENOMEM;
        if (err)
            sized_copy_out(err, &why, sizeof why);
        return rc;
    }
    maps = calloc(image.map_count ? image.map_count : 1, sizeof(struct skep_map *));
    if (!maps)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u maps", image.map_count);
    judge.maps = maps;
    rc = prog_check_type(l->rt, &image, err);
    if (!rc)
        rc = find_given(l, &image, maps);
    if (!rc)
        rc = judge_program(&judge, &l->judged[index], err);
    free(maps);
    return rc;
}

static void say_which(const struct load *l, size_t index)
{
    if (l->err && l->err->size >= sizeof *l->err && !l->err->subject[0])
        error_subject(l->err, "%s: prog %s", skep_object_name(l->obj),
                      l->out->progs.items[index].name);
}

/* The error is about the first that is refused; a report has the verdicts of all. */
static int judge_all(struct load *l)
{
    int rc = judge_sandbox(l->rt, l->opts.sandboxed != 0, l->err), one;

    if (!rc)
        rc = judge_open_report(l->opts.report, l->err);
    if (rc)
        return rc;
    for (size_t i = 0; i < l->out->progs.count; i++) {
        if (!l->wanted[i])
            continue;
        one = judge_prog(l, i, rc ? NULL : l->err);
        if (!one || rc)
            continue;
        rc = one;
        say_which(l, i);
        if (!l->opts.report || rc == -SKEP_ECANCELED || rc == -SKEP_ENOMEM)
            return rc;
    }
    return rc;
}

/* -- contents that are maps and programs ------------------------------------------------------- */

static int wire_slot(struct load *l, const struct skep_object_slot *slot)
{
    struct skep_map *map = l->out->maps.items[slot->map].map, *inner;
    int rc;

    if (!map) /* no loaded program refers to it */
        return 0;
    if (slot->is_prog) {
        struct skep_prog *prog = l->out->progs.items[slot->index].prog;
        rc = prog ? skep_map_set_prog(map, slot->key, prog) : 0;
    } else {
        rc = make_map(l, slot->index);
        if (rc)
            return rc;
        inner = l->out->maps.items[slot->index].map;
        rc = skep_map_set_map(map, &slot->key, sizeof slot->key, inner);
    }
    if (rc)
        error_set(l->err, rc, "map %s: slot %u was refused (%s)",
                  l->out->maps.items[slot->map].name, slot->key, skep_code_name(rc));
    return rc;
}

static int wire(struct load *l)
{
    struct skep_object_slot slot = {.size = sizeof slot};
    int rc = 0;

    for (size_t i = 0; !rc && !skep_object_slot(l->obj, i, &slot); i++, slot.size = sizeof slot) {
        if (slot.map >= l->out->maps.count ||
            slot.index >= (slot.is_prog ? l->out->progs.count : l->out->maps.count))
            continue;
        rc = wire_slot(l, &slot);
    }
    return rc;
}

/* -- the way ----------------------------------------------------------------------------------- */

/* Maps that no program refers to are the host's to use, as libbpf makes them. Types that our own
 * engine does not have stop only those programs that refer to one; struct_ops need their kernel
 * type, which attaching knows. */
static int make_other_maps(struct load *l)
{
    struct skep_map_def def = {.size = sizeof def};
    int rc = 0;

    for (size_t i = 0; !rc && !skep_object_map(l->obj, i, &def); i++, def.size = sizeof def)
        if (l->rt->backend ? def.type != SKEP_MAP_TYPE_STRUCT_OPS : map_find_ops(def.type) != NULL)
            rc = make_map(l, i);
    return rc;
}

static void log_link(void *user, int level, const char *text)
{
    runtime_log(user, level, "%s", text);
}

static int load(struct load *l)
{
    struct skep_link_opts link = {
        .size = sizeof link, .btf = l->opts.btf, .log = log_link, .user = l->rt};
    int rc = 0;

    if (skep_object_is_big_endian(l->obj) != HOST_IS_BIG)
        return error_set(l->err, -SKEP_EINVAL, "the object is %s-endian, this machine is not",
                         HOST_IS_BIG ? "little" : "big");
    rc = skep_object_link(l->obj, &link, l->err);
    if (!rc)
        rc = list_contents(l);
    if (!rc)
        rc = choose(l);
    if (!rc)
        rc = judge_all(l);
    for (size_t i = 0; !rc && i < l->out->progs.count; i++) {
        if (!l->wanted[i])
            continue;
        rc = make_prog(l, i);
        if (rc)
            say_which(l, i);
    }
    if (!rc && !l->opts.prog)
        rc = make_other_maps(l);
    if (!rc)
        rc = wire(l);
    return rc;
}

int skep_load(struct skep_runtime *rt, struct skep_object *obj, const struct skep_load_opts *opts,
              struct skep_collection **out, struct skep_error *err)
{
    struct load l = {.rt = rt, .obj = obj, .err = err, .opts = {.size = sizeof l.opts}};
    int rc;

    if (opts) {
        rc = sized_check(opts, sizeof l.opts, "skep_load_opts", err);
        if (rc)
            return rc;
        sized_copy_in(&l.opts, sizeof l.opts, opts);
    }
    l.out = calloc(1, sizeof *l.out);
    if (!l.out)
        return error_set(err, -SKEP_ENOMEM, "no memory for a collection");
    l.out->refs = 1;
    l.out->runtime = skep_runtime_ref(rt);
    rc = load(&l);
    if (rc && err && err->size >= sizeof *err && !err->subject[0])
        error_subject(err, "%s", skep_object_name(obj));
    for (size_t i = 0; l.judged && i < l.out->progs.count; i++)
        judge_free(&l.judged[i]);
    free(l.judged);
    free(l.wanted);
    if (rc)
        skep_collection_unref(l.out);
    else
        *out = l.out;
    return rc;
}
