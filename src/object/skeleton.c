/* skeleton.c - a C header that holds an object and names what is in it, as `bpftool gen skeleton` makes for libbpf.
 *
 * With prefix "fw" the header has `struct fw` with the object, the collection, and a member for each map and program;
 * fw__open, fw__load, fw__open_and_load, fw__destroy; and for each global variable fw__set_NAME (before loading) and
 * fw__get_NAME (before and after). It compiles as C99 and C++11 against the public headers alone.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "object/object.h"

enum { NAME = 128 };

static const char *const keywords[] = {
    "alignas", "alignof", "and",      "asm",      "auto",     "bool",     "break",    "case",
    "catch",   "char",    "class",    "const",    "continue", "default",  "delete",   "do",
    "double",  "else",    "enum",     "explicit", "export",   "extern",   "false",    "float",
    "for",     "friend",  "goto",     "if",       "inline",   "int",      "long",     "mutable",
    "new",     "not",     "operator", "or",       "private",  "public",   "register", "restrict",
    "return",  "short",   "signed",   "sizeof",   "static",   "struct",   "switch",   "template",
    "this",    "throw",   "true",     "try",      "typedef",  "typename", "union",    "unsigned",
    "using",   "virtual", "void",     "volatile", "while",    "xor",
};

/* A C name made of any text: other characters become underscores, keywords get one. */
static const char *identifier(const char *text, char name[NAME])
{
    size_t length = 0;

    if (isdigit((unsigned char)*text))
        name[length++] = '_';
    for (; *text && length < NAME - 2; text++)
        name[length++] = isalnum((unsigned char)*text) ? *text : '_';
    if (!length)
        name[length++] = '_';
    name[length] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        if (strcmp(name, keywords[i]) == 0) {
            name[length++] = '_';
            name[length] = '\0';
        }
    return name;
}

/* Maps of variables are called after their section, without the object's name: "rodata", "rodata_config". */
static const char *map_identifier(const struct object_map *map, char name[NAME])
{
    bool is_globals = map->kind == MAP_GLOBALS || map->kind == MAP_KCONFIG;

    return identifier(is_globals ? map->def.section + 1 : map->def.name, name);
}

/* A string as a C literal. */
static void literal(struct text *t, const char *string)
{
    text_str(t, "\"");
    for (; *string; string++)
        if (isalnum((unsigned char)*string) || strchr(" ._-/+:<>()[]", *string))
            text_add(t, string, 1);
        else
            text_printf(t, "\\%03o", (unsigned char)*string);
    text_str(t, "\"");
}

/* Names that are there twice would not compile: the second one is left out. */
struct seen {
    struct table table;
    struct arena arena;
};
static bool is_new(struct seen *seen, const char *name)
{
    size_t length = strlen(name);
    char *copy;

    if (table_get(&seen->table, name, length, NULL) != TABLE_NONE)
        return false;
    copy = arena_string(&seen->arena, name);
    return copy && table_put(&seen->table, copy, length, 0);
}
static void forget(struct seen *seen)
{
    table_free(&seen->table);
    arena_free(&seen->arena);
}

/* -- parts ------------------------------------------------------------------------------------- */

static void print_struct(const struct skep_object *obj, struct text *t, const char *prefix)
{
    struct seen maps = {0}, progs = {0};
    bool has_any = false;
    char name[NAME];

    text_printf(t,
                "struct %s {\n    struct skep_object *object;\n"
                "    struct skep_collection *collection; /* NULL until loaded */\n",
                prefix);
    for (size_t i = 0; i < obj->own_maps; i++) {
        if (!is_new(&maps, map_identifier(obj->maps.items + i, name)))
            continue;
        text_printf(t, "%s        struct skep_map *%s;\n", has_any ? "" : "    struct {\n", name);
        has_any = true;
    }
    if (has_any)
        text_str(t, "    } maps;\n");
    has_any = false;
    for (size_t i = 0; i < obj->progs.count; i++) {
        if (!is_new(&progs, identifier(obj->progs.items[i].def.name, name)))
            continue;
        text_printf(t, "%s        struct skep_prog *%s;\n", has_any ? "" : "    struct {\n", name);
        has_any = true;
    }
    if (has_any)
        text_str(t, "    } progs;\n");
    text_str(t, "};\n\n");
    forget(&maps);
    forget(&progs);
}

