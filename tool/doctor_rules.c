/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_rules.c - the catalogue: every way in which an update can end, and what to do about it. */
#include <string.h>

#include "tool/doctor.h"
#include "tool/image_file.h"

enum kind { KIND_OUTCOME, KIND_REASON, KIND_FAULT };

static const struct entry {
    enum kind kind;
    int value;
    const char *means, *todo;
} entries[] = {
#define OUTCOME(name, means, todo) {KIND_OUTCOME, OTTER_OUTCOME_##name, means, todo},
#define REASON(name, means, todo) {KIND_REASON, OTTER_REASON_##name, means, todo},
#define FAULT(name, means, todo) {KIND_FAULT, OTTER_IMAGE_##name, means, todo},
#include "tool/doctor_rules.def"
#undef OUTCOME
#undef REASON
#undef FAULT
};
enum { ENTRIES = sizeof entries / sizeof entries[0] };

static const char *word_of(const struct entry *entry)
{
    switch (entry->kind) {
    case KIND_OUTCOME:
        return otter_outcome_str((enum otter_outcome)entry->value);
    case KIND_REASON:
        return otter_reason_str((enum otter_reason)entry->value);
    case KIND_FAULT:
        return tool_fault_name(entry->value);
    }
    return "";
}

const struct doctor_rule *doctor_rules(size_t *ret_count)
{
    static struct doctor_rule rules[ENTRIES];
    for (size_t i = 0; i < ENTRIES; i++) {
        rules[i] = (struct doctor_rule){word_of(&entries[i]), entries[i].means, entries[i].todo};
    }
    *ret_count = ENTRIES;
    return rules;
}

static const struct doctor_rule *find(enum kind kind, int value)
{
    size_t count;
    const struct doctor_rule *rules = doctor_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind == kind && entries[i].value == value) {
            return &rules[i];
        }
    }
    return NULL;
}

const struct doctor_rule *doctor_outcome(enum otter_outcome outcome)
{
    return find(KIND_OUTCOME, (int)outcome);
}

const struct doctor_rule *doctor_reason(enum otter_reason reason)
{
    return find(KIND_REASON, (int)reason);
}

const struct doctor_rule *doctor_fault(enum otter_image_fault fault)
{
    return find(KIND_FAULT, (int)fault);
}

const struct doctor_rule *doctor_word(const char *word)
{
    size_t count;
    const struct doctor_rule *rules = doctor_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rules[i].word, word) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}
