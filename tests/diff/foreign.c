/* foreign.c - objects made by others, opened and linked by skep and handed to the running kernel: its verifier must say of each
 * program what it said when libbpf loaded it, and why (verdicts.tsv of the shared test data). So our relocations meet libbpf's.
 *
 *     diff-foreign [FOLDER]      of the objects and their verdicts.tsv; default: objects in $SKEP_SHARED, else ../shared
 *
 * Exit 0: the same verdicts; 1: others. Without test data, or where bpf(2) is refused, all is skipped.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>
#include <skep/kernel.h>

enum { OBJECT, SECTION, FUNCTION, INSNS, TYPE, VERDICT, PROCESSED, MILLIS, JITED, REASON, COLUMNS };
enum { ROWS = 128, LINE = 2048 };

struct row {
    char *columns[COLUMNS];
};

static int split(char *line, struct row *row)
{
    int count = 0;

    line[strcspn(line, "\r\n")] = 0;
    while (count < COLUMNS) {
        row->columns[count++] = line;
        line = strchr(line, '\t');
        if (!line)
            break;
        *line++ = 0;
    }
    while (count < COLUMNS)
        row->columns[count++] = (char *)"";
    return row->columns[VERDICT][0] != 0;
}

/* The program of the row: by function within its section, else by section. */
static int find_program(const struct skep_object *object, const struct row *row,
                        struct skep_prog_def *def)
{
    int best = -SKEP_ENOENT;

    for (size_t i = 0;; i++) {
        struct skep_prog_def at = {.size = sizeof at};

        if (skep_object_prog(object, i, &at) < 0)
            return best;
        if (strcmp(at.section, row->columns[SECTION]) != 0)
            continue;
        if (strcmp(at.name, row->columns[FUNCTION]) == 0) {
            *def = at;
            return 0;
        }
        if (best < 0) {
            *def = at;
            best = 0;
        }
    }
}

/* The type was a guess: it holds for every program of the object, as those it tail-calls must be of its type. */
static int set_types(struct skep_object *object, const char *guess, struct skep_error *err)
{
    size_t length = strlen(guess);
    char type[64];
    int number;

    if (!length || length >= sizeof type || guess[length - 1] != '?')
        return 0;
    memcpy(type, guess, length - 1);
    type[length - 1] = 0;
    number = skep_prog_type_number(type);
    if (number < 0)
        return number;
    for (size_t i = 0;; i++) {
        struct skep_prog_def def = {.size = sizeof def};
        int code;

        if (skep_object_prog(object, i, &def) < 0)
            return 0;
        def.type = (uint32_t)number;
        def.attach_type = 0;
        code = skep_object_set_prog(object, &def, err);
        if (code < 0)
            return code;
    }
}

/* 0: accepted; else a code with err. */
static int verdict(struct skep_runtime *runtime, const char *path, const struct row *row,
                   struct skep_error *err)
{
    struct skep_collection *collection = NULL;
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_load_opts opts = {.size = sizeof opts};
    struct skep_object *object = NULL;
    int code = skep_object_open(path, &object, err);

    if (code < 0)
        return code;
    code = set_types(object, row->columns[TYPE], err);
    if (code < 0)
        goto out;
    code = find_program(object, row, &def);
    if (code < 0) {
        snprintf(err->text, sizeof err->text, "no program %s in section %s", row->columns[FUNCTION],
                 row->columns[SECTION]);
        goto out;
    }
    def.autoload = 1;
    code = skep_object_set_prog(object, &def, err);
    opts.prog = def.name;
    if (code == 0)
        code = skep_load(runtime, object, &opts, &collection, err);
out:
    skep_collection_unref(collection);
    skep_object_free(object);
    return code;
}

/* -- all rows of one object -------------------------------------------------------------------- */

struct group {
    struct row rows[ROWS];
    char lines[ROWS][LINE];
    unsigned count;
};

static bool has_row(const struct group *group, const struct skep_prog_def *def)
{
    for (unsigned i = 0; i < group->count; i++)
        if (strcmp(group->rows[i].columns[FUNCTION], def->name) == 0 &&
            strcmp(group->rows[i].columns[SECTION], def->section) == 0)
            return true;
    return false;
}

