/* section.c - what a section's name says, by libbpf's rules; the names are in section.def. */
#include "platform/platform.h"

#include <string.h>
#include <skep/error.h>

#include "base/check.h"

/* bpf(2)'s prog_flags. */
enum { SLEEPABLE = 1u << 4, FRAGS = 1u << 5 };

enum { EXACT, TARGET, LOOSE };

struct section {
    const char *name;
    uint8_t length, match;
    uint32_t type, attach_type, flags;
};

static const struct section sections[] = {
#define SECTION(name, match, type, attach_type, flags)                                             \
    {name, sizeof(name) - 1, match, type, attach_type, flags},
#include "platform/section.def"
#undef SECTION
};

static const struct section *section_find(const char *name, bool is_loose)
{
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        const struct section *row = &sections[i];
        char next;

        if (strncmp(name, row->name, row->length) != 0)
            continue;
        next = name[row->length];
        if (next == '\0' || (next == '/' && row->match == TARGET) ||
            (is_loose && row->match == LOOSE))
            return row;
    }
    return NULL;
}

bool platform_section_is_exact(const char *name)
{
    const struct section *row = section_find(name, false);

    return row && name[row->length] == '\0';
}

int skep_section_parse(const char *section, uint32_t *type, uint32_t *attach_type, uint32_t *flags,
                       const char **target)
{
    const struct section *row;

    if (!section)
        return -SKEP_EINVAL;
    /* libbpf: "?" in front means that the program is not loaded unless asked for. */
    if (*section == '?')
        section++;
    row = section_find(section, false);
    if (!row)
        row = section_find(section, true);
    if (!row)
        return -SKEP_ENOENT;
    if (type)
        *type = row->type;
    if (attach_type)
        *attach_type = row->attach_type;
    if (flags)
        *flags = row->flags;
    if (target)
        *target = row->match == TARGET && section[row->length] ? section + row->length + 1 : NULL;
    return 0;
}
