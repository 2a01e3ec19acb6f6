/* program.c - which functions are entry points, and what their section names say.
 *
 * A function in a section of its own name is a program; functions of .text are sub-programs of those, unless .text is
 * all the code there is. Local functions in program sections are entries too (cilium makes them so) unless the object
 * calls them. Two kinds of section hold sub-programs though they are not .text: ".text.*", and sections whose name says
 * nothing while all that is in them gets called.
 */
#include <string.h>

#include "base/check.h"
#include "object/object.h"

enum { MOST_PROGRAMS = 1 << 14 };

static bool is_text(const char *section)
{
    return section_is(section, ".text");
}

static const char *unmarked(const char *section)
{
    return section[0] == '?' ? section + 1 : section;
}

static bool says_type(const char *section)
{
    return skep_section_parse(unmarked(section), NULL, NULL, NULL, NULL) == 0;
}

static bool is_entry(const struct skep_object *obj, const struct object_func *func, bool only_text)
{
    const char *section = obj->elf.sections[func->section].name;

    if (is_text(section))
        return only_text && func->bind != ELF_LOCAL;
    if (!func->is_called)
        return true;
    /* Called, and still an entry where it says so itself: by being global in a section that means something. */
    return func->bind != ELF_LOCAL && says_type(section);
}

static int add_program(struct skep_object *obj, uint32_t index, struct skep_error *err)
{
    const struct object_func *func = obj->funcs.items + index;
    const char *section = obj->elf.sections[func->section].name;
    struct object_prog *prog;

    if (obj->progs.count >= MOST_PROGRAMS)
        return error_set(err, -SKEP_E2BIG, "section %s: more than %d programs", section,
                         MOST_PROGRAMS);
    prog = VEC_PUSH(&obj->progs);
    if (!prog)
        return error_set(err, -SKEP_ENOMEM, "program %s: no memory", func->name);
    prog->func = index;
    prog->def = (struct skep_prog_def){.size = sizeof prog->def,
                                       .name = func->name,
                                       .section = unmarked(section),
                                       .autoload = section[0] != '?',
                                       .insns = func->count};
    prog->def.is_type_known =
        skep_section_parse(prog->def.section, &prog->def.type, &prog->def.attach_type,
                           &prog->def.flags, &prog->def.target) == 0;
    return 0;
}

int program_load(struct skep_object *obj, struct skep_error *err)
{
    bool only_text = true, has_none;
    int code = 0;

    for (uint32_t i = 1; i < obj->elf.section_count; i++)
        if (obj->sections[i].func_count && !is_text(obj->elf.sections[i].name))
            only_text = false;
    for (size_t i = 0; i < obj->funcs.count && !code; i++)
        if (is_entry(obj, obj->funcs.items + i, only_text))
            code = add_program(obj, (uint32_t)i, err);
    /* A lone .text of static functions: those that nobody calls. */
    has_none = only_text && !obj->progs.count;
    for (size_t i = 0; i < obj->funcs.count && !code && has_none; i++)
        if (!obj->funcs.items[i].is_called)
            code = add_program(obj, (uint32_t)i, err);
    return code;
}

uint32_t program_of_func(const struct skep_object *obj, uint32_t func)
{
    size_t low = 0, high = obj->progs.count; /* programs are in the order of their functions */

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (obj->progs.items[middle].func < func)
            low = middle + 1;
        else
            high = middle;
    }
    return low < obj->progs.count && obj->progs.items[low].func == func ? (uint32_t)low
                                                                        : OBJECT_NONE;
}
