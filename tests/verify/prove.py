#!/usr/bin/python3
"""prove.py [SCALARS] - proofs, by z3, that src/verify/tnum.c and range*.c are sound.

The formulas below mirror the C: the same names, the same steps, on bit vectors. SCALARS is the program built from scalars.c,
which prints what the C yields for random operands; the formulas must agree with it, or else what is proven is not what runs.
Numbers have 64 bits, but those of multiplication, which the solver is not good at, 8.
Prints one line for a theorem and 'N passed, N failed'. Exits 77 where z3 is missing (Debian: python3-z3).
"""
import subprocess
import sys

try:
    from z3 import (UGE, UGT, ULE, ULT, And, BitVec, BitVecVal, BoolVal, Concat, Extract, If, Implies, LShR, Not, Or, SignExt,
                    Solver, ZeroExt, is_true, sat, simplify, unsat)
except ImportError:
    print('prove.py: z3 is missing (Debian: apt install python3-z3); skipped')
    sys.exit(77)

TIMEOUT_MS = 20000
passed = failed = 0


def theorem(name, *parts):
    """parts: what is assumed, then what follows."""
    global passed, failed
    solver = Solver()
    solver.set('timeout', TIMEOUT_MS)
    solver.add(*parts[:-1])
    solver.add(Not(parts[-1]))
    answer = solver.check()
    if answer == unsat:
        passed += 1
        print('proven', name)
    else:
        failed += 1
        print('FAILED', name, solver.model() if answer == sat else answer)
    sys.stdout.flush()


def num(value, bits=64):
    return BitVecVal(value, bits)


SIGN64, SIGN32 = num(1 << 63), num(1 << 31)
LOW = num(0xffffffff)


# -- tnum.c, tnum.h: a tnum is a pair (value, mask) ------------------------------------------------------------------------
def smear(x):  # UINT64_MAX >> clz(x), 0 of 0
    bits = x.size()
    step = 1
    while step < bits:
        x = x | LShR(x, step)
        step *= 2
    return x


def make(value, unknown):
    return value & ~unknown, unknown


def tnum_range(low, high):
    return make(low, smear(low ^ high))


def tnum_add(a, b):
    least = a[0] + b[0]
    greatest = least + a[1] + b[1]
    return make(least, (least ^ greatest) | a[1] | b[1])


def tnum_sub(a, b):
    known = a[0] - b[0]
    return make(known, ((known + a[1]) ^ (known - b[1])) | a[1] | b[1])


def tnum_neg(a):
    zero = num(0, a[0].size())
    return tnum_sub((zero, zero), a)


def tnum_and(a, b):
    ones = a[0] & b[0]
    return ones, (a[0] | a[1]) & (b[0] | b[1]) & ~ones


def tnum_or(a, b):
    ones = a[0] | b[0]
    return ones, (a[1] | b[1]) & ~ones


def tnum_xor(a, b):
    return make(a[0] ^ b[0], a[1] | b[1])


def tnum_union(a, b):
    return make(a[0], a[1] | b[1] | (a[0] ^ b[0]))


def tnum_mul(a, b):
    bits = a[0].size()
    total = num(0, bits), num(0, bits)
    for i in range(bits):
        part = b[0] << i, b[1] << i
        added = tnum_add(total, part)
        both = tnum_union(total, added)
        one, maybe = Extract(i, i, a[0]) == 1, Extract(i, i, a[1]) == 1
        # The loop's early end: nothing is known from the lowest bit on that is added.
        possible = part[0] | part[1]
        ended = And(Or(one, maybe), ~total[1] & -(possible & -possible) == 0)
        total = tuple(If(ended, t, If(one, w, If(maybe, u, t))) for t, w, u in zip(total, added, both))
    return total


def tnum_lsh(a, n):
    return a[0] << n, a[1] << n


def tnum_rsh(a, n):
    return LShR(a[0], n), LShR(a[1], n)


def tnum_arsh(a, n):
    return a[0] >> n, a[1] >> n


def tnum_arsh32(a, n):
    n = Extract(31, 0, n)
    return tuple(ZeroExt(32, Extract(31, 0, x) >> n) for x in a)


def tnum_cast(a, size):
    kept = num((1 << size * 8) - 1)
    return a[0] & kept, a[1] & kept


