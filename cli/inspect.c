/* inspect.c - skep inspect: what an object holds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "json.h"

/* A program's size once linked; what it has in the object, and why, if it cannot be linked. */
static uint32_t linked_insns(struct skep_object *object, size_t index,
                             const struct skep_prog_def *def, struct skep_error *err)
{
    struct skep_image image = {.size = sizeof image};

    *err = (struct skep_error){.size = sizeof *err};
    return skep_object_image(object, index, &image, err) ? def->insns : image.insn_count;
}

/* Number 0 means cgroup_inet_ingress, and nothing for types that have no attach type. */
static const char *attach_name(const struct skep_prog_def *def)
{
    if (!def->is_type_known || (!def->attach_type && def->type != SKEP_PROG_TYPE_CGROUP_SKB))
        return NULL;
    return skep_attach_type_name(def->attach_type);
}

static const char *type_name(const struct skep_prog_def *def)
{
    return def->is_type_known ? cli_type_name(def->type) : "unspec";
}

static void type_of_global(const struct skep_btf *btf, const struct skep_global *global, char *text,
                           size_t room)
{
    if (!btf || !global->type || skep_btf_declare(btf, global->type, global->name, text, room) < 0)
        snprintf(text, room, "%s", global->name);
}

/* -- JSON -------------------------------------------------------------------------------------- */
static void programs_json(struct json *json, struct skep_object *object)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err;
    uint32_t insns;

    json_array(json, "programs");
    for (size_t i = 0; !skep_object_prog(object, i, &def); i++) {
        insns = linked_insns(object, i, &def, &err);
        json_object(json, NULL);
        json_string(json, "section", def.section);
        json_string(json, "name", def.name);
        json_string(json, "type", type_name(&def));
        json_string(json, "attach_type", attach_name(&def));
        json_u64(json, "insns", insns);
        json_bool(json, "autoload", def.autoload != 0);
        if (def.target)
            json_string(json, "target", def.target);
        if (err.code)
            json_string(json, "error", err.text);
        json_end_object(json);
    }
    json_end_array(json);
}

static void map_json(struct json *json, const char *key, const struct skep_map_def *def)
{
    json_object(json, key);
    json_string(json, "name", def->name);
    json_string(json, "type", skep_map_type_name(def->type));
    json_u64(json, "key_size", def->key_size);
    json_u64(json, "value_size", def->value_size);
    json_u64(json, "max_entries", def->max_entries);
    json_u64(json, "flags", def->flags);
    if (def->pinning)
        json_u64(json, "pinning", def->pinning);
    if (def->section)
        json_string(json, "section", def->section);
    if (def->inner && key == NULL) /* one level: Linux has no maps of maps of maps */
        map_json(json, "inner", def->inner);
    json_end_object(json);
}

static void globals_json(struct json *json, const struct skep_object *object)
{
    struct skep_global global = {.size = sizeof global};
    char text[256];

    json_array(json, "globals");
    for (size_t i = 0; !skep_object_global(object, i, &global); i++) {
        type_of_global(skep_object_btf(object), &global, text, sizeof text);
        json_object(json, NULL);
        json_string(json, "name", global.name);
        json_string(json, "section", global.section);
        json_string(json, "declaration", text);
        json_u64(json, "offset", global.offset);
        json_u64(json, "size", global.bytes);
        json_bool(json, "readonly", global.is_readonly != 0);
        json_end_object(json);
    }
    json_end_array(json);
}

static void slots_json(struct json *json, const struct skep_object *object)
{
    struct skep_object_slot slot = {.size = sizeof slot};
    struct skep_map_def map = {.size = sizeof map};
    struct skep_prog_def prog = {.size = sizeof prog};

    json_array(json, "slots");
    for (size_t i = 0; !skep_object_slot(object, i, &slot); i++) {
        if (skep_object_map(object, slot.map, &map))
            continue;
        json_object(json, NULL);
        json_string(json, "map", map.name);
        json_u64(json, "key", slot.key);
        if (slot.is_prog && !skep_object_prog(object, slot.index, &prog))
            json_string(json, "program", prog.name);
        else if (!slot.is_prog && !skep_object_map(object, slot.index, &map))
            json_string(json, "holds", map.name);
        json_end_object(json);
    }
    json_end_array(json);
}

static void show_json(const struct cli *cli, struct skep_object *object)
{
    struct json json = {.out = stdout, .is_pretty = cli->is_pretty};
    struct skep_map_def def = {.size = sizeof def};

    json_object(&json, NULL);
    json_string(&json, "schema", "skep.inspect/1");
    json_string(&json, "object", cli_object(object));
    json_string(&json, "endian", skep_object_is_big_endian(object) ? "big" : "little");
    json_string(&json, "license", skep_object_license(object));
    programs_json(&json, object);
    json_array(&json, "maps");
    for (size_t i = 0; !skep_object_map(object, i, &def); i++)
        map_json(&json, NULL, &def);
    json_end_array(&json);
    globals_json(&json, object);
    slots_json(&json, object);
    json_end_object(&json);
    json_finish(&json);
}