static void print_bytes(const struct skep_object *obj, struct text *t, const char *prefix)
{
    text_printf(t,
                "/* %zu bytes. */\nstatic inline const void *%s__elf_bytes(size_t *size)\n{\n"
                "    static const unsigned char bytes[] = {",
                obj->elf.size, prefix);
    for (size_t i = 0; i < obj->elf.size; i++)
        text_printf(t, "%s%u,", i % 24 ? "" : "\n        ", obj->bytes[i]);
    text_str(t, "\n    };\n\n    *size = sizeof bytes;\n    return bytes;\n}\n\n");
}

static void print_life(const struct skep_object *obj, struct text *t, const char *prefix)
{
    struct seen maps = {0}, progs = {0};
    char name[NAME];

    text_printf(t,
                "static inline void %s__destroy(struct %s *s)\n{\n    if (!s)\n        return;\n"
                "    skep_collection_unref(s->collection);\n    skep_object_free(s->object);\n"
                "    free(s);\n}\n\n",
                prefix, prefix);
    text_printf(
        t,
        "static inline struct %s *%s__open(struct skep_error *err)\n{\n"
        "    struct %s *s = (struct %s *)calloc(1, sizeof *s);\n    size_t size;\n"
        "    const void *bytes = %s__elf_bytes(&size);\n\n    if (!s)\n        return NULL;\n"
        "    if (skep_object_open_mem(bytes, size, ",
        prefix, prefix, prefix, prefix, prefix);
    literal(t, obj->name);
    text_printf(
        t,
        ", &s->object, err)) {\n        free(s);\n        return NULL;\n    }\n    return s;\n}\n\n"
        "/* 0, or a negative code that `err` explains. `opts` may be NULL. */\n"
        "static inline int %s__load(struct %s *s, struct skep_runtime *runtime,\n"
        "                           const struct skep_load_opts *opts, struct skep_error *err)\n{\n"
        "    int code = skep_load(runtime, s->object, opts, &s->collection, err);\n\n"
        "    if (code)\n        return code;\n",
        prefix, prefix);
    for (size_t i = 0; i < obj->own_maps; i++) {
        if (!is_new(&maps, map_identifier(obj->maps.items + i, name)))
            continue;
        text_printf(t, "    s->maps.%s = skep_collection_map(s->collection, ", name);
        literal(t, obj->maps.items[i].def.name);
        text_str(t, ");\n");
    }
    for (size_t i = 0; i < obj->progs.count; i++) {
        if (!is_new(&progs, identifier(obj->progs.items[i].def.name, name)))
            continue;
        text_printf(t, "    s->progs.%s = skep_collection_prog(s->collection, ", name);
        literal(t, obj->progs.items[i].def.name);
        text_str(t, ");\n");
    }
    text_printf(
        t,
        "    return 0;\n}\n\n"
        "static inline struct %s *%s__open_and_load(struct skep_runtime *runtime, struct "
        "skep_error *err)\n"
        "{\n    struct %s *s = %s__open(err);\n\n    if (s && %s__load(s, runtime, NULL, err)) {\n"
        "        %s__destroy(s);\n        return NULL;\n    }\n    return s;\n}\n",
        prefix, prefix, prefix, prefix, prefix, prefix);
    forget(&maps);
    forget(&progs);
}

