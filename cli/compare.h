/* compare.h - what changed against an earlier `skep verify --format json`. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include <stdio.h>

#include "cli.h"
#include <skep/verify.h>

struct compare; /* an earlier document */

/* Complains by itself; returns an exit code. */
int compare_read(const char *path, struct compare **out);
void compare_free(struct compare *);
/* One line per program. Returns how many are rejected that were accepted or not there before. */
size_t compare_show(const struct compare *, const struct skep_report *, FILE *out);

#endif