/* -- text -------------------------------------------------------------------------------------- */
static void programs_text(struct skep_object *object)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err;
    const char *attach;
    char count[28];
    uint32_t insns;

    for (size_t i = 0; !skep_object_prog(object, i, &def); i++) {
        insns = linked_insns(object, i, &def, &err);
        attach = attach_name(&def);
        printf("%sprog %-24s %-14s %6s insns  SEC(\"%s\")%s%s%s\n", i ? "" : "\n", def.name,
               type_name(&def), cli_count(insns, count), def.section,
               attach && strcmp(attach, type_name(&def)) != 0 ? "  attaches as " : "",
               attach && strcmp(attach, type_name(&def)) != 0 ? attach : "",
               def.autoload ? "" : "  not loaded unless named");
        if (err.code)
            printf("     cannot be linked: %s\n", err.text);
    }
}

static void maps_text(const struct skep_object *object)
{
    const struct skep_btf *btf = skep_object_btf(object);
    struct skep_map_def def = {.size = sizeof def};
    char key[128], value[128];
    const char *type;

    for (size_t i = 0; !skep_object_map(object, i, &def); i++) {
        type = skep_map_type_name(def.type);
        key[0] = value[0] = '\0';
        if (btf && def.key_type && skep_btf_declare(btf, def.key_type, "", key, sizeof key) < 0)
            key[0] = '\0';
        if (btf && def.value_type &&
            skep_btf_declare(btf, def.value_type, "", value, sizeof value) < 0)
            value[0] = '\0';
        printf("%smap %-25s %-14s key %u%s%s, value %u%s%s, %u entries", i ? "" : "\n", def.name,
               type ? type : "unknown", def.key_size, *key ? " " : "", key, def.value_size,
               *value ? " " : "", value, def.max_entries);
        if (def.flags)
            printf(", flags 0x%x", def.flags);
        if (def.pinning)
            printf(", pinning %u", def.pinning);
        if (def.inner)
            printf(", of %s maps (key %u, value %u, %u entries)",
                   skep_map_type_name(def.inner->type) ? skep_map_type_name(def.inner->type)
                                                       : "unknown",
                   def.inner->key_size, def.inner->value_size, def.inner->max_entries);
        putchar('\n');
    }
}

static void globals_text(const struct skep_object *object)
{
    struct skep_global global = {.size = sizeof global};
    char text[256];

    for (size_t i = 0; !skep_object_global(object, i, &global); i++) {
        type_of_global(skep_object_btf(object), &global, text, sizeof text);
        printf("%sglobal %s  (%s, %u bytes%s)\n", i ? "" : "\n", text, global.section, global.bytes,
               global.is_readonly ? ", set before loading only" : "");
    }
}

static void slots_text(const struct skep_object *object)
{
    struct skep_object_slot slot = {.size = sizeof slot};
    struct skep_map_def map = {.size = sizeof map}, held = {.size = sizeof held};
    struct skep_prog_def prog = {.size = sizeof prog};

    for (size_t i = 0; !skep_object_slot(object, i, &slot); i++) {
        if (skep_object_map(object, slot.map, &map))
            continue;
        if (slot.is_prog && !skep_object_prog(object, slot.index, &prog))
            printf("%sslot %s[%u] = prog %s\n", i ? "" : "\n", map.name, slot.key, prog.name);
        else if (!slot.is_prog && !skep_object_map(object, slot.index, &held))
            printf("%sslot %s[%u] = map %s\n", i ? "" : "\n", map.name, slot.key, held.name);
    }
}

static void show_text(struct skep_object *object)
{
    const char *license = skep_object_license(object);
    const struct skep_btf *btf = skep_object_btf(object);
    char types[28];

    printf("%s: %s-endian, license %s, %s%s\n", cli_object(object),
           skep_object_is_big_endian(object) ? "big" : "little", *license ? license : "none",
           btf ? cli_count(skep_btf_count(btf) - 1, types) : "no", btf ? " BTF types" : " BTF");
    programs_text(object);
    maps_text(object);
    globals_text(object);
    slots_text(object);
}

static int inspect_run(const struct verb *verb, int argc, char **argv)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object = NULL;
    struct arg_list operands = {0};
    struct cli cli = {0};
    int code = args_parse(verb, argc, argv, &cli, NULL, &operands), rc;

    if (code == ARGS_GO_ON) {
        rc = skep_object_open(operands.items[0], &object, &err);
        if (rc) {
            cli_error(cli_name(operands.items[0]), &err);
            code = cli_input_exit(rc);
        } else {
            /* Without linking first, each program would be linked with a message of its own. */
            (void)skep_object_link(object, NULL, NULL);
            cli.is_json ? show_json(&cli, object) : show_text(object);
            code = cli_finish(CLI_YES);
        }
    }
    skep_object_free(object);
    args_free(&operands);
    return code;
}

const struct verb verb_inspect = {
    .name = "inspect",
    .operands = "OBJ",
    .about = "what an object holds: programs, maps, globals",
    .min_operands = 1,
    .max_operands = 1,
    .run = inspect_run,
};
