/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout.c - `otter rollout`: look at a rollout, let more devices in, stop it, go on.
 *
 * Each change is a new job document of the same image with the next Sequence. Devices hear of
 * it at their next poll.
 */
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/jws.h"
#include "tool/publish.h"
#include "tool/quantity.h"
#include "tool/rollout.h"

enum { LOCK_SECONDS = 30 };

static int there(struct store *store, const char *name, bool *ret_there)
{
    struct tool_bytes bytes = {NULL, 0};
    int rc = store_get(store, name, JOB_FILE_MAX, &bytes, ret_there);
    tool_bytes_free(&bytes);
    return rc;
}

/* Which document is meant: as told, or the only one, or with a key the signed one. */
static int choose_job(struct store *store, const struct rollout_options *options, bool for_change, const char **ret_name)
{
    bool is_signed = options->job_key != NULL;
    bool plain = false;
    int rc = 0;
    if (!options->job && !is_signed) {
        rc = there(store, JOB_SIGNED, &is_signed);
        rc = rc == 0 && is_signed && for_change ? there(store, JOB_PLAIN, &plain) : rc;
    }
    if (rc == 0 && plain) {
        return tool_usage("there are " JOB_SIGNED " and " JOB_PLAIN ": --job says which, the signed one needs --job-key");
    }
    *ret_name = options->job ? options->job : is_signed ? JOB_SIGNED : JOB_PLAIN;
    return rc;
}

static int change(struct store *store, const char *name, const struct tool_key *key, const struct rollout_order *order,
                  const struct rollout_options *options)
{
    struct rollout_done done;
    bool other = false;
    int rc = rollout_change(store, name, key, order, &done);
    if (rc == 0) {
        rollout_show_done(store, name, order, &done, options->as_json != 0);
    }
    if (rc == 0 && strcmp(name, JOB_SIGNED) == 0 && !options->as_json && there(store, JOB_PLAIN, &other) == 0 && other) {
        puts(JOB_PLAIN " is there too, for devices that take plain jobs, and stays as it is: --job " JOB_PLAIN
             " without --job-key changes it");
    }
    return rc;
}

enum verb { VERB_STATUS, VERB_HISTORY, VERB_CHANGE };

static int act(const struct rollout_options *options, enum verb verb, const struct rollout_order *order,
               const struct tool_key *key)
{
    struct store *store = NULL;
    const char *name = NULL;
    int rc = store_open(&options->place, verb == VERB_CHANGE ? STORE_CHANGE : STORE_READ, LOCK_SECONDS, &store);
    if (rc != 0) {
        return rc;
    }
    if (verb == VERB_HISTORY) {
        rc = rollout_show_history(store, options->as_json != 0);
    } else {
        rc = choose_job(store, options, verb == VERB_CHANGE, &name);
        if (rc == 0) {
            rc = verb == VERB_STATUS ? rollout_show(store, name, key, options->as_json != 0)
                                     : change(store, name, key, order, options);
        }
    }
    store_close(store, false);
    return rc;
}

static int with_key(const struct rollout_options *options, enum verb verb, const struct rollout_order *order)
{
    struct tool_key key = {.pkey = NULL};
    int rc = options->job_key ? tool_job_key_read(options->job_key, verb == VERB_CHANGE, &key) : 0;
    if (rc == 0) {
        rc = act(options, verb, order, options->job_key ? &key : NULL);
        tool_key_free(&key);
    }
    return rc;
}

/* raise [SHARE] [--ring ...] [--ramp ...] */
static int parse_raise(const struct rollout_options *options, const char *share, char rings[PUBLISH_RINGS_SIZE],
                       struct rollout_order *order)
{
    int rc = publish_rings_join(options->rings, rings);
    order->permille = -1;
    order->rings = options->rings || options->no_rings ? rings : NULL;
    if (rc != 0) {
        return rc;
    }
    if (options->rings && options->no_rings) {
        return tool_usage("--ring and --no-rings: one of them");
    }
    if (!share && !order->rings) {
        return tool_usage("raise to what? `otter rollout raise 10%% ...`");
    }
    if (share && (!tool_permille_parse(share, &order->permille) || order->permille == 0)) {
        return tool_usage("raise takes more than 0%% up to 100%%, e.g. 2.5%% (`otter rollout halt` stops it)");
    }
    if (options->ramp && (!share || !tool_duration_parse(options->ramp, &order->ramp_seconds) ||
                          order->ramp_seconds == 0)) {
        return tool_usage("--ramp takes a duration, e.g. 36h, 7d or 2w, and a share to go to");
    }
    return 0;
}

