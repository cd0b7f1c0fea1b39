/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_mailbox.c - an eventfd wakes the event loop, a list under a lock holds the letters.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tool/serve_work.h"

struct serve_mailbox {
    pthread_mutex_t lock;
    struct serve_letter *first, **last;
    struct event *event;
    int fd;
};

void serve_mailbox_empty(struct serve_mailbox *mailbox)
{
    (void)pthread_mutex_lock(&mailbox->lock);
    struct serve_letter *letter = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    (void)pthread_mutex_unlock(&mailbox->lock);
    while (letter) {
        struct serve_letter *next = letter->next; /* opening it may free it */
        letter->open(letter->ctx);
        letter = next;
    }
}

static void ring(evutil_socket_t fd, short events, void *ctx)
{
    uint64_t count = 0;
    (void)events;
    (void)!read(fd, &count, sizeof count);
    serve_mailbox_empty(ctx);
}

struct serve_mailbox *serve_mailbox_new(struct event_base *base)
{
    struct serve_mailbox *mailbox = calloc(1, sizeof *mailbox);
    if (!mailbox) {
        return NULL;
    }
    (void)pthread_mutex_init(&mailbox->lock, NULL);
    mailbox->last = &mailbox->first;
    mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    mailbox->event = mailbox->fd >= 0 ? event_new(base, mailbox->fd, EV_READ | EV_PERSIST, ring, mailbox) : NULL;
    if (!mailbox->event || event_add(mailbox->event, NULL) != 0) {
        serve_mailbox_free(mailbox);
        return NULL;
    }
    return mailbox;
}

void serve_mailbox_post(struct serve_mailbox *mailbox, struct serve_letter *letter)
{
    uint64_t one = 1;
    letter->next = NULL;
    (void)pthread_mutex_lock(&mailbox->lock);
    *mailbox->last = letter;
    mailbox->last = &letter->next;
    (void)pthread_mutex_unlock(&mailbox->lock);
    (void)!write(mailbox->fd, &one, sizeof one);
}

void serve_mailbox_free(struct serve_mailbox *mailbox)
{
    if (!mailbox) {
        return;
    }
    if (mailbox->event) {
        event_free(mailbox->event);
    }
    if (mailbox->fd >= 0) {
        (void)close(mailbox->fd);
    }
    (void)pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}
