/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semihost.c - what these machines lack and QEMU's host lends: random bytes and the time.
 *
 * For the emulated boards only: semihosting gives a program every file of the host. Without
 * `-semihosting-config enable=on` each call returns -1 (fault.c), so there are no random bytes
 * and no time then, never weak ones.
 */
#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "otter/result.h"

__attribute__((naked, noinline)) static int semihost_call(uint32_t request, const void *arguments)
{
    (void)request;
    (void)arguments;
    __asm volatile("bkpt 0xab\n\tbx lr");
}

enum { SYS_OPEN = 0x01, SYS_READ = 0x06, SYS_TIME = 0x11, MODE_READ_BYTES = 1 };

/* BKPT faults when QEMU offers no semihosting: that is an answer, too. */
static bool is_call(uint32_t *frame)
{
    uint32_t pc = frame[FRAME_PC];
    if (pc != ((uintptr_t)semihost_call & ~(uintptr_t)1)) {
        return false;
    }
    frame[FRAME_R0] = UINT32_MAX;
    frame[FRAME_PC] = pc + 2;
    SCB.hfsr = SCB.hfsr; /* writing ones clears */
    return true;
}

int semihost(uint32_t request, const void *arguments)
{
    fault_expect(is_call);
    return semihost_call(request, arguments);
}

int board_random(void *ctx, void *buf, size_t len)
{
    static const char path[] = "/dev/urandom";
    static int file = -1;
    (void)ctx;
    if (file < 0) {
        file = semihost(SYS_OPEN, (const uintptr_t[]){(uintptr_t)path, MODE_READ_BYTES, sizeof path - 1});
    }
    if (file < 0) {
        return OTTER_ERR_IO;
    }
    int left = semihost(SYS_READ, (const uintptr_t[]){(uintptr_t)file, (uintptr_t)buf, len});
    return left == 0 ? OTTER_OK : OTTER_ERR_IO; /* bytes not read; -1: none */
}

bool board_time(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    int seconds = semihost(SYS_TIME, NULL);
    if (seconds == -1 || board_setting("no-clock", 0, NULL) != NULL) {
        return false;
    }
    *ret_unix = (uint32_t)seconds;
    return true;
}
