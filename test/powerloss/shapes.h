/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shapes.h - the geometries that power is cut on.
 *
 * A scaled map keeps the relations of the real one: which device each area is on, its
 * sectors per slot, where slots begin inside a sector, how scratch and journal compare
 * with a sector, what the device erases to, who can write rows. Only the bytes shrink.
 */
#ifndef OTTER_TEST_SHAPES_H
#define OTTER_TEST_SHAPES_H

#include "sim/maps.h"

/* Index 0..4: the five maps, scaled, under their own names; then more geometries. */
const char *shape_name(unsigned index); /* NULL behind the last */

/* Generated geometries at true sector size: "4096-8-ff-equal" and so on (geometries.c). */
const char *geometry_name(unsigned index); /* NULL behind the last */
bool geometry_find(const char *name, struct sim_map *ret_map);

/* A scaled map or a generated one, or with "true-size/" in front of the name, the real one. */
bool shape_find(const char *name, struct sim_map *ret_map);

#define SHAPES_OF_MAPS SIM_MAPS_COUNT

#endif
