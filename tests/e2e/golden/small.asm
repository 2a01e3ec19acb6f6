// small.asm - what the tests of asm and disasm read
start:
    r0 = 2
    r1 = 0x1122334455667788 ll
    if r1 > 0x5 goto +1
    r2 = *(u32 *)(r10 - 8) ; a comment
    lock *(u64 *)(r10 - 0x10) += r0
    if r0 == 0 goto start
    call 1
    exit
