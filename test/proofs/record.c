/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any 32 bytes as a record of the journal, whatever their CRC is (run.py leaves it out): what is
 * taken has a type that is known, and is the same bytes again when it is written.
 */
#include <string.h>

#include "proof.h"
#include "slot/journal.h"

int main(void)
{
    uint8_t raw[OTTER_RECORD_SIZE];
    uint8_t again[OTTER_RECORD_SIZE];
    struct otter_record record;
    for (size_t i = 0; i < sizeof raw; i++) {
        raw[i] = nondet_u8();
    }
    if (otter_record_decode(raw, &record)) {
        PROVE(record.type >= OTTER_RECORD_HEAD && record.type <= OTTER_RECORD_DOWNLOAD);
        otter_record_encode(&record, again);
        PROVE(memcmp(raw, again, OTTER_RECORD_SIZE - 4) == 0);
    }
    return 0;
}
