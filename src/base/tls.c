/* SPDX-License-Identifier: MIT */
/*
 * Owns OpenSSL's TLS: contexts with the same strictness on both sides, and connections that never
 * block. OpenSSL's error queue is emptied here, around each call, so that no later call reads an
 * old error as its own.
 */
#include "base/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { ALPN_MOST = 16, REASON_MOST = 120, NAME_MOST = 255 };

struct tls_ctx {
	SSL_CTX *ssl;
	unsigned char alpn[ALPN_MOST + 1]; /* as on the wire: a length, and the name */
	unsigned alpn_len;		   /* 0: none */
};

struct tls {
	SSL *ssl;
	bool ready, must_alpn;
	char reason[REASON_MOST];
};

/* Contexts --------------------------------------------------------------------------------------*/

static const char *last_reason(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	return why != NULL ? why : "unknown error";
}

static enum tp_rc bad_file(struct tp_err *err, const char *file)
{
	tp_fail(err, TP_INVALID, "%.90s: %.50s", file, last_reason());
	ERR_clear_error();
	return TP_INVALID;
}

/* A key with a passphrase cannot be used: nobody is there to type it, and nobody is asked. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
static int no_passphrase(char *p, int n, int writing, void *arg)
{
	(void)p;
	(void)n;
	(void)writing;
	(void)arg;
	return -1;
}

/* NULL: no memory. */
static struct tls_ctx *new_ctx(const SSL_METHOD *method, const char *alpn)
{
	struct tls_ctx *c = calloc(1, sizeof(*c));
	size_t len = alpn != NULL ? strlen(alpn) : 0;

	assert(len <= ALPN_MOST);
	if (c != NULL)
		c->ssl = SSL_CTX_new(method);
	if (c == NULL || c->ssl == NULL) {
		tls_ctx_close(c);
		return NULL;
	}
	if (len > 0) {
		c->alpn[0] = (unsigned char)len;
		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): as on the wire */
		memcpy(c->alpn + 1, alpn, len);
		c->alpn_len = (unsigned)len + 1;
	}
	SSL_CTX_set_min_proto_version(c->ssl, TLS1_2_VERSION);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					    SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(c->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(c->ssl, no_passphrase);
	return c;
}

static enum tp_rc use_certificate(struct tls_ctx *c, const char *cert, const char *key,
				  struct tp_err *err)
{
	if (SSL_CTX_use_certificate_chain_file(c->ssl, cert) != 1)
		return bad_file(err, cert);
	if (SSL_CTX_use_PrivateKey_file(c->ssl, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(c->ssl) != 1)
		return bad_file(err, key);
	return TP_OK;
}

/* RFC 7301 3.2: no protocol in common ends the handshake. */
static int choose_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
		       const unsigned char *offered, unsigned offered_len, void *arg)
{
	const struct tls_ctx *c = arg;
	unsigned i = 0;

	(void)ssl;
	while (i < offered_len) {
		unsigned len = offered[i];

		if (i + 1 + len <= offered_len && len + 1 == c->alpn_len &&
		    memcmp(offered + i, c->alpn, c->alpn_len) == 0) {
			*ret = offered + i + 1;
			*ret_len = (unsigned char)len;
			return SSL_TLSEXT_ERR_OK;
		}
		i += 1 + len;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static enum tp_rc ask_for_certificates(struct tls_ctx *c, const char *ca, struct tp_err *err)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);

	if (names == NULL || SSL_CTX_load_verify_locations(c->ssl, ca, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return bad_file(err, ca);
	}
	SSL_CTX_set_client_CA_list(c->ssl, names);
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return TP_OK;
}

enum tp_rc tls_server_open(const struct tls_server_spec *spec, struct tls_ctx **ret,
			   struct tp_err *err)
{
	struct tls_ctx *c = new_ctx(TLS_server_method(), spec->alpn);
	enum tp_rc rc;

	if (c == NULL)
		return tp_fail(err, TP_NOMEM, "TLS: out of memory");
	SSL_CTX_set_num_tickets(c->ssl, 0);
	if (c->alpn_len > 0)
		SSL_CTX_set_alpn_select_cb(c->ssl, choose_alpn, c);
	rc = use_certificate(c, spec->cert_file, spec->key_file, err);
	if (rc == TP_OK && spec->client_ca_file != NULL)
		rc = ask_for_certificates(c, spec->client_ca_file, err);
	if (rc != TP_OK) {
		tls_ctx_close(c);
		return rc;
	}
	*ret = c;
	return TP_OK;
}

static enum tp_rc trust(struct tls_ctx *c, const char *ca, struct tp_err *err)
{
	if (ca != NULL && SSL_CTX_load_verify_locations(c->ssl, ca, NULL) != 1)
		return bad_file(err, ca);
	if (ca == NULL && SSL_CTX_set_default_verify_paths(c->ssl) != 1)
		return bad_file(err, "the system's certificates");
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	return TP_OK;
}

enum tp_rc tls_client_open(const struct tls_client_spec *spec, struct tls_ctx **ret,
			   struct tp_err *err)
{
	struct tls_ctx *c = new_ctx(TLS_client_method(), spec->alpn);
	enum tp_rc rc;

	if (c == NULL)
		return tp_fail(err, TP_NOMEM, "TLS: out of memory");
	rc = trust(c, spec->ca_file, err);
	if (rc == TP_OK && spec->cert_file != NULL)
		rc = use_certificate(c, spec->cert_file, spec->key_file, err);
	/* 0 is its success, unlike the rest. */
	if (rc == TP_OK && c->alpn_len > 0 &&
	    SSL_CTX_set_alpn_protos(c->ssl, c->alpn, c->alpn_len) != 0)
		rc = tp_fail(err, TP_NOMEM, "TLS: out of memory");
	if (rc != TP_OK) {
		tls_ctx_close(c);
		return rc;
	}
	*ret = c;
	return TP_OK;
}

void tls_ctx_close(struct tls_ctx *c)
{
	if (c == NULL)
		return;
	/* OpenSSL's own object may outlive us, with the connections; what it would ask then goes
	 * now. */
	if (c->ssl != NULL)
		SSL_CTX_set_alpn_select_cb(c->ssl, NULL, NULL);
	SSL_CTX_free(c->ssl);
	free(c);
}

/* Connections -----------------------------------------------------------------------------------*/

/* NULL: no memory. */
static struct tls *new_tls(const struct tls_ctx *c, int fd)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->ssl = SSL_new(c->ssl);
	if (t == NULL || t->ssl == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		tls_close(t);
		ERR_clear_error();
		return NULL;
	}
	t->must_alpn = c->alpn_len > 0;
	return t;
}

