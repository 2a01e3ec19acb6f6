/* replay.c - a fuzz target without a fuzzer: every seed, every prefix step of it, and a fixed
 * number of mutations.
 *
 * Usage: replay NAME FOLDER. The mutations come from a counter, so a failure repeats; it runs where
 * libFuzzer does not (gcc, mingw-w64, qemu). Without seeds the target gets inputs made of the
 * counter alone.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEED_MAX = 1 << 20, MUTATIONS = 300, PREFIXES = 40 };

struct replay {
    uint64_t state;
    unsigned long long runs;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct replay *r)
{
    uint64_t x = (r->state += 0x9e3779b97f4a7c15u);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The input lies in an allocation of exactly its size, so that a read past its end is seen. */
static void run(struct replay *r, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        return;
    if (size)
        memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    r->runs++;
}

static size_t mutate(struct replay *r, uint8_t *bytes, size_t size)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    size_t edits = 1 + next(r) % 4;
    for (size_t i = 0; i < edits && size; i++) {
        size_t at = next(r) % size;
        switch (next(r) % 5) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << next(r) % 8);
            break;
        case 1:
            bytes[at] = edges[next(r) % sizeof edges];
            break;
        case 2:
            memset(bytes + at, 0xff, size - at < 4 ? size - at : 4);
            break;
        case 3: {
            size_t from = next(r) % size, most = size - (at > from ? at : from);
            memmove(bytes + at, bytes + from, next(r) % (most < 64 ? most + 1 : 65));
            break;
        }
        default:
            size = at;
        }
    }
    return size;
}

static void replay_seed(struct replay *r, const uint8_t *seed, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return;
    run(r, seed, size);
    for (size_t i = 0; i < PREFIXES; i++)
        run(r, seed, size * i / PREFIXES);
    for (int i = 0; i < MUTATIONS; i++) {
        if (size)
            memcpy(copy, seed, size);
        run(r, copy, mutate(r, copy, size));
    }
    free(copy);
}

static int replay_file(struct replay *r, const char *path, uint8_t *room)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "replay: %s: cannot be opened\n", path);
        return 1;
    }
    replay_seed(r, room, fread(room, 1, SEED_MAX, file));
    fclose(file);
    return 0;
}

int main(int argc, char **argv)
{
    struct replay r = {.state = 1};
    int bad = 0, seeds = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: replay NAME FOLDER\n");
        return 2;
    }
    uint8_t *room = calloc(1, SEED_MAX);
    if (!room)
        return 2;
    DIR *folder = opendir(argv[2]);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[1024];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[2], entry->d_name);
        bad |= replay_file(&r, path, room);
        seeds++;
    }
    if (folder)
        closedir(folder);
    for (int i = 0; i < MUTATIONS && !seeds; i++) {
        size_t size = next(&r) % 512;
        for (size_t k = 0; k < size; k++)
            room[k] = (uint8_t)next(&r);
        run(&r, room, size);
    }
    printf("%s: %d seeds, %llu inputs\n", argv[1], seeds, r.runs);
    free(room);
    return bad;
}
