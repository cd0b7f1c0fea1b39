/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof.h - what the proofs share. A proof is a main that CBMC follows for every value of its
 * nondet_ calls at once, up to the loops' bounds that run.py gives it; that the bounds are enough
 * is part of what is proven.
 */
#ifndef OTTER_TEST_PROOF_H
#define OTTER_TEST_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "otter/result.h"

bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
size_t nondet_size(void);
int nondet_int(void);

#define ASSUME(claim) __CPROVER_assume(claim)
#define PROVE(claim) __CPROVER_assert((claim), #claim)

#endif
