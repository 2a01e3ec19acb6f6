/* caps.h - --as and --caps: who loads the program, in capabilities(7). */
#ifndef CLI_CAPS_H
#define CLI_CAPS_H

#include "cli.h"

/* SKEP_CAP_* of "root", "bpf", "guest" or of a list as "bpf,net_admin"; 0 if both are NULL. Complains by itself; returns an
 * exit code. */
int caps_parse(const struct verb *, const char *as, const char *list, uint32_t *caps);

#endif
