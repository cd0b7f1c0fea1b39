/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_delta_thumb.c - what Thumb instructions refer to, beside values worked out by hand.
 *
 * From the Arm Architecture Reference Manual, ARMv7-M, A7.7. An instruction at A reads PC = A + 4.
 *   BL T1, B.W T4   11110 S imm10 : 1 L J1 1 J2 imm11 (BL: L = 1), I1 = !(J1 ^ S), I2 = !(J2 ^ S);
 *                   PC + SignExtend(S:I1:I2:imm10:imm11:0). J1 = J2 = 1: I1 = I2 = S, so less than 4 MiB
 *   LDR T1          01001 Rt imm8; Align(PC, 4) + imm8 * 4
 *   B T2, B T1      11100 imm11, 1101 cond imm8; PC + SignExtend(imm:0)
 * Nothing here comes from the encoder or the linkers of other tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delta/filter.h"

enum { NEAR = OTTER_DELTA_NEAR, POOL = OTTER_DELTA_POOL, CALL = OTTER_DELTA_CALL };
#define UNTOUCHED 0xdeadbeefu

static void put(uint8_t bytes[4], uint32_t first, uint32_t second)
{
    bytes[0] = (uint8_t)first;
    bytes[1] = (uint8_t)(first >> 8);
    bytes[2] = (uint8_t)second;
    bytes[3] = (uint8_t)(second >> 8);
}

static void test_what_they_refer_to(void **state)
{
    (void)state;
    static const struct {
        uint32_t address, first, second, kind, target;
    } known[] = {
        {0x08001000, 0xf000, 0xf800, CALL, 0x08001004}, /* bl: the next one */
        {0x08001000, 0xf7ff, 0xfffe, CALL, 0x08001000}, /* itself: S 1, all ones but the last: -4 */
        {0x08001000, 0xf3ff, 0xffff, CALL, 0x08401002}, /* farthest on: + 0x3ffffe */
        {0x08001000, 0xf400, 0xf800, CALL, 0x07c01004}, /* farthest back: - 0x400000 */
        {0x08001000, 0xf001, 0xf802, CALL, 0x08002008}, /* imm10 counts 4 KiB, imm11 2 bytes */
        {0x08001002, 0xf000, 0xf800, CALL, 0x08001006}, /* PC is not aligned for it */
        {0x00000000, 0xf7ff, 0xfffc, CALL, 0xfffffffc}, /* 0 + 4 - 8, modulo 2^32 */
        {0x08001000, 0xf000, 0xb800, CALL, 0x08001004}, /* b.w */
        {0x08001000, 0xf7ff, 0xbffe, CALL, 0x08001000},
        {0x08001000, 0x4800, 0, POOL, 0x08001004},      /* ldr r0, [pc, #0] */
        {0x08001002, 0x4800, 0, POOL, 0x08001004},      /* PC 0x08001006, aligned */
        {0x08001002, 0x4f01, 0, POOL, 0x08001008},
        {0x08001000, 0x49ff, 0, POOL, 0x08001400},      /* + 1020: never negative */
        {0x08001000, 0x4880, 0, POOL, 0x08001204},
        {0x08001000, 0xe000, 0, NEAR, 0x08001004},      /* b */
        {0x08001000, 0xe7fe, 0, NEAR, 0x08001000},
        {0x08001000, 0xe3ff, 0, NEAR, 0x08001802},      /* + 2046 */
        {0x08001000, 0xe400, 0, NEAR, 0x08000804},      /* - 2048 */
        {0x08001002, 0xe001, 0, NEAR, 0x08001008},
        {0x08001000, 0xd0fe, 0, NEAR, 0x08001000},      /* beq */
        {0x08001000, 0xdd7f, 0, NEAR, 0x08001102},      /* ble, + 254 */
        {0x08001000, 0xd180, 0, NEAR, 0x08000f04},      /* bne, - 256 */
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint8_t bytes[4];
        uint32_t target = UNTOUCHED;
        put(bytes, known[i].first, known[i].second);
        assert_int_equal(otter_delta_thumb.find(bytes, known[i].address, &target), known[i].kind);
        assert_int_equal(target, known[i].target);
    }
}