def bswap(x):
    return Concat(*[Extract(i * 8 + 7, i * 8, x) for i in range(8)])


def tnum_bswap(a, size):
    return tuple(bswap(x << (64 - size * 8)) for x in a)


def tnum_intersect(a, b):
    return make(a[0] | b[0], a[1] & b[1])


def tnum_overlap(a, b):
    return (a[0] ^ b[0]) & ~a[1] & ~b[1] == 0


def tnum_has(a, x):
    return (a[0] ^ x) & ~a[1] == 0


def tnum_in(a, b):
    return And(b[1] & ~a[1] == 0, tnum_has(a, b[0]))


def tnum_next(a, start):
    wrong = (start ^ a[0]) & ~a[1]
    below = smear(wrong)
    zeros = a[1] & ~start & ~below
    one = zeros & -zeros
    return If(wrong == 0, start,
              If(a[0] & below & ~LShR(below, 1) != 0, (start & ~below) | (a[0] & below),
                 (start & -one) | one | (a[0] & (one - 1))))


def tnum_previous(a, start):
    return ~tnum_next((~(a[0] | a[1]), a[1]), ~start)


def tnum_low(a):
    return a[0] & LOW, a[1] & LOW


def tnum_with_low(a, b):
    return tuple((x & ~LOW) | (y & LOW) for x, y in zip(a, b))


# -- range_view.h, range.c -------------------------------------------------------------------------------------------------
def view_clip(ends, lo, hi):
    low, high = ends
    inner = If(ULT(low, lo), lo, low), If(UGT(high, hi), hi, high)
    outer = If(And(UGT(low, hi), ULT(low, lo)), lo, low), If(And(UGT(high, hi), ULT(high, lo)), hi, high)
    return tuple(If(ULE(lo, hi), i, o) for i, o in zip(inner, outer))


VIEWS = {'u64': num(0), 's64': SIGN64, 'u32': num(0), 's32': SIGN32}  # what turns a view's order into the unsigned one


class Range:
    """The views hold the places of their ends: numbers of 64 bits with the sign bit of signed views flipped."""

    def __init__(self, bits, views):
        self.bits, self.views = bits, dict(views)

    def copy(self):
        return Range(self.bits, self.views)

    def raw(self, view):
        return tuple(x ^ VIEWS[view] for x in self.views[view])

    def clip(self, view, lo, hi):  # lo, hi: numbers, of 32 bits for a view of 32
        self.views[view] = view_clip(self.views[view], lo ^ VIEWS[view], hi ^ VIEWS[view])

    def clip64(self, lo, hi):
        self.clip('u64', lo, hi)
        self.clip('s64', lo, hi)

    def clip32(self, lo, hi):
        self.clip('u32', lo & LOW, hi & LOW)
        self.clip('s32', lo & LOW, hi & LOW)

    def has_in(self, view, x):
        x = (x & LOW if view.endswith('32') else x) ^ VIEWS[view]
        return And(UGE(x, self.views[view][0]), ULE(x, self.views[view][1]))

    def has(self, x):
        return And(tnum_has(self.bits, x), *[self.has_in(view, x) for view in VIEWS])

    def is_empty(self):
        return Or(*[UGT(low, high) for low, high in self.views.values()])

    def fields(self):
        return [*self.bits] + [x for view in ('s64', 'u64', 's32', 'u32') for x in self.raw(view)]

    def simplified(self):
        return Range(tuple(simplify(x) for x in self.bits),
                     {view: tuple(simplify(x) for x in ends) for view, ends in self.views.items()})


def unknown():
    return Range((num(0), num(-1)), {'u64': (num(0), num(-1)), 's64': (num(0), num(-1)), 'u32': (num(0), LOW),
                                     's32': (num(0), LOW)})


def constant(x):
    return Range((x, num(0)), {view: ((x & LOW if view.endswith('32') else x) ^ VIEWS[view],) * 2 for view in VIEWS})


def nothing():
    return Range((num(0), num(-1)), {'u64': (num(-1), num(0)), 's64': (num(-1), num(0)), 'u32': (LOW, num(0)),
                                     's32': (LOW, num(0))})


def flip(bits, sign):
    return bits[0] ^ (sign & ~bits[1]), bits[1]


