/* caps.c - the names of privileges on the command line. */
#include "caps.h"

#include <string.h>

#include <skep/verify.h>

#include "args.h"

enum { CAP_NAME = 16 };

static const struct row {
    const char *name;
    uint32_t value;
} levels[] = {{"root", SKEP_AS_ROOT}, {"bpf", SKEP_AS_BPF}, {"guest", SKEP_AS_GUEST}, {0}},
  names[] = {{"bpf", SKEP_CAP_BPF},
             {"perfmon", SKEP_CAP_PERFMON},
             {"net_admin", SKEP_CAP_NET_ADMIN},
             {"sys_admin", SKEP_CAP_SYS_ADMIN},
             {"none", SKEP_CAP_NONE},
             {0}};

static uint32_t find(const struct row *rows, const char *name)
{
    for (; rows->name; rows++)
        if (!strcmp(rows->name, name))
            return rows->value;
    return 0;
}

/* "bpf", "CAP_BPF": in lower case, without the prefix. */
static void plain_name(const char *text, size_t length, char name[CAP_NAME])
{
    static const char prefix[] = "cap_";
    size_t used = 0;

    for (size_t i = 0; i < length && used + 1 < CAP_NAME; i++) {
        name[used++] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
        if (used == sizeof prefix - 1 && i + 1 == used && !memcmp(name, prefix, used))
            used = 0;
    }
    name[used] = '\0';
}

int caps_parse(const struct verb *verb, const char *as, const char *list, uint32_t *caps)
{
    *caps = 0;
    if (as && list)
        return args_usage(verb, "--as and --caps exclude each other");
    if (as && !(*caps = find(levels, as)))
        return args_usage(verb, "--as %s: root, bpf or guest", as);
    for (const char *at = list; at && *at;) {
        size_t length = strcspn(at, ",");
        char name[CAP_NAME];
        uint32_t cap;

        plain_name(at, length, name);
        cap = find(names, name);
        if (!cap)
            return args_usage(verb, "--caps %.*s: bpf, perfmon, net_admin, sys_admin or none",
                              (int)length, at);
        *caps |= cap;
        at += length + (at[length] == ',');
    }
    if (list && !*caps)
        *caps = SKEP_CAP_NONE;
    return CLI_YES;
}
