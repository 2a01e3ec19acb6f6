/* kernel.c - foreign objects, linked by us and given to Linux by the kernel backend, get the verdicts that Linux gave
 * when their own loaders brought them.
 *
 * Rows of $SKEP_SHARED/objects/verdicts.tsv; skipped (77) where they are absent or the system does not allow bpf(2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>
#include <skep/kernel.h>

enum { COLUMNS = 6, MOST_ROWS = 1000 };
enum { OBJECT, SECTION, FUNCTION, INSNS, TYPE, VERDICT };

static int is_wanted(const struct skep_prog_def *def, char *const *row)
{
    if (strcmp(def->section, row[SECTION]) != 0)
        return 0;
    return strcmp(row[FUNCTION], row[SECTION]) == 0 || strcmp(def->name, row[FUNCTION]) == 0;
}

/* Give types where sections say none, as a user does with --type; the name of the row's program. */
static const char *prepare(struct skep_object *obj, char *const *row)
{
    struct skep_prog_def def = {.size = sizeof def};
    const char *name = NULL;

    row[TYPE][strcspn(row[TYPE], "?")] = '\0';
    for (size_t i = 0; !skep_object_prog(obj, i, &def); i++) {
        int wanted = is_wanted(&def, row);

        if (wanted)
            name = def.name;
        if (!wanted && def.is_type_known)
            continue;
        def.type = (uint32_t)skep_prog_type_number(row[TYPE]);
        def.autoload = 1;
        (void)skep_object_set_prog(obj, &def, NULL);
    }
    return name;
}

/* 1: as recorded. */
static int judge(struct skep_runtime *runtime, const char *folder, char *const *row)
{
    struct skep_load_opts opts = {.size = sizeof opts};
    struct skep_error err = {.size = sizeof err};
    struct skep_collection *collection = NULL;
    struct skep_object *obj;
    char path[512];
    int code;

    snprintf(path, sizeof path, "%s/%s", folder, row[OBJECT]);
    code = skep_object_open(path, &obj, &err);
    if (code) {
        printf("%s: %s\n", path, err.text);
        return 0;
    }
    opts.prog = prepare(obj, row);
    code = skep_load(runtime, obj, &opts, &collection, &err);
    skep_collection_unref(collection);
    skep_object_free(obj);
    if ((code == 0) == (strcmp(row[VERDICT], "ACCEPT") == 0))
        return 1;
    printf("%s: %s: %s, but now %s: %s\n", row[OBJECT], row[FUNCTION], row[VERDICT],
           code ? err.subject : "accepted", code ? err.text : "");
    return 0;
}

struct rows {
    char *lines[MOST_ROWS], *fields[MOST_ROWS][COLUMNS];
    size_t count;
};

static int read_rows(FILE *file, struct rows *rows)
{
    char line[4096];

    if (!fgets(line, sizeof line, file)) /* titles */
        return 0;
    while (fgets(line, sizeof line, file) && rows->count < MOST_ROWS) {
        char *at = strdup(line);

        if (!at)
            return 0;
        rows->lines[rows->count] = at;
        for (int i = 0; i < COLUMNS; i++) {
            rows->fields[rows->count][i] = at;
            at += strcspn(at, "\t\n");
            if (*at)
                *at++ = '\0';
        }
        rows->count++;
    }
    return rows->count > 0;
}

/* All programs of an object at once, which saves verifying what they tail-call again and again: 1 if they were all
 * accepted, as recorded. */
static int judge_whole(struct skep_runtime *runtime, const char *folder, const struct rows *rows,
                       size_t first, size_t end)
{
    struct skep_collection *collection = NULL;
    struct skep_object *obj;
    char path[512];
    int code = 0;

    for (size_t i = first; i < end; i++)
        if (strcmp(rows->fields[i][VERDICT], "ACCEPT") != 0)
            return 0;
    snprintf(path, sizeof path, "%s/%s", folder, rows->fields[first][OBJECT]);
    if (skep_object_open(path, &obj, NULL))
        return 0;
    for (size_t i = first; i < end; i++) {
        struct skep_prog_def def = {.size = sizeof def};
        char type[64];
        size_t k = 0;

        snprintf(type, sizeof type, "%.*s", (int)strcspn(rows->fields[i][TYPE], "?"),
                 rows->fields[i][TYPE]);
        while (!skep_object_prog(obj, k, &def) && !is_wanted(&def, rows->fields[i]))
            k++;
        def.type = (uint32_t)skep_prog_type_number(type);
        def.autoload = 1;
        code |= skep_object_set_prog(obj, &def, NULL);
    }
    if (!code)
        code = skep_load(runtime, obj, NULL, &collection, NULL);
    skep_collection_unref(collection);
    skep_object_free(obj);
    return code == 0;
}

static int judge_all(struct skep_runtime *runtime, const char *folder, const struct rows *rows)
{
    size_t same = 0;

    for (size_t first = 0, end; first < rows->count; first = end) {
        for (end = first + 1; end < rows->count; end++)
            if (strcmp(rows->fields[end][OBJECT], rows->fields[first][OBJECT]) != 0)
                break;
        if (judge_whole(runtime, folder, rows, first, end)) {
            same += end - first;
            continue;
        }
        for (size_t i = first; i < end; i++)
            same += (size_t)judge(runtime, folder, rows->fields[i]);
    }
    printf("%zu programs have the verdicts that were recorded, %zu others\n", same,
           rows->count - same);
    return same != rows->count;
}

int main(void)
{
    struct skep_runtime_opts opts = {.size = sizeof opts, .backend = skep_kernel_backend()};
    const char *shared = getenv("SKEP_SHARED");
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime *runtime;
    static struct rows rows;
    char folder[256], path[512];
    FILE *file;
    int result;

    snprintf(folder, sizeof folder, "%s/objects", shared && *shared ? shared : "../shared");
    snprintf(path, sizeof path, "%s/verdicts.tsv", folder);
    file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "kernel: %s is not there: skipped\n", path);
        return 77;
    }
    if (skep_runtime_create(&opts, &runtime, &err)) {
        fprintf(stderr, "kernel: %s: skipped\n", err.text);
        fclose(file);
        return 77;
    }
    result = read_rows(file, &rows) ? judge_all(runtime, folder, &rows) : 1;
    for (size_t i = 0; i < rows.count; i++)
        free(rows.lines[i]);
    skep_runtime_unref(runtime);
    fclose(file);
    return result;
}