def round_to_bits(ends, bits):
    low, high = view_clip(ends, bits[0], bits[0] | bits[1])
    empty = UGT(low, high)
    return If(empty, low, tnum_next(bits, low)), If(empty, high, tnum_previous(bits, high))


def views_from_bits(r):
    for view in VIEWS:
        bits = tnum_low(r.bits) if view.endswith('32') else r.bits
        r.views[view] = round_to_bits(r.views[view], flip(bits, VIEWS[view]))


def low_from_whole(r):
    for view in ('u64', 's64'):
        low, high = r.raw(view)
        is_short = LShR(high - low, 32) == 0
        for half in ('u32', 's32'):
            clipped = view_clip(r.views[half], (low & LOW) ^ VIEWS[half], (high & LOW) ^ VIEWS[half])
            r.views[half] = tuple(If(is_short, c, was) for c, was in zip(clipped, r.views[half]))


def round_to_low(ends, lo, hi):
    low, high = ends
    length = (hi - lo) & LOW
    up = If(UGT((low - lo) & LOW, length), (lo - low) & LOW, num(0))
    down = If(UGT((high - lo) & LOW, length), (high - hi) & LOW, num(0))
    over = Or(UGT(low, ~up), ULT(high, down))
    return If(over, num(-1), low + up), If(over, num(0), high - down)


def whole_from_low(r):
    for half in ('u32', 's32'):
        lo, hi = r.raw(half)
        # The signed view is the same arc as the unsigned one where it does not cross the seam.
        used = UGT(lo, hi) if half == 's32' else BoolVal(True)
        for view in ('u64', 's64'):
            r.views[view] = tuple(If(used, x, was) for x, was in zip(round_to_low(r.views[view], lo, hi), r.views[view]))


def bits_from_views(r):
    """False: the halves contradict each other, nothing is left."""
    bits = tnum_intersect(r.bits, tnum_range(*r.raw('u64')))
    low = tnum_range(*r.raw('u32'))
    fits = tnum_overlap(tnum_low(bits), low)
    r.bits = tnum_with_low(bits, tnum_intersect(tnum_low(bits), low))
    return fits


def range_sync(r):  # of numbers, not of variables
    for _ in range(4):
        if is_true(simplify(r.bits[1] == 0)):
            return constant(r.bits[0]) if is_true(simplify(r.has(r.bits[0]))) else nothing()
        was = [simplify(x).as_long() for x in r.fields()]
        views_from_bits(r)
        low_from_whole(r)
        r.clip('s32', *r.raw('u32'))
        r.clip('u32', *r.raw('s32'))
        r.clip('s64', *r.raw('u64'))
        r.clip('u64', *r.raw('s64'))
        whole_from_low(r)
        r = r.simplified()
        if is_true(simplify(r.is_empty())) or not is_true(simplify(bits_from_views(r))):
            return nothing()
        r = r.simplified()
        if [simplify(x).as_long() for x in r.fields()] == was:
            break
    return r


# -- range_alu.c -----------------------------------------------------------------------------------------------------------
def sign_extended(r, view):  # both ends, of 32 bits as of 64
    return tuple(SignExt(32, Extract(31, 0, x)) if view == 's32' else x for x in r.raw(view))


def arc_sum(a, b, is_32):
    """The arc, and whether it is shorter than the circle."""
    x, y = a[1] - a[0], b[1] - b[0]
    fits = ULE(x + y, LOW) if is_32 else UGE(x + y, x)
    lo, hi = a[0] + b[0], a[1] + b[1]
    return fits, (lo & LOW if is_32 else lo), (hi & LOW if is_32 else hi)


def negated(a):
    return -a[1], -a[0]


def add(r, a, b):
    """a, b: arcs by view; 32-bit views learn from 32-bit ones, 64-bit from 64-bit ones."""
    for view in a:
        is_32 = view.endswith('32')
        fits, lo, hi = arc_sum(a[view], b[view], is_32)
        for other in ('u32', 's32') if is_32 else ('u64', 's64'):
            clipped = view_clip(r.views[other], lo ^ VIEWS[other], hi ^ VIEWS[other])
            r.views[other] = tuple(If(fits, c, was) for c, was in zip(clipped, r.views[other]))


def arcs(r, is_32):
    return {view: sign_extended(r, view) for view in VIEWS if view.endswith('32') or not is_32}


def lesser(a, b):
    return If(ULT(a, b), a, b)


