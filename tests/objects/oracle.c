/* oracle.c - our linked instructions against those of libbpf's own loader, object by object.
 *
 *     oracle [--btf FILE] OBJECT...
 *
 * libbpf links an object on its way into the kernel; whether the kernel then takes the programs does not matter here.
 * The two streams must agree instruction by instruction. References to maps are compared by map: libbpf has file
 * descriptors where we have indices. Entry points that are local symbols, which libbpf refuses, are made global in what
 * it gets, and pinning modes that it does not know become one that it does. Objects that libbpf cannot open or whose maps the kernel refuses are passed over
 * and counted. Exit 0: all that could be compared agree; 1: not; 77: nothing could be compared.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <elf.h>

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <skep/object.h>

#include "btf/btf.h"

struct count {
    unsigned programs, insns, differ, skipped;
};

/* libbpf's messages, with ORACLE_VERBOSE in the environment. */
static int print(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level != LIBBPF_DEBUG && getenv("ORACLE_VERBOSE"))
        return vfprintf(stderr, format, args);
    return 0;
}

struct pairs { /* which of our maps goes with which descriptor */
    int fd[256];
    unsigned map[256], count;
};

static int same_map(struct pairs *pairs, int fd, unsigned map)
{
    for (unsigned i = 0; i < pairs->count; i++)
        if (pairs->fd[i] == fd || pairs->map[i] == map)
            return pairs->fd[i] == fd && pairs->map[i] == map;
    if (pairs->count == 256)
        return 0;
    pairs->fd[pairs->count] = fd;
    pairs->map[pairs->count++] = map;
    return 1;
}

static int same_insn(const struct skep_image *image, unsigned at, const struct bpf_insn *theirs,
                     struct pairs *pairs)
{
    const struct skep_insn *ours = image->insns + at;
    unsigned source = SKEP_INSN_SRC(ours);

    if (ours->code != theirs->code || SKEP_INSN_DST(ours) != theirs->dst_reg)
        return 0;
    if (ours->code == 0x18 &&
        (source == SKEP_PSEUDO_MAP_IDX || source == SKEP_PSEUDO_MAP_IDX_VALUE))
        return theirs->src_reg == source - 4 && ours[1].imm == theirs[1].imm &&
               same_map(pairs, theirs->imm, image->maps[ours->imm]);
    /* Kernel symbols: libbpf has looked up what we leave to the engine. */
    if ((ours->code == 0x18 && source == SKEP_PSEUDO_BTF_ID) ||
        (ours->code == 0x85 && source == SKEP_PSEUDO_KFUNC_CALL))
        return 1;
    return theirs->src_reg == source && ours->off == theirs->off && ours->imm == theirs->imm;
}