static void test_what_refers_to_nothing(void **state)
{
    (void)state;
    static const uint16_t others[][2] = {
        {0xf000, 0xf000}, /* bl over + 4 MiB: J2 0 */
        {0xf000, 0xd800}, /* over + 8 MiB: J1 0 */
        {0xf7ff, 0xf7ff}, /* over - 4 MiB - 2: J2 0 */
        {0xf000, 0x9000}, /* b.w, J1 and J2 0 */
        {0xf43f, 0xaffe}, /* beq.w (T3): second halfword 10 J1 0 J2 */
        {0xf000, 0xe800}, /* blx (T2), which is none on Cortex-M: 11 J1 0 J2 */
        {0xf3bf, 0x8f5f}, /* dmb sy */
        {0xf8df, 0x0004}, /* ldr.w r0, [pc, #4] */
        {0xe92d, 0x4ff0}, /* push.w: 11101 */
        {0xb100, 0xbf00}, /* cbz r0 */
        {0xbbff, 0xbf00}, /* cbnz r7 */
        {0xa001, 0xbf00}, /* adr r0 */
        {0xf20f, 0x0004}, /* adr.w r0 */
        {0x4770, 0xbf00}, /* bx lr */
        {0x4700, 0xf800}, /* bx r0: next to ldr's 01001 */
        {0x5000, 0xf800}, /* str r0, [r0, r0]: behind it */
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        uint8_t bytes[4];
        uint32_t target = UNTOUCHED;
        put(bytes, others[i][0], others[i][1]);
        assert_int_equal(otter_delta_thumb.find(bytes, 0x08001000, &target), OTTER_DELTA_PLAIN);
        assert_int_equal(target, UNTOUCHED);
    }
}

/* Moved to `address`, made to refer to `target`: these halfwords; or, where `first` stays, out of its reach. */
static void test_what_they_become_elsewhere(void **state)
{
    (void)state;
    enum { NO = 0 };
    static const struct {
        uint32_t first, second, address, target, new_first, new_second;
    } known[] = {
        {0xf000, 0xf800, 0x08002000, 0x08001000, 0xf7fe, 0xfffe},  /* - 0x1004: 1 11 1111111110 11111111110 0 */
        {0xf7ff, 0xbffe, 0x08002000, 0x08003008, 0xf001, 0xb802},  /* b.w stays b.w: + 0x1004 */
        {0xf7ff, 0xfffe, 0x08001000, 0x08401002, 0xf3ff, 0xffff},  /* + 0x3ffffe */
        {0xf7ff, 0xfffe, 0x08001000, 0x08401004, NO, NO},
        {0xf000, 0xf800, 0x08001000, 0x07c01004, 0xf400, 0xf800},  /* - 0x400000 */
        {0xf000, 0xf800, 0x08001000, 0x07c01002, NO, NO},
        {0xf000, 0xf800, 0x08001000, 0x08001005, NO, NO},          /* odd */
        {0xf000, 0xf800, 0x00000000, 0xfffffffc, 0xf7ff, 0xfffc},
        {0xf000, 0xf800, 0x08001000, 0x88001004, NO, NO},          /* 2 GiB away */
        {0x4fff, 0x1234, 0x08001002, 0x08001004, 0x4f00, 0x1234},  /* what follows stays */
        {0x4800, 0x1234, 0x08001000, 0x08001400, 0x48ff, 0x1234},
        {0x4800, 0x1234, 0x08001000, 0x08001404, NO, NO},
        {0x4800, 0x1234, 0x08001000, 0x08001000, NO, NO},          /* before PC */
        {0x4800, 0x1234, 0x08001000, 0x08001006, NO, NO},          /* no multiple of 4 */
        {0xe000, 0x1234, 0x08001000, 0x08001802, 0xe3ff, 0x1234},
        {0xe000, 0x1234, 0x08001000, 0x08001804, NO, NO},
        {0xe000, 0x1234, 0x08001000, 0x08000804, 0xe400, 0x1234},
        {0xe000, 0x1234, 0x08001000, 0x08000802, NO, NO},
        {0xd0fe, 0x1234, 0x08001000, 0x08001102, 0xd07f, 0x1234},
        {0xdbfe, 0x1234, 0x08001000, 0x08001104, NO, NO},
        {0xdbfe, 0x1234, 0x08001000, 0x08000f04, 0xdb80, 0x1234},  /* blt: its condition stays */
        {0xd0fe, 0x1234, 0x08001000, 0x08000f02, NO, NO},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint8_t bytes[4];
        uint8_t wanted[4];
        bool can = known[i].new_first != NO;
        put(bytes, known[i].first, known[i].second);
        put(wanted, can ? known[i].new_first : known[i].first, can ? known[i].new_second : known[i].second);
        assert_int_equal(otter_delta_thumb.aim(bytes, known[i].address, known[i].target), can);
        assert_memory_equal(bytes, wanted, sizeof wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_they_refer_to),
        cmocka_unit_test(test_what_refers_to_nothing),
        cmocka_unit_test(test_what_they_become_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