def greater(a, b):
    return If(UGT(a, b), a, b)


def zero_extend32(r):
    r.bits = tnum_low(r.bits)
    low = r.raw('u32')
    r.views['u64'] = low
    r.views['s64'] = tuple(x ^ SIGN64 for x in low)


def lsh(a, n):
    r = unknown()
    r.bits = tnum_lsh(a.bits, n)
    low, high = a.raw('u64')
    fits = ULE(high, num(1) << (num(63) - n))
    r.views['u64'] = If(fits, low << n, num(0)), If(fits, high << n, num(-1))
    half = n == 32
    r.views['s64'] = tuple(If(half, (x << 32) ^ SIGN64, was) for x, was in zip(a.raw('s32'), r.views['s64']))
    low, high = a.raw('u32')
    fits = And(ULT(n, 32), ULE(high, num(1) << (num(31) - n)))
    r.views['u32'] = If(fits, (low << n) & LOW, num(0)), If(fits, (high << n) & LOW, LOW)
    return r


def rsh(a, n, is_32):
    r = unknown()
    r.bits = tnum_rsh(tnum_low(a.bits) if is_32 else a.bits, n)
    view = 'u32' if is_32 else 'u64'
    r.views[view] = tuple(LShR(x, n) for x in a.raw(view))
    return r


def arsh(a, n, is_32):
    r = unknown()
    r.bits = tnum_arsh32(a.bits, n) if is_32 else tnum_arsh(a.bits, n)
    view = 's32' if is_32 else 's64'
    r.views[view] = tuple(((x >> n) & (LOW if is_32 else num(-1))) ^ VIEWS[view] for x in sign_extended(a, view))
    return r


def alu(op, a, b, is_32):
    """As range_alu before the last range_sync, of operands that are not both constant."""
    r = unknown()
    if op == 'add':
        r.bits = tnum_add(a.bits, b.bits)
        add(r, arcs(a, is_32), arcs(b, is_32))
    elif op == 'sub':
        r.bits = tnum_sub(a.bits, b.bits)
        add(r, arcs(a, is_32), {view: negated(arc) for view, arc in arcs(b, is_32).items()})
    elif op == 'neg':
        r.bits = tnum_neg(a.bits)
        add(r, {view: (num(0), num(0)) for view in arcs(a, is_32)},
            {view: negated(arc) for view, arc in arcs(a, is_32).items()})
    elif op == 'and':
        r.bits = tnum_and(a.bits, b.bits)
        for view in ('u32', 'u64'):
            r.views[view] = num(0), lesser(a.raw(view)[1], b.raw(view)[1])
    elif op == 'or':
        r.bits = tnum_or(a.bits, b.bits)
        for view in ('u32', 'u64'):
            r.views[view] = greater(a.raw(view)[0], b.raw(view)[0]), r.views[view][1]
    elif op == 'xor':
        r.bits = tnum_xor(a.bits, b.bits)
    elif op == 'lsh':
        r = lsh(a, b.raw('u64')[0])
    elif op == 'rsh':
        r = rsh(a, b.raw('u64')[0], is_32)
    elif op == 'arsh':
        r = arsh(a, b.raw('u64')[0], is_32)
    if is_32:
        zero_extend32(r)
    return r


def narrow_ends(low, high, size, is_signed):
    """One turn of narrow_part's loop: the ends, and whether they serve."""
    part = num((1 << size * 8) - 1)
    first, last = low & part, high & part
    if is_signed:
        sign = num(1 << (size * 8 - 1))
        first, last = (first ^ sign) - sign, (last ^ sign) - sign
    return And(ULE(high - low, part), first <= last), first, last


# -- range_branch.c --------------------------------------------------------------------------------------------------------
def seen_bits(r, is_32):
    return tnum_low(r.bits) if is_32 else r.bits


def seen_views(is_32):
    return ('u32', 's32') if is_32 else ('u32', 's32', 'u64', 's64')


def are_apart(a, b, is_32):
    return Or(Not(tnum_overlap(seen_bits(a, is_32), seen_bits(b, is_32))),
              *[Or(UGT(a.views[view][0], b.views[view][1]), ULT(a.views[view][1], b.views[view][0]))
                for view in seen_views(is_32)])