static int parse_verb(const char *word, enum verb *ret_verb, enum rollout_action *ret_action)
{
    *ret_verb = VERB_CHANGE;
    if (strcmp(word, "status") == 0) {
        *ret_verb = VERB_STATUS;
        return 0;
    }
    if (strcmp(word, "history") == 0) {
        *ret_verb = VERB_HISTORY;
        return 0;
    }
    for (int action = ROLLOUT_RAISE; action <= ROLLOUT_RENEW; action++) {
        if (strcmp(word, rollout_action_name((enum rollout_action)action)) == 0) {
            *ret_action = (enum rollout_action)action;
            return 0;
        }
    }
    return tool_usage("'%s': use status, raise, halt, resume, renew or history", word);
}

static int check_history(const struct rollout_options *options)
{
    if (options->place.to && !options->place.history) {
        return tool_usage("--history FILE is needed: with --to it is a file of yours");
    }
    return 0;
}

/* Options that this verb has no use for are a mistake, not nothing. */
static int check_use(const struct rollout_options *options, enum verb verb, enum rollout_action action)
{
    bool raises = verb == VERB_CHANGE && action == ROLLOUT_RAISE;
    if (!raises && (options->ramp || options->rings || options->no_rings || options->force)) {
        return tool_usage("--ramp, --ring, --no-rings and --force are for raise");
    }
    if (verb != VERB_CHANGE && (options->expires || options->message)) {
        return tool_usage("--expires and --message are for raise, halt, resume and renew");
    }
    if (verb == VERB_HISTORY && (options->job || options->job_key)) {
        return tool_usage("--job and --job-key are not for history: it is one for the whole place");
    }
    return 0;
}

static int rollout(const struct rollout_options *options, const char **args)
{
    char rings[PUBLISH_RINGS_SIZE];
    enum verb verb = VERB_STATUS;
    struct rollout_order order = {.message = options->message, .force = options->force != 0};
    if (!args[0]) {
        return tool_usage("what is to be done: status, raise, halt, resume, renew or history?");
    }
    int rc = parse_verb(args[0], &verb, &order.action);
    bool raises = rc == 0 && verb == VERB_CHANGE && order.action == ROLLOUT_RAISE;
    if (rc == 0 && args[1] && (!raises || args[2])) {
        return tool_usage("'%s' is one word too many", raises ? args[2] : args[1]);
    }
    if (rc == 0 && !tool_is_text(options->message)) {
        return tool_usage("--message is no UTF-8 text");
    }
    rc = rc == 0 ? check_use(options, verb, order.action) : rc;
    rc = rc == 0 ? store_options_check(&options->place, verb == VERB_CHANGE) : rc;
    rc = rc == 0 && verb == VERB_HISTORY ? check_history(options) : rc;
    rc = rc == 0 && raises ? parse_raise(options, args[1], rings, &order) : rc;
    if (rc == 0 && options->expires && (!tool_duration_parse(options->expires, &order.expires_seconds) ||
                                        order.expires_seconds == 0)) {
        return tool_usage("--expires takes a duration, e.g. 12h, 30d or 8w");
    }
    return rc == 0 ? with_key(options, verb, &order) : rc;
}

int tool_rollout(int argc, const char **argv)
{
    struct rollout_options o = {.as_json = 0};
    const struct poptOption *place = store_option_table(&o.place);
    const struct poptOption table[] = {
        {"job-key", 'j', POPT_ARG_STRING, &o.job_key, 0, "the key that signs the job; status: checks it", "KEY.pem"},
        {"job", 0, POPT_ARG_STRING, &o.job, 0, "name of the job document [ota_update.jws, else .json]", "NAME"},
        {"message", 'm', POPT_ARG_STRING, &o.message, 0, "why, for the history", "TEXT"},
        {"expires", 0, POPT_ARG_STRING, &o.expires, 0, "from now on good for [as long as the last]", "TIME"},
        {"ramp", 0, POPT_ARG_STRING, &o.ramp, 0, "raise: from where it is, in this time, e.g. 7d", "TIME"},
        {"ring", 0, POPT_ARG_ARGV, &o.rings, 0, "raise: for these rings in place of the present ones", "NAME"},
        {"no-rings", 0, POPT_ARG_NONE, &o.no_rings, 0, "raise: no rings any more", NULL},
        {"force", 0, POPT_ARG_NONE, &o.force, 0, "raise: also a halted one, also to less", NULL},
        {"json", 0, POPT_ARG_NONE, &o.as_json, 0, "one line of JSON", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, (void *)(uintptr_t)place, 0, "Where:", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("rollout", argc, argv, table,
                     "status|raise SHARE|halt|resume|renew|history --folder DIR|--to URL [option...]", &context, &args,
                     &rc) == 0) {
        rc = rollout(&o, args);
        poptFreeContext(context);
    }
    char *const all[] = {o.job_key, o.job, o.message, o.expires, o.ramp};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
    tool_list_free(o.rings);
    store_options_free(&o.place);
    return rc;
}
