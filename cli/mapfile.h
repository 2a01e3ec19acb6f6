/* mapfile.h - `--map NAME=F.json`: what a map holds before the first run, as `bpftool map dump -j` prints it. */
#ifndef CLI_MAPFILE_H
#define CLI_MAPFILE_H

#include "load.h"

struct mapfile;

/* Read the file of "NAME=F.json" ("NAME=-": standard input). Complains by itself; returns an exit code. */
int mapfile_read(const char *argument, struct mapfile **out);
void mapfile_free(struct mapfile *);
const char *mapfile_map(const struct mapfile *);
/* Whether a row's value is that string: a program that this file puts into a prog array. */
bool mapfile_names(const struct mapfile *, const char *value);
/* Fill the live map. Complains by itself; returns an exit code. */
int mapfile_apply(const struct mapfile *, const struct loaded *);

#endif