def assume_equal(r, other, is_32):
    """Where the bits overlap."""
    both = tnum_intersect(seen_bits(r, is_32), seen_bits(other, is_32))
    r.bits = tnum_with_low(r.bits, both) if is_32 else both
    for view in seen_views(is_32):
        r.views[view] = view_clip(r.views[view], *other.raw(view)) if view[0] == 'u' else \
            view_clip(r.views[view], *[x ^ VIEWS[view] for x in other.raw(view)])


def assume_different(r, value, is_32):
    if is_32:
        r.clip32(value + 1, value - 1)
    else:
        r.clip64(value + 1, value - 1)


def assume_order(r, other, view, by, is_exchanged):
    """True: nothing is left."""
    last = LOW if view.endswith('32') else num(-1)
    if is_exchanged:
        limit = other.views[view][0]
        r.views[view] = view_clip(r.views[view], limit + by, last)
        return UGT(limit, last - by)
    limit = other.views[view][1]
    r.views[view] = view_clip(r.views[view], num(0), limit - by)
    return ULT(limit, by)


# -- what is to be proven --------------------------------------------------------------------------------------------------
x, y, n = BitVec('x', 64), BitVec('y', 64), BitVec('n', 64)


def variable(name):
    views = {}
    for view in VIEWS:
        bits = int(view[1:])
        views[view] = tuple(ZeroExt(64 - bits, BitVec(f'{name}_{view}_{end}', bits)) for end in ('min', 'max'))
    return Range((BitVec(name + '_value', 64), BitVec(name + '_mask', 64)), views)


def on_arc(z, lo, hi, bits=64):
    """On the circle of numbers of so many bits."""
    return ULE(Extract(bits - 1, 0, z - lo), Extract(bits - 1, 0, hi - lo))


def well_formed(t):
    return t[0] & t[1] == 0


def prove_tnums():
    a, b = (BitVec('a_value', 64), BitVec('a_mask', 64)), (BitVec('b_value', 64), BitVec('b_mask', 64))
    given = [well_formed(a), well_formed(b), tnum_has(a, x), tnum_has(b, y)]
    for name, function, result in (('tnum_add', tnum_add, x + y), ('tnum_sub', tnum_sub, x - y), ('tnum_and', tnum_and, x & y),
                                   ('tnum_or', tnum_or, x | y), ('tnum_xor', tnum_xor, x ^ y)):
        theorem(name, *given, And(tnum_has(function(a, b), result), well_formed(function(a, b))))
    theorem('tnum_neg', *given, tnum_has(tnum_neg(a), -x))
    shift = ULT(n, 64)
    theorem('tnum_lsh', *given, shift, tnum_has(tnum_lsh(a, n), x << n))
    theorem('tnum_rsh', *given, shift, tnum_has(tnum_rsh(a, n), LShR(x, n)))
    theorem('tnum_arsh', *given, shift, tnum_has(tnum_arsh(a, n), x >> n))
    theorem('tnum_arsh of 32 bits', *given, ULT(n, 32),
            tnum_has(tnum_arsh32(a, n), ZeroExt(32, Extract(31, 0, x) >> Extract(31, 0, n))))
    for size in (1, 2, 4):
        theorem(f'tnum_cast to {size} bytes', *given, tnum_has(tnum_cast(a, size), x & ((1 << size * 8) - 1)))
    for size in (2, 4, 8):
        theorem(f'tnum_bswap of {size} bytes', *given, tnum_has(tnum_bswap(a, size), LShR(bswap(x), 64 - size * 8)))
    both = And(well_formed(a), well_formed(b))
    theorem('tnum_intersect', both, tnum_has(a, x), tnum_has(b, x),
            And(tnum_overlap(a, b), tnum_has(tnum_intersect(a, b), x)))
    theorem('tnum_intersect holds no more', both, tnum_overlap(a, b), tnum_has(tnum_intersect(a, b), x),
            And(tnum_has(a, x), tnum_has(b, x)))
    theorem('tnum_union', both, Or(tnum_has(a, x), tnum_has(b, x)), tnum_has(tnum_union(a, b), x))
    theorem('tnum_in', both, tnum_in(a, b), tnum_has(b, x), tnum_has(a, x))
    low, high = BitVec('low', 64), BitVec('high', 64)
    theorem('tnum_range', ULE(low, x), ULE(x, high), tnum_has(tnum_range(low, high), x))
    step = tnum_next(a, low)
    theorem('tnum_next is a member that is not below', well_formed(a), ULE(low, a[0] | a[1]),
            And(tnum_has(a, step), UGE(step, low)))
    theorem('tnum_next is the least', well_formed(a), tnum_has(a, x), ULE(low, x), ULE(step, x))
    step = tnum_previous(a, high)
    theorem('tnum_previous is a member that is not above', well_formed(a), UGE(high, a[0]),
            And(tnum_has(a, step), ULE(step, high)))
    theorem('tnum_previous is the greatest', well_formed(a), tnum_has(a, x), UGE(high, x), UGE(step, x))

    a8, b8 = (BitVec('a8_value', 8), BitVec('a8_mask', 8)), (BitVec('b8_value', 8), BitVec('b8_mask', 8))
    x8, y8 = BitVec('x8', 8), BitVec('y8', 8)
    theorem('tnum_mul (8 bits)', well_formed(a8), well_formed(b8), tnum_has(a8, x8), tnum_has(b8, y8),
            tnum_has(tnum_mul(a8, b8), x8 * y8))


