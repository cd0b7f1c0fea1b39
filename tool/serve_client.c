/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_client.c - who asks: the address, the name in a certificate, a token, a version.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tool/serve.h"

/* One common name, as it stands there: a zero byte in it, or a second name, make it none. */
static void certificate_name(SSL *ssl, char *ret_name, size_t size)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    ret_name[0] = 0;
    if (!cert) {
        return;
    }
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    bool single = at >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0;
    unsigned char *text = NULL;
    int len = single ? ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))) : -1;
    if (len > 0 && (size_t)len < size && strlen((const char *)text) == (size_t)len &&
        fleet_is_name((const char *)text)) {
        memcpy(ret_name, text, (size_t)len + 1);
    }
    OPENSSL_free(text);
    X509_free(cert);
}

/* The proxy on this machine adds its own client as the last of the list. */
static void forwarded(struct evhttp_request *request, struct serve_client *client)
{
    const char *list = evhttp_find_header(evhttp_request_get_input_headers(request), "X-Forwarded-For");
    if (!list) {
        return;
    }
    const char *comma = strrchr(list, ',');
    const char *last = comma ? comma + 1 : list;
    last += strspn(last, " \t");
    unsigned char raw[16];
    char text[INET6_ADDRSTRLEN];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(last, " \t"), last);
    if (inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1) {
        snprintf(client->address, sizeof client->address, "%s", text);
        snprintf(client->peer, sizeof client->peer, "%s", text);
    }
    client->is_local = false;
}

void serve_client_of(const struct serve *serve, struct evhttp_request *request, struct serve_client *ret_client)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    char *address = NULL;
    uint16_t port = 0;
    *ret_client = (struct serve_client){.version = NULL};
    evhttp_connection_get_peer(connection, &address, &port);
    const char *known = address ? address : "?";
    bool is_v6 = strchr(known, ':') != NULL;
    snprintf(ret_client->address, sizeof ret_client->address, "%s", known);
    snprintf(ret_client->peer, sizeof ret_client->peer, "%s%s%s:%u", is_v6 ? "[" : "", known, is_v6 ? "]" : "",
             (unsigned)port);
    ret_client->is_local =
        strncmp(known, "127.", 4) == 0 || strcmp(known, "::1") == 0 || strncmp(known, "::ffff:127.", 11) == 0;
    if (serve->options->behind_proxy && ret_client->is_local) {
        forwarded(request, ret_client);
    }
    if (!serve->tls) {
        return;
    }
    SSL *ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
    if (ssl) {
        ret_client->version = SSL_get_version(ssl);
        ret_client->resumed = SSL_session_reused(ssl) == 1;
        if (serve->options->client_ca) {
            certificate_name(ssl, ret_client->name, sizeof ret_client->name);
        }
    }
}

void serve_token_of(struct evhttp_request *request, char ret_hash[FLEET_HASH_SIZE])
{
    enum { TOKEN_MAX = 512 };
    const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization");
    ret_hash[0] = 0;
    if (!value || strncasecmp(value, "Bearer ", 7) != 0) {
        return;
    }
    value += 7;
    value += strspn(value, " ");
    if (value[0] && strlen(value) <= TOKEN_MAX) {
        fleet_token_hash(value, ret_hash);
    }
}

void serve_version_of(struct evhttp_request *request, char ret_version[FLEET_WORD_SIZE])
{
    const char *agent = evhttp_find_header(evhttp_request_get_input_headers(request), "User-Agent");
    size_t len = 0;
    ret_version[0] = 0;
    while (agent && strncmp(agent, "app/", 4) != 0) { /* a word of its own */
        agent = strchr(agent, ' ');
        agent += agent ? 1 : 0;
    }
    if (!agent) {
        return;
    }
    agent += 4;
    while (len < FLEET_WORD_SIZE - 1 && (isalnum((unsigned char)agent[len]) || strchr(".+-_", agent[len])) &&
           agent[len]) {
        ret_version[len] = agent[len];
        len++;
    }
    ret_version[len] = 0;
    if (strcmp(ret_version, "0.0.0") == 0) {
        ret_version[0] = 0;
    }
}
