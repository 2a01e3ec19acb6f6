/* maps.h - what live maps hold, shown after a run: as text with BTF types, and as bpftool's JSON rows. */
#ifndef CLI_MAPS_H
#define CLI_MAPS_H

#include "json.h"
#include "load.h"

/* Maps and globals that hold something, at most a few rows each. */
void maps_text(FILE *out, const struct loaded *);
/* The member "maps": {name: [rows of `bpftool map dump -j`]}. */
void maps_json(struct json *, const struct loaded *);

#endif