def prove_deduction():
    for view in VIEWS:
        bits = int(view[1:])
        lo, hi = (ZeroExt(64 - bits, BitVec(name, bits)) for name in ('lo', 'hi'))
        r, was = variable('r'), variable('r')
        r.clip(view, lo, hi)
        theorem(f'an arc narrows the {view} view', was.has_in(view, x), on_arc(x, lo, hi, bits), r.has_in(view, x))
        theorem(f'the {view} view is an arc', was.has_in(view, x), on_arc(x, *was.raw(view), bits))

    bits = variable('r').bits
    low, high = BitVec('low', 64), BitVec('high', 64)
    rounded = round_to_bits((low, high), bits)
    theorem('round_to_bits', well_formed(bits), tnum_has(bits, x), ULE(low, x), ULE(x, high),
            And(ULE(rounded[0], x), ULE(x, rounded[1])))
    for sign in (SIGN32, SIGN64):
        theorem(f'flip of bit {"31" if sign.eq(SIGN32) else "63"}', well_formed(bits), tnum_has(bits, x),
                And(well_formed(flip(bits, sign)), tnum_has(flip(bits, sign), x ^ sign)))
    theorem('tnum_low', tnum_has(bits, x), tnum_has(tnum_low(bits), x & LOW))

    for step in (low_from_whole, whole_from_low):
        r, was = variable('r'), variable('r')
        step(r)
        for view in VIEWS:
            if not (r.views[view][0].eq(was.views[view][0]) and r.views[view][1].eq(was.views[view][1])):
                theorem(f'{step.__name__}: the {view} view', well_formed(was.bits), was.has(x), r.has_in(view, x))
    for to, start in (('s32', 'u32'), ('u32', 's32'), ('s64', 'u64'), ('u64', 's64')):
        r, was = variable('r'), variable('r')
        r.clip(to, *r.raw(start))
        theorem(f'the {to} view learns from {start}', was.has(x), r.has_in(to, x))
    r, was = variable('r'), variable('r')
    fits = bits_from_views(r)
    theorem('bits_from_views', well_formed(was.bits), was.has(x), And(fits, tnum_has(r.bits, x), well_formed(r.bits)))


