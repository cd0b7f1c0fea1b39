/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mpu.c - what a stray pointer must not do: write ROM or flash, touch address 0 or the guard
 * between the stacks, use RAM that the real part does not have, execute data. For a bootloader the
 * slots are data: a jump into them that goes astray must not start what nobody verified.
 *
 * Off in fault handlers. Where regions overlap the later one counts; everything else is as the
 * architecture's default map has it. The attributes are those of uncached memory.
 */
#include "board/qemu-mps2/machine.h"
#include "part.h"

#define MPU_ON_WITH_DEFAULT_MAP 5u
#define MPU_REGION_VALID 0x10u
#define NORMAL 0x00080000u
#define NO_ACCESS 0x10000000u             /* nor execution */
#define READ_ONLY (0x06000000u | NORMAL)  /* and execute */
#define READ_WRITE (0x03000000u | NORMAL) /* and execute */
#define DATA (0x10000000u | READ_WRITE)
enum { ROM_BITS = 23, GUARD_BITS = 10 };

static uint32_t attributes(uint32_t access, uintptr_t bits)
{
    return access | (bits - 1u) << 1 | 1u;
}

static void region(uint32_t number, uintptr_t addr, uintptr_t bits, uint32_t access)
{
    MPU.rbar = addr | MPU_REGION_VALID | number;
    MPU.rasr = attributes(access, bits);
}

void mpu_flash_writable(bool writable)
{
    MPU.rasr = attributes((writable ? READ_WRITE : READ_ONLY) | (uintptr_t)flash_never_runs, FLASH_FILE_BITS); /* mpu_start chose the region */
    MACHINE_SYNC();
}

void mpu_start(void)
{
    region(0, 0, ROM_BITS, READ_ONLY);
    region(1, 0, (uintptr_t)null_bits, NO_ACCESS);
    region(2, RAM_START, ROM_BITS, NO_ACCESS);
    region(3, RAM_START, RAM_BITS, DATA);
    region(4, (uintptr_t)guard_start, GUARD_BITS, NO_ACCESS);
    region(5, PART_FLASH_FILE, FLASH_FILE_BITS, READ_ONLY | (uintptr_t)flash_never_runs); /* the last: mpu_flash_writable */
    MPU.ctrl = MPU_ON_WITH_DEFAULT_MAP;
    MACHINE_SYNC();
}
