/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_kits.c - the table of kits: TARGET to platform, flash maps and Board string.
 */
#include <stdio.h>
#include <string.h>

#include "tool/flashmap_kits.h"

#define PSOC_2M                                                                                    \
    "PSOC_062_2M", "psoc62_2m_ext_swap_single", "psoc62_2m_ext_overwrite_single",                  \
        "CY8C624ABZI-S2D44"
#define PSOC_512K "PSOC_062_512K", "psoc62_512k_xip_swap_single", NULL, "CY8C6245LQI-S3D72"
#define XMC                                                                                        \
    "XMC7200", "xmc7200_int_swap_single", "xmc7200_int_overwrite_single", "XMC7200D-E272K8384"

const struct flashmap_kit flashmap_kits[] = {
    {"CY8CPROTO-062S2-43439", PSOC_2M, "CYW43439"},
    {"CY8CPROTO-062-4343W", PSOC_2M, "CYW4343W"},
    {"CY8CKIT-062S2-43012", PSOC_2M, "CYW43012"},
    {"CY8CEVAL-062S2-LAI-4373M2", PSOC_2M, "CYW4373"},
    {"CY8CEVAL-062S2-LAI-43439M2", PSOC_2M, "CYW43439"},
    {"CY8CEVAL-062S2-MUR-43439M2", PSOC_2M, "CYW43439"},
    {"CY8CEVAL-062S2-MUR-4373EM2", PSOC_2M, "CYW4373"},
    {"CY8CEVAL-062S2-MUR-4373M2", PSOC_2M, "CYW4373"},
    {"CY8CEVAL-062S2-CYW43022CUB", PSOC_2M, "CYW43022"},
    {"CY8CEVAL-062S2-CYW955513SDM2WLIPA", PSOC_2M, "CYW55500"},
    {"CY8CPROTO-062S3-4343W", PSOC_512K, "CYW4343W"},
    {"KIT_XMC72_EVK_MUR_43439M2", XMC, "CYW43439"},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

void flashmap_kit_board(const struct flashmap_kit *kit, char *ret_board, size_t size)
{
    (void)snprintf(ret_board, size, "APP_%s", kit->target);
    for (char *at = ret_board; *at; at++) {
        if (*at == '-') {
            *at = '_';
        }
    }
}

const struct flashmap_kit *flashmap_kit_find(const char *name)
{
    const char *bare = strncmp(name, "APP_", 4) == 0 ? name + 4 : name;
    for (const struct flashmap_kit *kit = flashmap_kits; kit->target; kit++) {
        char board[64];
        flashmap_kit_board(kit, board, sizeof board);
        if (strcmp(bare, kit->target) == 0 || strcmp(name, board) == 0) {
            return kit;
        }
    }
    return NULL;
}
