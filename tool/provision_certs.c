/* SPDX-License-Identifier: Apache-2.0 */
/* provision_certs.c - certificates and keys, looked at before a device gets them. */
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tool/provision.h"
#include "tool/tool.h"

#define SMALL_FILE_MAX (1024u * 1024u)

/* An encrypted key is of no use to a device: nobody is there to type. */
static int no_password(char *buf, int size, int writing, void *ctx)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static X509 *parse_certificate(const struct tool_bytes *bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes->data, (int)bytes->len);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    const unsigned char *at = bytes->data;
    return cert ? cert : d2i_X509(NULL, &at, (long)bytes->len);
}

static EVP_PKEY *parse_key(const struct tool_bytes *bytes)
{
    BIO *bio = BIO_new_mem_buf(bytes->data, (int)bytes->len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    const unsigned char *at = bytes->data;
    return key ? key : d2i_AutoPrivateKey(NULL, &at, (long)bytes->len);
}

static int read_certificate(const char *path, X509 **ret_cert)
{
    struct tool_bytes bytes;
    int rc = tool_read_file(path, SMALL_FILE_MAX, &bytes);
    if (rc != 0) {
        return rc;
    }
    X509 *cert = parse_certificate(&bytes);
    tool_bytes_free(&bytes);
    if (!cert) {
        return tool_refuse("'%s' is not a certificate (PEM or DER); `otter certs` makes some", path);
    }
    *ret_cert = cert;
    return 0;
}

static int check_key(const char *path, const char *cert_path, X509 *cert)
{
    struct tool_bytes bytes;
    int rc = tool_read_file(path, SMALL_FILE_MAX, &bytes);
    if (rc != 0) {
        return rc;
    }
    EVP_PKEY *key = parse_key(&bytes);
    tool_bytes_free(&bytes);
    if (!key) {
        return tool_refuse("'%s' is not a private key (PEM or DER, not encrypted)", path);
    }
    if (X509_check_private_key(cert, key) != 1) {
        rc = tool_refuse("the key '%s' does not belong to the certificate '%s'", path, cert_path);
    }
    EVP_PKEY_free(key);
    return rc;
}

int provision_check_certificates(const struct provision *provision)
{
    X509 *ca = NULL;
    X509 *cert = NULL;
    int rc = provision->ca ? read_certificate(provision->ca, &ca) : 0;
    if (rc == 0 && provision->cert) {
        rc = read_certificate(provision->cert, &cert);
        rc = rc ? rc : check_key(provision->key_file, provision->cert, cert);
    }
    X509_free(ca);
    X509_free(cert);
    return rc;
}