/* The C type of a scalar variable, NULL for anything with parts. */
static const char *scalar(const struct skep_btf *btf, const struct skep_global *global)
{
    static const char *const names[2][4] = {{"uint8_t", "uint16_t", "uint32_t", "uint64_t"},
                                            {"int8_t", "int16_t", "int32_t", "int64_t"}};
    uint32_t bits, flags = 0, size = global->bytes;

    if (!btf || !global->type || skep_btf_int(btf, btf_resolve(btf, global->type), &bits, &flags))
        return NULL;
    for (int i = 0; i < 4; i++)
        if (size == 1u << i)
            return names[flags & SKEP_INT_SIGNED ? 1 : 0][i];
    return NULL;
}

static void print_setter(const struct skep_object *obj, struct text *t, const char *prefix,
                         const struct skep_global *global, const char *name)
{
    const char *type = scalar(obj->btf, global);

    if (type)
        text_printf(t, "static inline int %s__set_%s(struct %s *s, %s value)\n{\n", prefix, name,
                    prefix, type);
    else
        text_printf(
            t,
            "/* %u bytes. */\nstatic inline int %s__set_%s(struct %s *s, const void *value)\n{\n",
            global->bytes, prefix, name, prefix);
    text_str(t, "    return skep_object_set_global(s->object, ");
    literal(t, global->name);
    text_printf(t, ", %svalue, %u, NULL);\n}\n", type ? "&" : "", global->bytes);
}

static void print_getter(const struct skep_object *obj, struct text *t, const char *prefix,
                         const struct skep_global *global, const char *name)
{
    const struct object_map *map = obj->maps.items + global->map;
    const char *type = scalar(obj->btf, global);
    char map_name[NAME];

    text_printf(t, "static inline int %s__get_%s(const struct %s *s, %s *value)\n{\n", prefix, name,
                prefix, type ? type : "void");
    if (map->def.type == SKEP_MAP_TYPE_ARRAY) {
        text_printf(t,
                    "    if (s->collection) {\n        uint32_t zero = 0;\n"
                    "        char *bytes = (char *)malloc(%u);\n"
                    "        int code = bytes ? skep_map_lookup(s->maps.%s, &zero, sizeof zero, "
                    "bytes, %u, 0)\n"
                    "                         : -SKEP_ENOMEM;\n\n        if (!code)\n"
                    "            memcpy(value, bytes + %u, %u);\n        free(bytes);\n        "
                    "return code;\n"
                    "    }\n",
                    map->def.value_size, map_identifier(map, map_name), map->def.value_size,
                    global->offset, global->bytes);
    }
    text_str(t, "    return skep_object_get_global(s->object, ");
    literal(t, global->name);
    text_printf(t, ", value, %u);\n}\n", global->bytes);
}

static void print_globals(const struct skep_object *obj, struct text *t, const char *prefix)
{
    struct seen seen = {0};

    for (size_t i = 0; i < obj->globals.count; i++) {
        const struct skep_global *global = obj->globals.items + i;
        char name[NAME];

        if (!is_new(&seen, identifier(global->name, name)) || !global->bytes)
            continue;
        text_printf(t, "\n/* %s, in %s. Setting: before loading only. */\n", name, global->section);
        print_setter(obj, t, prefix, global, name);
        print_getter(obj, t, prefix, global, name);
    }
    forget(&seen);
}

int skep_object_skeleton(const struct skep_object *obj, const char *wanted, skep_print_fn print,
                         void *user)
{
    struct text t = {.print = print, .user = user};
    char prefix[NAME];

    identifier(wanted && *wanted ? wanted : obj->short_name, prefix);
    text_printf(&t, "/* %s.skel.h - generated by skep gen skeleton. */\n", prefix);
    text_printf(
        &t,
        "#ifndef SKEL_%s_H\n#define SKEL_%s_H\n\n#include <stdlib.h>\n#include <string.h>\n\n"
        "#include <skep.h>\n\n",
        prefix, prefix);
    print_struct(obj, &t, prefix);
    print_bytes(obj, &t, prefix);
    print_life(obj, &t, prefix);
    print_globals(obj, &t, prefix);
    text_str(&t, "\n#endif\n");
    return t.code;
}
