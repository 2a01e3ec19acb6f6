/* value.h - values of BTF types: made from JSON, added up over CPUs. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <skep/btf.h>

/* Fill `bytes` (already zeroed, in the host's byte order) from JSON. false: `why` says what is wrong and where in the
 * value, as ".addr[2]: 300 does not fit into 8 bits". */
bool value_from_json(const struct skep_btf *, uint32_t type, const cJSON *json, uint8_t *bytes,
                     size_t size, char *why, size_t room);
/* The same for a type that is not known: an array of byte strings as bpftool prints (["0x01","0x00"]), or a number or
 * numeric string for sizes of 1, 2, 4 and 8 bytes. */
bool value_from_raw(const cJSON *json, uint8_t *bytes, size_t size, char *why, size_t room);
/* Whether JSON is bpftool's array of byte strings; such an array must have `size` of them to be taken. */
bool value_is_bytes(const cJSON *json);

/* Add `bytes` to `sum`: whole numbers add up, of anything else the first that is not zero stays. */
void value_add(const struct skep_btf *, uint32_t type, uint8_t *sum, const uint8_t *bytes,
               size_t size);
/* Whether values of the type are one number or name (int, enum, float, pointer), not a struct or array. */
bool value_is_scalar(const struct skep_btf *, uint32_t type);

#endif