def prove_arithmetic():
    a, b = variable('a'), variable('b')
    given = [well_formed(a.bits), well_formed(b.bits), a.has(x), b.has(y)]
    # Of sums, the arcs: that an arc narrows a view rightly is proven above. Numbers are given as lo + u, ends as lo + length.
    lo, length, u = [BitVec(name, 64) for name in ('lo', 'length', 'u')]
    lo2, length2, v = [BitVec(name, 64) for name in ('lo2', 'length2', 'v')]
    inside = And(ULE(u, length), ULE(v, length2))
    for bits in (64, 32):
        small = [] if bits == 64 else [ULE(length, LOW), ULE(length2, LOW)]
        fits, low, high = arc_sum((lo, lo + length), (lo2, lo2 + length2), bits == 32)
        theorem(f'the arc of a sum ({bits})', inside, *small, fits, on_arc(lo + u + lo2 + v, low, high, bits))
        theorem(f'the arc of a negative number ({bits})', inside, *small,
                on_arc(-(lo + u), *negated((lo, lo + length)), bits))
    for view in ('u32', 's32'):
        low, high = sign_extended(a, view)
        seen = SignExt(32, Extract(31, 0, x)) if view == 's32' else x & LOW
        theorem(f'the {view} view widened to 64 bits is an arc no longer than 32', a.has(x),
                And(ULE(high - low, LOW), on_arc(seen, low, high)))
    results = {'add': x + y, 'sub': x - y, 'neg': -x, 'and': x & y, 'or': x | y, 'xor': x ^ y}
    for is_32 in (False, True):
        for op, result in results.items():
            r = alu(op, a, b, is_32)
            if is_32:
                result = result & LOW
            theorem(f'{op}{32 if is_32 else 64}: bits', *given, tnum_has(r.bits, result))
            for view in VIEWS if op in ('and', 'or', 'xor') else ():
                theorem(f'{op}{32 if is_32 else 64}: the {view} view', *given, r.has_in(view, result))
        width = 32 if is_32 else 64
        amount = [y == n, b.raw('u64')[0] == n, ULT(n, width)]
        low = Extract(31, 0, x)
        results32 = {'lsh': (x << n) & LOW, 'rsh': LShR(x & LOW, n), 'arsh': ZeroExt(32, low >> Extract(31, 0, n))}
        results64 = {'lsh': x << n, 'rsh': LShR(x, n), 'arsh': x >> n}
        for op, result in (results32 if is_32 else results64).items():
            r = alu(op, a, b, is_32)
            for view in VIEWS:
                theorem(f'{op}{width}: the {view} view', well_formed(a.bits), a.has(x), *amount, r.has_in(view, result))
    for size in (1, 2):
        part = (1 << size * 8) - 1
        for view in VIEWS:
            low, high = sign_extended(a, view)
            serves, first, last = narrow_ends(low, high, size, False)
            theorem(f'zero extension of {size} bytes from the {view} view', *given, serves,
                    And(first <= (x & part), (x & part) <= last))
            serves, first, last = narrow_ends(low, high, size, True)
            extended = SignExt(64 - size * 8, Extract(size * 8 - 1, 0, x))
            theorem(f'sign extension of {size} bytes from the {view} view', *given, serves,
                    And(first <= extended, extended <= last))

    # Multiplication: at 8 bits, its overflow seen at 16.
    def wide(z, is_signed):
        return SignExt(8, z) if is_signed else ZeroExt(8, z)

    p, q, x8, y8 = [BitVec(name, 8) for name in ('p', 'q', 'x8', 'y8')]
    s, t = BitVec('s', 8), BitVec('t', 8)
    theorem('mul: unsigned views (8 bits)', ULE(p, x8), ULE(x8, q), ULE(s, y8), ULE(y8, t),
            ULE(wide(q, False) * wide(t, False), 255), And(ULE(p * s, x8 * y8), ULE(x8 * y8, q * t)))
    products = [wide(u, True) * wide(v, True) for u in (p, q) for v in (s, t)]
    theorem('mul: signed views (8 bits)', p <= x8, x8 <= q, s <= y8, y8 <= t,
            *[And(z >= -128, z <= 127) for z in products],
            And(Or(*[z <= wide(x8 * y8, True) for z in products]), Or(*[z >= wide(x8 * y8, True) for z in products])))


