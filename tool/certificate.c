/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.c - keys and certificates: fields, extensions, signature.
 *
 * The extensions follow RFC 5280 and RFC 9525: keyUsage and basicConstraints are critical,
 * leaves carry one extended key usage, servers are named by subjectAltName only.
 */
#include "tool/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

const char *tool_openssl_cause(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(error);
    ERR_clear_error();
    return reason ? reason : "OpenSSL gave no reason";
}

EVP_PKEY *tool_cert_key(unsigned rsa_bits)
{
    return rsa_bits ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
}

bool tool_is_address(const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    bool is = address != NULL;
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return is;
}

/* 127 random bits: positive, and never the same twice. */
static bool set_serial(X509 *cert)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return ok;
}

static bool set_names(X509 *cert, const char *common_name, X509 *issuer)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) == 1;
}

static bool add_text(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return ok;
}

static GENERAL_NAME *host_name(const char *host)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    ERR_clear_error();
    if (name && address) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
        return name;
    }
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (name && text && ASN1_STRING_set(text, host, -1) == 1) {
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        return name;
    }
    ASN1_IA5STRING_free(text);
    ASN1_OCTET_STRING_free(address);
    GENERAL_NAME_free(name);
    return NULL;
}

static bool add_hosts(X509 *cert, const struct tool_cert_spec *spec)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool ok = names != NULL;
    for (size_t i = 0; i < spec->hosts_count && ok; i++) {
        GENERAL_NAME *name = host_name(spec->hosts[i]);
        ok = name && sk_GENERAL_NAME_push(names, name) > 0;
        if (!ok) {
            GENERAL_NAME_free(name);
        }
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

static bool add_extensions(X509 *cert, const struct tool_cert_spec *spec, EVP_PKEY *key, X509 *issuer)
{
    X509 *parent = issuer ? issuer : cert;
    bool ok = add_text(cert, parent, NID_subject_key_identifier, "hash");
    if (spec->use == TOOL_CERT_CA) {
        return ok && add_text(cert, parent, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
               add_text(cert, parent, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    /* RSA key transport is what the replaced system's TLS 1.2 stack may still choose */
    bool rsa_server = spec->use == TOOL_CERT_SERVER && EVP_PKEY_is_a(key, "RSA");
    ok = ok && add_text(cert, parent, NID_authority_key_identifier, "keyid:always") &&
         add_text(cert, parent, NID_basic_constraints, "critical,CA:FALSE") &&
         add_text(cert, parent, NID_key_usage,
                  rsa_server ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature") &&
         add_text(cert, parent, NID_ext_key_usage,
                  spec->use == TOOL_CERT_SERVER ? "serverAuth" : "clientAuth");
    return ok && (spec->hosts_count == 0 || add_hosts(cert, spec));
}

X509 *tool_cert_make(const struct tool_cert_spec *spec, EVP_PKEY *key, X509 *issuer,
                     EVP_PKEY *issuer_key)
{
    X509 *cert = X509_new();
    bool ok = cert && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
              ASN1_TIME_set(X509_getm_notBefore(cert), spec->not_before) &&
              ASN1_TIME_set(X509_getm_notAfter(cert), spec->not_after) &&
              set_names(cert, spec->common_name, issuer) && X509_set_pubkey(cert, key) == 1 &&
              add_extensions(cert, spec, key, issuer) &&
              X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* What a memory BIO holds, as a string of its own; frees the BIO. */
static char *take_text(BIO *bio, bool ok)
{
    char *data;
    char *text = NULL;
    long len = bio ? BIO_get_mem_data(bio, &data) : 0;
    if (ok && len > 0) {
        text = OPENSSL_strndup(data, (size_t)len);
    }
    BIO_free(bio);
    return text;
}

char *tool_cert_pem(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio && PEM_write_bio_X509(bio, cert) == 1);
}

char *tool_cert_key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    return take_text(bio, bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
}
