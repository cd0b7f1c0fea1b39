/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_tls.c - the server's certificate, its versions, its sessions, its clients' CA.
 *
 * Sessions are kept here, and a ticket is only the number of one: with OpenSSL's other kind,
 * which carries the whole session (and a client's certificate) both ways, an idle poll would
 * cost a third more. After a restart of the server a device makes one full handshake.
 */
#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tool/certificate.h"
#include "tool/serve.h"

enum { SESSIONS_MAX = 65536, SESSION_SECONDS = 7 * 86400 }; /* a device may poll once a day */

static int json_of_ctx = -1; /* ex_data: whether alerts are logged as JSON */

static void peer_of(const SSL *ssl, char *ret_text, size_t size)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[INET6_ADDRSTRLEN] = "?";
    uint16_t port = 0;
    if (getpeername(SSL_get_fd(ssl), (struct sockaddr *)&address, &len) == 0) {
        if (address.ss_family == AF_INET) {
            const struct sockaddr_in *in = (const void *)&address;
            inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
            port = ntohs(in->sin_port);
        } else if (address.ss_family == AF_INET6) {
            const struct sockaddr_in6 *in6 = (const void *)&address;
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
            port = ntohs(in6->sin6_port);
        }
    }
    snprintf(ret_text, size, "%s:%u", host, (unsigned)port);
}

/* OpenSSL 3.0 has no words for the alert that a missing certificate brings in TLS 1.3. */
static const char *words_of(int alert)
{
    return (alert & 0xff) == 116 ? "certificate required" : SSL_alert_desc_string_long(alert);
}

static void watch(const SSL *ssl, int where, int value)
{
    char what[128];
    char peer[INET6_ADDRSTRLEN + 8];
    if (!(where & SSL_CB_ALERT) || strcmp(SSL_alert_type_string(value), "F") != 0) {
        return;
    }
    snprintf(what, sizeof what, "%s \"%s\"", where & SSL_CB_READ ? "the client says" : "refused, told the client",
             words_of(value));
    peer_of(ssl, peer, sizeof peer);
    serve_log_alert(what, peer, SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), json_of_ctx) != NULL);
}

/* 0: not a version. */
static int version_of(const char *text, int otherwise)
{
    if (!text) {
        return otherwise;
    }
    return strcmp(text, "1.2") == 0 ? TLS1_2_VERSION : strcmp(text, "1.3") == 0 ? TLS1_3_VERSION : 0;
}

static int set_versions(const struct serve_options *options, SSL_CTX *tls)
{
    int min = version_of(options->tls_min, TLS1_2_VERSION);
    int max = version_of(options->tls_max, TLS1_3_VERSION);
    if (min == 0 || max == 0 || min > max) {
        return tool_usage("--tls-min and --tls-max are 1.2 or 1.3, the smaller first");
    }
    SSL_CTX_set_min_proto_version(tls, min);
    SSL_CTX_set_max_proto_version(tls, max);
    return 0;
}

/* OpenSSL's messages do not name files: look first whether it can be read at all. */
static int check_readable(const char *path)
{
    struct tool_bytes bytes;
    int rc = tool_read_file(path, 1 << 20, &bytes);
    if (rc == 0) {
        OPENSSL_cleanse(bytes.data, bytes.len);
        tool_bytes_free(&bytes);
    }
    return rc;
}

static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return 0; /* never ask at a terminal */
}

static int set_identity(const struct serve_options *options, SSL_CTX *tls)
{
    int rc = check_readable(options->cert);
    if (rc == 0) {
        rc = check_readable(options->key);
    }
    if (rc != 0) {
        return rc;
    }
    SSL_CTX_set_default_passwd_cb(tls, no_password);
    if (SSL_CTX_use_certificate_chain_file(tls, options->cert) != 1) {
        return tool_refuse("'%s' is no PEM certificate: %s", options->cert, tool_openssl_cause());
    }
    if (SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) != 1) {
        return tool_refuse("'%s' is not the PEM private key (without a passphrase) of '%s': %s", options->key,
                           options->cert, tool_openssl_cause());
    }
    return 0;
}

static int set_clients(const struct serve_options *options, SSL_CTX *tls)
{
    if (!options->client_ca) {
        return 0;
    }
    int rc = check_readable(options->client_ca);
    if (rc != 0) {
        return rc;
    }
    if (SSL_CTX_load_verify_file(tls, options->client_ca) != 1) {
        return tool_refuse("'%s' is no PEM CA certificate: %s", options->client_ca, tool_openssl_cause());
    }
    SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(options->client_ca));
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | (options->client_ca_optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
    return 0;
}

int serve_tls_init(const struct serve_options *options, SSL_CTX **ret_tls)
{
    static const unsigned char context[] = "otter serve";
    static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20"; /* of TLS 1.2; all of 1.3 are as good */
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls) {
        return tool_refuse("TLS cannot start: %s", tool_openssl_cause());
    }
    SSL_CTX_set_session_id_context(tls, context, sizeof context - 1);
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_TICKET);
    SSL_CTX_set_options(tls, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS); /* thousands of connections are idle */
    if (SSL_CTX_set_cipher_list(tls, ciphers) != 1) {
        SSL_CTX_free(tls);
        return tool_refuse("TLS cannot start: %s", tool_openssl_cause());
    }
    SSL_CTX_set_num_tickets(tls, 1);
    SSL_CTX_sess_set_cache_size(tls, SESSIONS_MAX);
    SSL_CTX_set_timeout(tls, SESSION_SECONDS);
    json_of_ctx = json_of_ctx < 0 ? SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL) : json_of_ctx;
    SSL_CTX_set_ex_data(tls, json_of_ctx, options->as_json ? tls : NULL);
    SSL_CTX_set_info_callback(tls, watch);
    int rc = set_versions(options, tls);
    if (rc == 0) {
        rc = set_identity(options, tls);
    }
    if (rc == 0) {
        rc = set_clients(options, tls);
    }
    if (rc != 0) {
        SSL_CTX_free(tls);
        return rc;
    }
    *ret_tls = tls;
    return 0;
}

struct bufferevent *serve_tls_connection(struct event_base *base, void *ctx)
{
    const struct serve *serve = ctx;
    SSL *ssl = SSL_new(serve->tls);
    struct bufferevent *connection =
        bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (connection) {
        bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
        serve_guard_watch(serve->guard, connection);
    }
    return connection;
}
