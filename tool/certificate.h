/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.h - make keys and X.509 certificates with OpenSSL; `otter certs` and the tests.
 *
 * A leaf names its hosts in subjectAltName: an address as iPAddress, a name as dNSName.
 * Failures return NULL; tool_openssl_cause says why.
 */
#ifndef OTTER_TOOL_CERTIFICATE_H
#define OTTER_TOOL_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum tool_cert_use { TOOL_CERT_CA, TOOL_CERT_SERVER, TOOL_CERT_CLIENT };

struct tool_cert_spec {
    enum tool_cert_use use;
    const char *common_name;
    const char *const *hosts; /* server: at least one */
    size_t hosts_count;
    time_t not_before, not_after;
};

/* P-256, or RSA of that many bits (0: P-256). */
EVP_PKEY *tool_cert_key(unsigned rsa_bits);

/* issuer NULL: self-signed. Signed with SHA-256; the serial number is random. */
X509 *tool_cert_make(const struct tool_cert_spec *spec, EVP_PKEY *key, X509 *issuer,
                     EVP_PKEY *issuer_key);

/* Is it an IPv4 or IPv6 address? */
bool tool_is_address(const char *host);

/* PEM text in memory; release with OPENSSL_free. NULL on failure. */
char *tool_cert_pem(X509 *cert);
char *tool_cert_key_pem(EVP_PKEY *key);

/* OpenSSL's newest complaint; empties its queue. */
const char *tool_openssl_cause(void);

#endif
