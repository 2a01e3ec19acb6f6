/* show.h - the forms in which a report prints. `flags`: SKEP_REPORT_*. */
#ifndef VERIFY_SHOW_H
#define VERIFY_SHOW_H

#include <stdint.h>

#include "base/text.h"

struct skep_report;

void show_human(const struct skep_report *, uint32_t flags, struct text *);
void show_github(const struct skep_report *, uint32_t flags, struct text *);
void show_json(const struct skep_report *, uint32_t flags, struct text *);
void show_sarif(const struct skep_report *, uint32_t flags, struct text *);

#endif
