/* section.c - what each section of an object is for, by its name; license, version and code are read here. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "object/object.h"

static const struct {
    const char *name;
    uint8_t kind;
    bool has_family; /* ".rodata.config" is of ".rodata"'s kind */
} kinds[] = {
    {".maps", SECTION_MAPS, false},
    {"maps", SECTION_LEGACY_MAPS, false},
    {".data", SECTION_DATA, true},
    {".rodata", SECTION_RODATA, true},
    {".bss", SECTION_BSS, true},
    {".addr_space.1", SECTION_ARENA, false},
    {".struct_ops", SECTION_STRUCT_OPS, true},
    {"?.struct_ops", SECTION_STRUCT_OPS, true},
    {".jumptables", SECTION_JUMPTABLES, true},
    {"license", SECTION_LICENSE, false},
    {"version", SECTION_VERSION, false},
};

bool section_is(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(name, prefix, length) == 0 && (!name[length] || name[length] == '.');
}

uint32_t section_find(const struct skep_object *obj, const char *name)
{
    uint32_t found = table_get(&obj->names, name, strlen(name), NULL);

    return found == TABLE_NONE ? 0 : found;
}

static uint8_t kind_of(const struct elf_section *section)
{
    if (section->type != ELF_PROGBITS && section->type != ELF_NOBITS)
        return SECTION_OTHER;
    if (section->flags & ELF_EXEC)
        return section->type == ELF_PROGBITS ? SECTION_CODE : SECTION_OTHER;
    if (strncmp(section->name, "maps/", 5) == 0)
        return SECTION_LEGACY_MAPS;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].has_family ? section_is(section->name, kinds[i].name)
                                : strcmp(section->name, kinds[i].name) == 0)
            return kinds[i].kind;
    return SECTION_OTHER;
}

static int read_license(struct skep_object *obj, const struct elf_section *section)
{
    size_t length = section->bytes ? (size_t)section->size : 0;

    /* Cut what is too long, as libbpf does: the kernel looks at 128 bytes only. */
    if (length > sizeof obj->license - 1)
        length = sizeof obj->license - 1;
    if (length)
        memcpy(obj->license, section->bytes, length);
    obj->license[length] = '\0';
    return 0;
}

static int read_code(struct skep_object *obj, uint32_t index, struct skep_error *err)
{
    const struct elf_section *section = obj->elf.sections + index;
    struct object_section *code = obj->sections + index;

    if (section->size % 8)
        return error_set(err, -SKEP_EFORMAT,
                         "section %s: 0x%llx bytes of code are not a multiple of 8", section->name,
                         (unsigned long long)section->size);
    if (section->size / 8 > INT32_MAX)
        return error_set(err, -SKEP_EFORMAT, "section %s: 0x%llx bytes of code are too many",
                         section->name, (unsigned long long)section->size);
    code->insn_count = (uint32_t)(section->size / 8);
    if (!code->insn_count)
        return 0;
    code->insns = malloc(code->insn_count * sizeof *code->insns);
    if (!code->insns)
        return error_set(err, -SKEP_ENOMEM, "section %s: no memory for %u instructions",
                         section->name, code->insn_count);
    return skep_insn_decode(section->bytes, (size_t)section->size, obj->elf.is_big, code->insns);
}

int section_classify(struct skep_object *obj, struct skep_error *err)
{
    obj->sections = calloc(obj->elf.section_count, sizeof *obj->sections);
    if (!obj->sections)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u sections", obj->elf.section_count);
    for (uint32_t i = 0; i < obj->elf.section_count; i++) {
        const struct elf_section *section = obj->elf.sections + i;
        int code = 0;

        if (i && !table_put(&obj->names, section->name, strlen(section->name), i))
            return error_set(err, -SKEP_ENOMEM, "no memory for %u sections",
                             obj->elf.section_count);
        obj->sections[i].map = OBJECT_NONE;
        obj->sections[i].kind = kind_of(section);
        switch (obj->sections[i].kind) {
        case SECTION_CODE:
            code = read_code(obj, i, err);
            break;
        case SECTION_LICENSE:
            code = read_license(obj, section);
            break;
        case SECTION_VERSION:
            if (section->bytes && section->size >= 4)
                obj->version = load_u32(section->bytes, obj->elf.is_big);
            break;
        default:
            break;
        }
        if (code)
            return code;
    }
    return 0;
}