/* Where every row says ACCEPT, the object may go in at once, which is much faster. False: it did not. */
static bool accept_all(struct skep_runtime *runtime, const char *path, const struct group *group)
{
    struct skep_collection *collection = NULL;
    struct skep_object *object = NULL;
    unsigned wanted = 0;
    bool is_good = false;

    for (unsigned i = 0; i < group->count; i++)
        if (strcmp(group->rows[i].columns[VERDICT], "ACCEPT") != 0 ||
            strcmp(group->rows[i].columns[TYPE], group->rows[0].columns[TYPE]) != 0)
            return false;
    if (skep_object_open(path, &object, NULL) < 0 ||
        set_types(object, group->rows[0].columns[TYPE], NULL) < 0)
        goto out;
    for (size_t i = 0;; i++) {
        struct skep_prog_def def = {.size = sizeof def};

        if (skep_object_prog(object, i, &def) < 0)
            break;
        def.autoload = has_row(group, &def);
        wanted += def.autoload;
        if (skep_object_set_prog(object, &def, NULL) < 0)
            goto out;
    }
    is_good = wanted == group->count && skep_load(runtime, object, NULL, &collection, NULL) == 0;
out:
    skep_collection_unref(collection);
    skep_object_free(object);
    return is_good;
}

/* The table holds the last line of the log, now and then with statistics behind it. */
static bool has_reason(const char *text, char *reason)
{
    char *statistics = strstr(reason, "verification time");

    if (statistics)
        *statistics = 0;
    return strstr(text, reason) != NULL;
}

static void judge(struct skep_runtime *runtime, const char *folder, struct group *group,
                  unsigned *total, unsigned *same)
{
    char path[1024];
    bool is_quick;

    if (!group->count)
        return;
    snprintf(path, sizeof path, "%s%s", folder, group->rows[0].columns[OBJECT]);
    is_quick = accept_all(runtime, path, group);
    for (unsigned i = 0; i < group->count; i++) {
        struct row *row = &group->rows[i];
        struct skep_error err = {.size = sizeof err};
        int code = is_quick ? 0 : verdict(runtime, path, row, &err);
        bool is_same = strcmp(row->columns[VERDICT], "ACCEPT") == 0
                           ? code == 0
                           : code == -SKEP_EVERIFY && has_reason(err.text, row->columns[REASON]);

        *total += 1;
        *same += is_same;
        printf("%s %u - %s %s %s: %s%s%s\n", is_same ? "ok" : "not ok", *total,
               row->columns[OBJECT], row->columns[SECTION], row->columns[FUNCTION],
               row->columns[VERDICT], code ? ", here: " : "", code ? err.text : "");
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct group group; /* one thread */
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime_opts opts = {.size = sizeof opts, .backend = skep_kernel_backend()};
    struct skep_runtime *runtime = NULL;
    unsigned total = 0, same = 0;
    const char *shared = getenv("SKEP_SHARED");
    char folder[512], line[LINE];
    FILE *file;

    if (argc > 2) {
        fprintf(stderr, "usage: diff-foreign [FOLDER]\n");
        return 2;
    }
    if (argc == 2)
        snprintf(folder, sizeof folder, "%s/", argv[1]);
    else
        snprintf(folder, sizeof folder, "%s/objects/", shared ? shared : "../shared");
    snprintf(line, sizeof line, "%.500sverdicts.tsv", folder);
    file = fopen(line, "r");
    if (!file) {
        printf("1..0 # SKIP no test data at %s (SKEP_SHARED says where it is)\n", line);
        return 0; /* TAP has said it */
    }
    if (skep_runtime_create(&opts, &runtime, &err) < 0) {
        printf("1..0 # SKIP %s\n", err.text);
        fclose(file);
        return 0; /* TAP has said it */
    }
    for (unsigned number = 0; fgets(line, sizeof line, file); number++) {
        struct row row;
        char copy[LINE];

        memcpy(copy, line, sizeof copy);
        if (number == 0 || !split(copy, &row)) /* the heading */
            continue;
        if (group.count == ROWS ||
            (group.count && strcmp(group.rows[0].columns[OBJECT], row.columns[OBJECT]) != 0)) {
            judge(runtime, folder, &group, &total, &same);
            group.count = 0;
        }
        memcpy(group.lines[group.count], line, sizeof line);
        split(group.lines[group.count], &group.rows[group.count]);
        group.count++;
    }
    judge(runtime, folder, &group, &total, &same);
    printf("1..%u\n", total);
    fprintf(stderr, "%u programs, %u verdicts as libbpf's\n", total, same);
    fclose(file);
    skep_runtime_unref(runtime);
    return same == total ? 0 : 1;
}