def prove_branches():
    given = [well_formed(variable('a').bits), well_formed(variable('b').bits), variable('a').has(x),
             variable('b').has(y)]
    for is_32 in (False, True):
        width = 32 if is_32 else 64
        left, right = (x & LOW, y & LOW) if is_32 else (x, y)
        a, b = variable('a'), variable('b')
        theorem(f'ranges that are apart have no equal numbers ({width})', *given, are_apart(a, b, is_32), left != right)
        assume_equal(a, b, is_32)
        theorem(f'assume_equal: bits ({width})', *given, left == right, tnum_has(a.bits, x))
        for view in seen_views(is_32):
            theorem(f'assume_equal: the {view} view ({width})', *given, left == right, a.has_in(view, x))
        a = variable('a')
        assume_different(a, y, is_32)
        for view in seen_views(is_32):
            theorem(f'assume_different: the {view} view ({width})', *given, left != right, a.has_in(view, x))
        a = variable('a')
        mine, theirs = seen_bits(a, is_32), seen_bits(b, is_32)
        possible = theirs[0] | theirs[1]
        theorem(f'a bit in common is possible in both ({width})', *given, left & right != 0, (mine[0] | mine[1]) & possible != 0)
        theorem(f'the only possible bit is set ({width})', *given, left & right != 0, possible & (possible - 1) == 0,
                tnum_has(tnum_or(a.bits, (possible, num(0))), x))
        theorem(f'bits in common for certain ({width})', *given, tnum_and(mine, theirs)[0] != 0, left & right != 0)
        clear = seen_bits(b, is_32)[0]
        theorem(f'assume_no_common_bit ({width})', *given, left & right == 0,
                And(a.bits[0] & clear == 0, tnum_has((a.bits[0], a.bits[1] & ~clear), x)))
        for view in seen_views(is_32) if is_32 else ('u64', 's64'):
            u, v = left ^ VIEWS[view], right ^ VIEWS[view]
            for by, relation in ((1, ULT), (0, ULE)):
                for is_exchanged in (False, True):
                    a = variable('a')
                    dead = assume_order(a, b, view, num(by), is_exchanged)
                    theorem(f'assume_order: {view} {"above" if is_exchanged else "below"}{"" if by else " or equal"}', *given,
                            relation(v, u) if is_exchanged else relation(u, v), And(Not(dead), a.has_in(view, x)))
            a = variable('a')
            (alow, ahigh), (blow, bhigh) = a.views[view], b.views[view]
            theorem(f'compare: {view} below', *given,
                    And(Implies(ULT(ahigh, blow), ULT(u, v)), Implies(UGE(alow, bhigh), Not(ULT(u, v)))))
            theorem(f'compare: {view} below or equal', *given,
                    And(Implies(ULE(ahigh, blow), ULE(u, v)), Implies(UGT(alow, bhigh), Not(ULE(u, v)))))


# -- do the formulas say what the C does? ----------------------------------------------------------------------------------
def read_range(words):
    value, mask, smin, smax, umin, umax, smin32, smax32, umin32, umax32 = [num(int(word, 16)) for word in words]
    return Range((value, mask), {'u64': (umin, umax), 's64': (smin ^ SIGN64, smax ^ SIGN64), 'u32': (umin32, umax32),
                                 's32': (smin32 ^ SIGN32, smax32 ^ SIGN32)})


def expected(words):
    """The formula's answer to a line of scalars.c."""
    what, rest = words[0], words[1:]
    if what.startswith('tnum_'):
        numbers = [num(int(word, 16)) for word in rest]
        a, b = (numbers[0], numbers[1]), (numbers[2], numbers[3])
        one = {'tnum_neg': tnum_neg, 'tnum_bswap2': lambda a: tnum_bswap(a, 2), 'tnum_bswap8': lambda a: tnum_bswap(a, 8)}
        shifts = {'tnum_lsh': tnum_lsh, 'tnum_rsh': tnum_rsh, 'tnum_arsh': tnum_arsh, 'tnum_arsh32': tnum_arsh32}
        if what in ('tnum_next', 'tnum_previous'):
            return [globals()[what](a, b[0]), num(0)]
        if what == 'tnum_range':
            return tnum_range(a[0], b[0])
        if what in shifts:
            return shifts[what](a, b[0])
        return one[what](a) if what in one else globals()[what](a, b)
    a, b = read_range(rest[:10]), read_range(rest[10:])
    if what == 'range_sync':
        return range_sync(a).fields()
    return range_sync(alu(what[:-2], a, b, what.endswith('32')).simplified()).fields()


def compare_with(program):
    global passed, failed
    counts, wrong = {}, {}
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        question, answer = [part.split() for part in line.split('=')]
        counts[question[0]] = counts.get(question[0], 0) + 1
        got = [simplify(term).as_long() for term in expected(question)]
        if got != [int(word, 16) for word in answer]:
            wrong.setdefault(question[0], line)
    for name, count in counts.items():
        if name in wrong:
            failed += 1
            print('FAILED', name, 'is not what the C does:', wrong[name])
        else:
            passed += 1
            print('agrees', name, f'({count} cases)')


def main():
    if len(sys.argv) > 1:
        compare_with(sys.argv[1])
    prove_tnums()
    prove_deduction()
    prove_arithmetic()
    prove_branches()
    print(f'{passed} passed, {failed} failed')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
