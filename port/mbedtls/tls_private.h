/* SPDX-License-Identifier: Apache-2.0 */
/* tls_private.h - what the files of the TLS transport share. */
#ifndef OTTER_PORT_MBEDTLS_TLS_PRIVATE_H
#define OTTER_PORT_MBEDTLS_TLS_PRIVATE_H

#include "port/mbedtls/hooks.h"
#include "port/mbedtls/tls.h"

/* tls.c */
void otter_tls_bind(struct otter_tls *tls, struct otter_transport *ret_transport);

/* tls_session.c: the hooks are entered. Nothing here can fail a connection. */
bool otter_tls_session_offer(struct otter_tls *tls);  /* the one of this host, if any */
void otter_tls_session_save(struct otter_tls *tls);   /* what the server gave just now */
void otter_tls_session_forget(struct otter_tls *tls); /* the one of this host */
void otter_tls_sessions_free(struct otter_tls *tls);

/* tls_cause.c: the enum otter_err that tls->error and tls->alert amount to. */
int otter_tls_judge(const struct otter_tls *tls);

#endif
