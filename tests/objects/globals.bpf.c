/* globals.bpf.c - variables of every section, shared, static and hidden. */
#include "sample.h"

enum mode { MODE_PASS = 3, MODE_DROP = -7 };
struct config {
    u16 port;
    u8 flag : 3, rest : 5;
    u32 address;
    s64 limits[3];
};

u32 counter = 7;
static volatile u64 hidden_counter = 9;
u64 zero;
static u32 static_zero;
char name[16] = "eth0";
_Bool enabled = 1;
s32 negative = -5;
enum mode mode = MODE_PASS;
struct config config = {80, 1, 2, 0x01020304, {1, -2, 3}};
const volatile u32 limit = 1000;
const volatile struct config constant = {443, 0, 0, 0, {9}};
volatile u32 custom SEC(".data.custom") = 11;
const volatile u32 rocustom SEC(".rodata.custom") = 12;
u32 zcustom SEC(".bss.custom");
HIDDEN u32 quiet = 4;

SEC("xdp") int entry(struct xdp_md *ctx)
{
    static u32 calls;

    calls++;
    counter += limit + rocustom;
    hidden_counter++;
    zero += static_zero++;
    custom++;
    zcustom = calls + quiet++;
    config.limits[2] += constant.limits[0];
    if (enabled && name[0] == 'e' && mode == MODE_PASS)
        negative--;
    return 2;
}

char _license[] SEC("license") = "Dual BSD/GPL";
u32 _version SEC("version") = 0x50607;