enum tp_rc tls_accept(const struct tls_ctx *c, int fd, struct tls **ret, struct tp_err *err)
{
	struct tls *t = new_tls(c, fd);

	if (t == NULL)
		return tp_fail(err, TP_NOMEM, "TLS: out of memory");
	SSL_set_accept_state(t->ssl);
	*ret = t;
	return TP_OK;
}

static bool is_ip(const char *host)
{
	unsigned char addr[16];

	return inet_pton(AF_INET, host, addr) == 1 || inet_pton(AF_INET6, host, addr) == 1;
}

static bool expect_host(SSL *ssl, const char *host)
{
	char name[NAME_MOST + 1]; /* OpenSSL's macro takes the const away */
	size_t len = strlen(host);

	if (len > NAME_MOST)
		return false;
	memcpy(name, host, len + 1);
	if (is_ip(host))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* Without a name nothing would be compared. */
	return host[0] != '\0' && SSL_set1_host(ssl, host) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

enum tp_rc tls_connect(const struct tls_ctx *c, int fd, const char *host, struct tls **ret,
		       struct tp_err *err)
{
	struct tls *t = new_tls(c, fd);

	if (t == NULL)
		return tp_fail(err, TP_NOMEM, "TLS: out of memory");
	if (!expect_host(t->ssl, host)) {
		tls_close(t);
		ERR_clear_error();
		return tp_fail(err, TP_INVALID, "TLS: '%.80s' is no name of a host", host);
	}
	SSL_set_connect_state(t->ssl);
	*ret = t;
	return TP_OK;
}

void tls_close(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->ready && t->reason[0] == '\0')
		SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	ERR_clear_error();
	free(t);
}

static int broken(struct tls *t, const char *why)
{
	snprintf(t->reason, sizeof(t->reason), "%s", why);
	ERR_clear_error();
	return TLS_BROKEN;
}

/* "certificate verify failed" alone would leave the operator to guess. */
static int broken_protocol(struct tls *t)
{
	long verdict = SSL_get_verify_result(t->ssl);
	char why[REASON_MOST];

	if (ERR_GET_REASON(ERR_peek_last_error()) != SSL_R_CERTIFICATE_VERIFY_FAILED ||
	    verdict == X509_V_OK)
		return broken(t, last_reason());
	snprintf(why, sizeof(why), "the certificate: %s", X509_verify_cert_error_string(verdict));
	return broken(t, why);
}

/* What a result that is no success means. */
static int why_not(struct tls *t, int result, int saved_errno)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	case SSL_ERROR_SYSCALL:
		return broken(t, saved_errno != 0 ? strerrordesc_np(saved_errno)
						  : "the connection was cut off");
	default:
		return broken_protocol(t);
	}
}

static bool has_alpn(const struct tls *t)
{
	const unsigned char *name;
	unsigned len = 0;

	SSL_get0_alpn_selected(t->ssl, &name, &len);
	return len > 0;
}

int tls_handshake(struct tls *t)
{
	int n, no;

	if (t->ready)
		return 1;
	if (t->reason[0] != '\0')
		return TLS_BROKEN;
	ERR_clear_error();
	errno = 0;
	n = SSL_do_handshake(t->ssl);
	if (n != 1) {
		no = why_not(t, n, errno);
		return no == TLS_END ? broken(t, "closed during the handshake") : no;
	}
	/* A peer that knows nothing of ALPN gets through OpenSSL; here it does not. */
	if (t->must_alpn && !has_alpn(t))
		return broken(t, "the peer does not speak the protocol (ALPN)");
	t->ready = true;
	return 1;
}

static int clamp(size_t n)
{
	return n < INT32_MAX ? (int)n : INT32_MAX;
}

ptrdiff_t tls_read(struct tls *t, void *p, size_t n)
{
	int got;

	if (!t->ready || t->reason[0] != '\0')
		return TLS_BROKEN;
	ERR_clear_error();
	errno = 0;
	got = SSL_read(t->ssl, p, clamp(n));
	return got > 0 ? got : why_not(t, got, errno);
}

ptrdiff_t tls_write(struct tls *t, const void *p, size_t n)
{
	int put, no;

	if (!t->ready || t->reason[0] != '\0')
		return TLS_BROKEN;
	ERR_clear_error();
	errno = 0;
	put = SSL_write(t->ssl, p, clamp(n));
	if (put > 0)
		return put;
	no = why_not(t, put, errno);
	return no == TLS_END ? broken(t, "the connection is closed") : no;
}

bool tls_pending(const struct tls *t)
{
	return SSL_pending(t->ssl) > 0;
}

const char *tls_reason(const struct tls *t)
{
	return t->reason[0] != '\0' ? t->reason : "none";
}