static void compare(const char *path, struct skep_object *obj, struct bpf_object *oracle,
                    struct count *count)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err = {.size = sizeof err};
    struct pairs pairs = {.count = 0};

    for (size_t i = 0; !skep_object_prog(obj, i, &def); i++) {
        struct bpf_program *prog = bpf_object__find_program_by_name(oracle, def.name);
        struct skep_image image = {.size = sizeof image};
        const struct bpf_insn *theirs;
        unsigned at;

        if (!prog || !def.autoload)
            continue;
        if (skep_object_image(obj, i, &image, &err)) {
            printf("%s: %s: %s\n", path, def.name, err.text);
            count->differ++;
            continue;
        }
        theirs = bpf_program__insns(prog);
        if (bpf_program__insn_cnt(prog) != image.insn_count) {
            printf("%s: %s: %u instructions, libbpf has %zu\n", path, def.name, image.insn_count,
                   bpf_program__insn_cnt(prog));
            count->differ++;
            continue;
        }
        for (at = 0; at < image.insn_count && same_insn(&image, at, theirs + at, &pairs); at++)
            if (image.insns[at].code == 0x18)
                at++;
        if (at < image.insn_count) {
            printf("%s: %s: insn %u: %02x %02x %d %d, libbpf has %02x %x%x %d %d\n", path, def.name,
                   at, image.insns[at].code, image.insns[at].regs, image.insns[at].off,
                   image.insns[at].imm, theirs[at].code, theirs[at].src_reg, theirs[at].dst_reg,
                   theirs[at].off, theirs[at].imm);
            count->differ++;
            continue;
        }
        count->programs++;
        count->insns += image.insn_count;
    }
}

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    long length;

    if (file && !fseek(file, 0, SEEK_END) && (length = ftell(file)) > 0 &&
        !fseek(file, 0, SEEK_SET)) {
        *size = (size_t)length;
        bytes = malloc(*size);
        if (bytes && fread(bytes, 1, *size, file) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (file)
        fclose(file);
    return bytes;
}

/* Local functions outside of .text become global. The file is one that we have opened: its tables are sound. */
static void globalize(unsigned char *bytes)
{
    Elf64_Ehdr header;
    Elf64_Shdr sections[512], *names;

    memcpy(&header, bytes, sizeof header);
    if (header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_shnum > 512)
        return;
    memcpy(sections, bytes + header.e_shoff, header.e_shnum * sizeof *sections);
    names = sections + header.e_shstrndx;
    for (unsigned i = 0; i < header.e_shnum; i++)
        for (size_t at = 0; sections[i].sh_type == SHT_SYMTAB && at < sections[i].sh_size;
             at += sizeof(Elf64_Sym)) {
            unsigned char *place = bytes + sections[i].sh_offset + at;
            Elf64_Sym symbol;

            memcpy(&symbol, place, sizeof symbol);
            if (symbol.st_info != ELF64_ST_INFO(STB_LOCAL, STT_FUNC) ||
                symbol.st_shndx >= header.e_shnum ||
                strcmp((char *)bytes + names->sh_offset + sections[symbol.st_shndx].sh_name,
                       ".text") == 0)
                continue;
            symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
            memcpy(place, &symbol, sizeof symbol);
        }
}

/* The id of a pointer to an array of `count`, which is how BTF says a number; 0: there is none. */
static uint32_t number_type(const struct skep_btf *btf, uint32_t count)
{
    for (uint32_t id = btf_next(btf, BTF_MASK(BTF_PTR), 0); id;
         id = btf_next(btf, BTF_MASK(BTF_PTR), id))
        if (btf_is(btf, btf_ref(btf, id), BTF_MASK(BTF_ARRAY)) &&
            btf_elements_of(btf, btf_ref(btf, id)).count == count)
            return id;
    return 0;
}

/* Pinning modes that libbpf does not know (cilium's) become the one that it knows. */
static void tame_pinning(unsigned char *bytes, size_t size, const struct skep_btf *btf)
{
    uint32_t one = btf ? number_type(btf, 1) : 0, header;
    const uint8_t *section;
    size_t length;

    if (!one || btf_section(bytes, size, ".BTF", &section, &length, NULL) || length < 24)
        return;
    memcpy(&header, section + 4, sizeof header);
    for (uint32_t id = btf_next(btf, BTF_MASK(BTF_STRUCT), 0); id;
         id = btf_next(btf, BTF_MASK(BTF_STRUCT), id))
        for (uint32_t i = 0; i < btf_length(btf, id); i++) {
            size_t word = btf->at[id] - 3 + 3 + i * 3 + 1; /* words begin with three of void's */

            if (strcmp(btf_field_at(btf, id, i).name, "pinning") == 0)
                memcpy(bytes + (section - bytes) + header + word * 4, &one, sizeof one);
        }
}

static int is_linked(const struct bpf_object *oracle)
{
    struct bpf_program *prog;

    /* Where the kernel refuses a map nothing is linked: wide loads still lack the mark that they load one. */
    bpf_object__for_each_program(prog, oracle)
    {
        const struct bpf_insn *insns = bpf_program__insns(prog);

        for (size_t i = 0; i < bpf_program__insn_cnt(prog); i++)
            if (insns[i].code == 0x18 && insns[i].src_reg)
                return 1;
    }
    return 0;
}

static void judge(const char *path, const char *btf_path, const struct skep_btf *btf,
                  struct count *count)
{
    LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path, .relaxed_maps = true);
    struct skep_link_opts link = {.size = sizeof link, .btf = btf};
    struct skep_error err = {.size = sizeof err};
    struct skep_map_def def = {.size = sizeof def};
    struct bpf_object *oracle = NULL;
    struct skep_object *obj = NULL;
    unsigned char *bytes = NULL;
    struct bpf_program *prog;
    struct bpf_map *map;
    unsigned before;
    size_t size;

    if (skep_object_open(path, &obj, &err) || skep_object_link(obj, &link, &err)) {
        printf("%s: %s\n", path, err.text);
        count->differ++;
        goto out;
    }
    bytes = read_file(path, &size);
    if (bytes) {
        globalize(bytes);
        tame_pinning(bytes, size, skep_object_btf(obj));
    }
    oracle = bytes ? bpf_object__open_mem(bytes, size, &opts) : NULL;
    if (!oracle) {
        count->skipped++;
        goto out;
    }
    bpf_object__for_each_program(prog, oracle)
    {
        if (bpf_program__type(prog) == BPF_PROG_TYPE_UNSPEC)
            bpf_program__set_type(prog, BPF_PROG_TYPE_SCHED_CLS);
    }
    bpf_object__for_each_map(map, oracle)
    { /* no traces in the system */
        bpf_map__set_pin_path(map, NULL);
    }
    if (bpf_object__load(oracle) && !skep_object_map(obj, 0, &def) && !is_linked(oracle)) {
        count->skipped++;
        goto out;
    }
    before = count->programs + count->differ;
    compare(path, obj, oracle, count);
    if (before == count->programs + count->differ)
        count->skipped++;
out:
    skep_object_free(obj);
    bpf_object__close(oracle);
    free(bytes);
}

int main(int argc, char **argv)
{
    struct skep_btf *btf = NULL;
    const char *btf_path = NULL;
    struct count count = {0};
    int first = 1;

    libbpf_set_print(print);
    if (argc > 2 && strcmp(argv[1], "--btf") == 0) {
        btf_path = argv[2];
        first = 3;
        if (skep_btf_open(btf_path, &btf, NULL)) {
            fprintf(stderr, "oracle: %s cannot be read\n", btf_path);
            return 2;
        }
    }
    for (int i = first; i < argc; i++)
        judge(argv[i], btf_path, btf, &count);
    skep_btf_free(btf);
    printf("%u programs, %u instructions agree with libbpf; %u differ; %u objects passed over\n",
           count.programs, count.insns, count.differ, count.skipped);
    return count.differ ? 1 : count.programs ? 0 : 77;
}
