/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exhaustive.h - what the programs share that try every small input: a tally, a way to fail, a way
 * to play one case again.
 *
 *     exhaustive_NAME            the part that runs in ctest
 *     exhaustive_NAME --deep     all of it (`make exhaustive`)
 *     exhaustive_NAME CASE...    the one case that a failure printed
 */
#ifndef OTTER_TEST_EXHAUSTIVE_H
#define OTTER_TEST_EXHAUSTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REQUIRE(claim) ((claim) ? (void)0 : exhaustive_fail(#claim, __FILE__, __LINE__))
_Noreturn void exhaustive_fail(const char *claim, const char *file, int line);

/* A part is done: its name and how many cases it had, which must be `least` at least. */
void exhaustive_part(const char *name, uint64_t cases, uint64_t least);

/* Hexadecimal of a command line into `bytes`; how many, at most `size`. */
size_t exhaustive_bytes(const char *hex, uint8_t *bytes, size_t size);

/* Defined by each program: all cases (`deep`: really all), one case by its words, and the words of
 * the case being tried, which are printed when a claim does not hold. */
void exhaustive_run(bool deep);
void exhaustive_replay(int count, char **words);
void exhaustive_describe(FILE *to);
void exhaustive_hex(FILE *to, const uint8_t *bytes, size_t len);

#endif
