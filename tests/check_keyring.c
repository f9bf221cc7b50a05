/* SPDX-License-Identifier: MIT */
/*
 * Keys: which settings make a ring and which are refused, ids by RFC 7638, signatures by the
 * examples of RFC 7515, and which key answers for which signature.
 */
#include "token/keyring.h"

#include "base/codec.h"
#include "base/limits.h"
#include "support/check_run.h"
#include "support/test_keys.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

static const struct span nothing = { NULL, 0 };

/* RFC 7515 appendix A.1 and A.2. */
static const char a1_key[] = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h"
			     "cgUuTwjAzZr1Z9CAow";
#define CLAIMS                                                                                     \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
static const char a1_input[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS;
static const char a1_sig[] = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char a2_input[] = "eyJhbGciOiJSUzI1NiJ9." CLAIMS;
static const char a2_sig[] =
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"
	"p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB"
	"MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY"
	"I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

struct sig {
	unsigned char p[KEYRING_SIG_MOST];
	size_t len;
};

static struct span sig_view(const struct sig *s)
{
	return (struct span){ (const char *)s->p, s->len };
}

static struct sig from_b64url(const char *text)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(KEYRING_SIG_MOST);
	struct sig s;

	ck_assert_int_eq(codec_b64url_get(span_of(text), &b, NULL), TP_OK);
	memcpy(s.p, b.p, b.len);
	s.len = b.len;
	return s;
}

static struct keyring *open_ring(const struct keyring_spec *spec)
{
	struct keyring *k = NULL;
	struct tp_err err = { 0 };

	ck_assert_msg(keyring_open(spec, &k, &err) == TP_OK, "%s", err.msg);
	return k;
}

static struct keyring *rsa_ring(struct span pub, struct span priv)
{
	return open_ring(
		&(struct keyring_spec){ KEYRING_RS256, .public_key = pub, .private_key = priv });
}

static struct keyring *secret_ring(struct span secret)
{
	return open_ring(&(struct keyring_spec){ KEYRING_HS256, .secret = secret });
}

static struct keyring *ring_with_file(const char *secret, const char *path)
{
	const char *const files[] = { path, NULL };

	return open_ring(&(struct keyring_spec){
		.alg = KEYRING_HS256, .secret = span_of(secret), .verify_files = files });
}

static void refuse_ring(const struct keyring_spec *spec, const char *msg)
{
	struct keyring *k = NULL;
	struct tp_err err = { 0 };

	ck_assert_int_eq(keyring_open(spec, &k, &err), TP_INVALID);
	ck_assert_str_eq(err.msg, msg);
	ck_assert_ptr_null(k);
	ck_assert_uint_eq(ERR_peek_error(), 0);
}

static struct sig sign(const struct keyring *k, const char *input)
{
	struct sig s;

	ck_assert_int_eq(keyring_sign(k, span_of(input), s.p, &s.len, NULL), TP_OK);
	return s;
}

static enum tp_rc verify(const struct keyring *k, struct span kid, const char *input,
			 const struct sig *s)
{
	enum tp_rc rc = keyring_verify(k, kid, span_of(input), sig_view(s), NULL);

	ck_assert_uint_eq(ERR_peek_error(), 0);
	return rc;
}

/* ---- signatures ---- */

START_TEST(makes_and_verifies_the_hs256_example_of_rfc_7515)
{
	struct sig key = from_b64url(a1_key), expected = from_b64url(a1_sig), made;
	struct keyring *k = secret_ring(sig_view(&key));

	made = sign(k, a1_input);
	ck_assert_uint_eq(made.len, expected.len);
	ck_assert_mem_eq(made.p, expected.p, expected.len);
	ck_assert_int_eq(verify(k, nothing, a1_input, &expected), TP_OK);
	ck_assert_int_eq(verify(k, nothing, a2_input, &expected), TP_DENIED);
	keyring_close(k);
}
END_TEST

START_TEST(makes_the_hmacs_that_openssl_makes)
{
	static char key[200];
	unsigned char expected[DIGEST_SHA256];

	for (size_t n = 1; n <= sizeof(key); n++) {
		struct keyring *k;
		struct sig s;

		key[n - 1] = (char)n;
		k = secret_ring((struct span){ key, n });
		s = sign(k, "input");
		ck_assert_ptr_nonnull(HMAC(EVP_sha256(), key, (int)n,
					   (const unsigned char *)"input", 5, expected, NULL));
		ck_assert_uint_eq(s.len, sizeof(expected));
		ck_assert_mem_eq(s.p, expected, sizeof(expected));
		keyring_close(k);
	}
}
END_TEST

START_TEST(verifies_the_rs256_example_of_rfc_7515)
{
	struct sig s = from_b64url(a2_sig);
	struct keyring *k = rsa_ring(test_key("rfc7515-a2.pub.pem"), nothing);

	ck_assert_int_eq(verify(k, nothing, a2_input, &s), TP_OK);
	ck_assert_int_eq(verify(k, nothing, a1_input, &s), TP_DENIED);
	keyring_close(k);
}
END_TEST

START_TEST(verifies_what_it_signs_again_and_again)
{
	struct keyring *k = test_ring((enum keyring_alg)_i);
	struct sig first = sign(k, "one");

	for (int i = 0; i < 20; i++) {
		struct sig other = sign(k, "another"), again = sign(k, "one");

		ck_assert_int_eq(verify(k, nothing, "one", &first), TP_OK);
		ck_assert_int_eq(verify(k, span_of(keyring_kid(k)), "one", &first), TP_OK);
		ck_assert_int_eq(verify(k, nothing, "one", &other), TP_DENIED);
		ck_assert_uint_eq(again.len, first.len);
		ck_assert_mem_eq(again.p, first.p, first.len);
	}
	keyring_close(k);
}
END_TEST

START_TEST(refuses_a_signature_with_any_byte_changed)
{
	struct keyring *k = test_ring((enum keyring_alg)_i);
	struct sig s = sign(k, "input");

	for (size_t i = 0; i < s.len; i++) {
		s.p[i] ^= 1;
		ck_assert_int_eq(verify(k, nothing, "input", &s), TP_DENIED);
		s.p[i] ^= 0x81;
		ck_assert_int_eq(verify(k, nothing, "input", &s), TP_DENIED);
		s.p[i] ^= 0x80;
	}
	ck_assert_int_eq(verify(k, nothing, "input", &s), TP_OK);
	keyring_close(k);
}
END_TEST

START_TEST(refuses_a_signature_of_another_length)
{
	struct keyring *k = test_ring((enum keyring_alg)_i);
	struct sig s = sign(k, "input"), longer = { .len = s.len + 1 };
	size_t len = s.len;

	memset(s.p + len, 0, 40);
	for (s.len = 0; s.len < len + 40; s.len++)
		ck_assert_int_eq(verify(k, nothing, "input", &s), s.len == len ? TP_OK : TP_DENIED);
	/* Leading zeros would name the same number. */
	memcpy(longer.p + 1, s.p, len);
	ck_assert_int_eq(verify(k, nothing, "input", &longer), TP_DENIED);
	keyring_close(k);
}
END_TEST

/* ---- names ---- */

START_TEST(names_keys_by_rfc_7638)
{
	struct sig secret = from_b64url(a1_key);
	struct keyring *k = rsa_ring(test_key("rfc7638.pub.pem"), nothing);

	ck_assert_str_eq(keyring_kid(k), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	ck_assert_str_eq(keyring_alg_name(k), "RS256");
	keyring_close(k);

	k = secret_ring(sig_view(&secret));
	ck_assert_str_eq(keyring_kid(k), "y_x3gCJnL6oKGBBIXScabduwxTVy2Wd2bzRVEUbdUzc");
	ck_assert_str_eq(keyring_alg_name(k), "HS256");
	keyring_close(k);
}
END_TEST

/* ---- forms of a key ---- */

static const char *const key_files[][2] = {
	{ "rsa2048.pub.pem", "rsa2048.pem" },
	{ "rsa2048-pkcs1.pub.pem", "rsa2048-pkcs1.pem" },
};

START_TEST(reads_a_key_in_every_form)
{
	struct buf pub = BUF_INIT(LIMIT_PEM), priv = BUF_INIT(LIMIT_PEM);
	struct keyring *usual = test_ring(KEYRING_RS256);

	for (int form = 0; form < TEST_FORMS; form++) {
		struct keyring *k;
		struct sig s;

		test_key_form(&pub, test_key(key_files[_i][0]), (enum test_form)form);
		test_key_form(&priv, test_key(key_files[_i][1]), (enum test_form)form);
		k = rsa_ring(buf_view(&pub), buf_view(&priv));
		ck_assert_str_eq(keyring_kid(k), keyring_kid(usual));
		s = sign(usual, "input");
		ck_assert_int_eq(verify(k, nothing, "input", &s), TP_OK);
		s = sign(k, "input");
		ck_assert_int_eq(verify(usual, nothing, "input", &s), TP_OK);
		keyring_close(k);
	}
	keyring_close(usual);
	buf_release(&pub);
	buf_release(&priv);
}
END_TEST

START_TEST(gives_the_material_that_it_was_made_of)
{
	struct span pub = test_key("rsa2048-pkcs1.pub.pem"), priv = test_key("rsa2048-pkcs1.pem");
	struct keyring *k = rsa_ring(pub, priv);

	ck_assert(span_eq(keyring_material(k, false), pub));
	ck_assert(span_eq(keyring_material(k, true), priv));
	keyring_close(k);

	k = test_ring(KEYRING_RS256); /* of a private key alone */
	ck_assert(span_eq(keyring_material(k, false), test_key("rsa2048.pub.pem")));
	keyring_close(k);

	k = test_ring(KEYRING_HS256);
	ck_assert(span_is(keyring_material(k, false), TEST_SECRET));
	ck_assert(span_is(keyring_material(k, true), TEST_SECRET));
	keyring_close(k);
}
END_TEST

START_TEST(only_verifies_with_a_public_key_alone)
{
	struct keyring *usual = test_ring(KEYRING_RS256);
	struct keyring *k = rsa_ring(test_key("rsa2048.pub.pem"), nothing);
	struct sig s = sign(usual, "input");
	struct tp_err err;

	ck_assert(keyring_may_sign(usual) && !keyring_may_sign(k));
	ck_assert_str_eq(keyring_kid(k), keyring_kid(usual));
	ck_assert_ptr_null(keyring_material(k, true).p);
	ck_assert_int_eq(verify(k, nothing, "input", &s), TP_OK);
	ck_assert_int_eq(keyring_sign(k, SPAN_LIT("input"), s.p, &s.len, &err), TP_INTERNAL);
	ck_assert_str_eq(err.msg, "RS256: there is no key that signs");
	keyring_close(k);
	keyring_close(usual);
}
END_TEST

START_TEST(warns_of_a_short_secret)
{
	const char *warning = "the HS256 secret is shorter than 32 bytes (RFC 7518 section 3.2)";
	const char *path = test_file(SPAN_LIT("short\n"));
	struct keyring *rings[] = { secret_ring(SPAN_LIT("a secret of test that is 31 lon")),
				    ring_with_file(TEST_SECRET, path), test_ring(KEYRING_HS256),
				    test_ring(KEYRING_RS256) };

	unlink(path);
	ck_assert_str_eq(keyring_warning(rings[0]), warning);
	ck_assert_str_eq(keyring_warning(rings[1]), warning);
	ck_assert_ptr_null(keyring_warning(rings[2]));
	ck_assert_ptr_null(keyring_warning(rings[3]));
	for (size_t i = 0; i < TP_COUNT(rings); i++)
		keyring_close(rings[i]);
	keyring_close(NULL);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(refuses_a_secret_that_is_none)
{
	static char longest[LIMIT_SECRET + 1];
	struct buf form = BUF_INIT(LIMIT_PEM);
	struct keyring_spec spec = { .alg = KEYRING_HS256 };

	refuse_ring(&spec, "SECRET_KEY is empty: HS256 needs a secret");
	spec.secret = SPAN_LIT("");
	refuse_ring(&spec, "SECRET_KEY is empty: HS256 needs a secret");
	memset(longest, 'x', sizeof(longest));
	spec.secret = (struct span){ longest, sizeof(longest) };
	refuse_ring(&spec, "SECRET_KEY is longer than 4096 bytes");
	spec.secret.len--;
	keyring_close(open_ring(&spec));
	for (int i = 0; i < TEST_FORMS; i++) {
		test_key_form(&form, test_key("rsa2048.pub.pem"), (enum test_form)i);
		spec.secret = buf_view(&form);
		refuse_ring(&spec, "SECRET_KEY is a PEM: HS256 takes a random secret");
	}
	buf_release(&form);
}
END_TEST

#define ENCRYPTED  "PRIVATE_KEY is encrypted: a key without password is needed"
#define NOT_PUBLIC "PUBLIC_KEY is a PEM, but not of an RSA public key"
#define NO_PAIR	   "PRIVATE_KEY and PUBLIC_KEY are not one pair"

static const struct {
	const char *public_key, *private_key; /* a file, or text after '=' */
	bool must_sign;
	const char *msg;
} bad_pairs[] = {
	{ NULL, NULL, false, "PUBLIC_KEY is missing: RS256 needs it" },
	{ "=", "=", true, "PUBLIC_KEY is missing: RS256 needs it" },
	{ "rsa2048.pub.pem", NULL, true, "PRIVATE_KEY is missing: RS256 signs with it" },
	{ "=not a key", NULL, false, "PUBLIC_KEY is neither a PEM nor the base64 of one" },
	{ "=bm90IGEga2V5Cg==", NULL, false, "PUBLIC_KEY is neither a PEM nor the base64 of one" },
	{ "=-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", NULL, false,
	  "PUBLIC_KEY is a PEM that OpenSSL cannot read" },
	{ "=-----BEGIN ", NULL, false, NOT_PUBLIC },
	{ "rsa2048.pem", NULL, false, NOT_PUBLIC },
	{ "rsa2048-pkcs1.pem", NULL, false, NOT_PUBLIC },
	{ "rsa2048.crt.pem", NULL, false, NOT_PUBLIC },
	{ "ec.pub.pem", NULL, false, "PUBLIC_KEY is not an RSA key" },
	{ "rsapss.pub.pem", NULL, false, "PUBLIC_KEY is not an RSA key" },
	{ "rsa1024.pub.pem", NULL, false, "PUBLIC_KEY has 1024 bits: RS256 takes 2048 to 8192" },
	{ NULL, "rsa1024.pem", true, "PRIVATE_KEY has 1024 bits: RS256 takes 2048 to 8192" },
	{ NULL, "ec.pem", true, "PRIVATE_KEY is not an RSA key" },
	{ NULL, "rsa2048.pub.pem", true, "PRIVATE_KEY is a PEM, but not of an RSA private key" },
	{ NULL, "encrypted.pem", true, ENCRYPTED },
	{ NULL, "encrypted-pkcs1.pem", true, ENCRYPTED },
	{ "rsa2048.pub.pem", "rsa2048-other.pem", true, NO_PAIR },
	{ "rsa2048.pub.pem", "rsa2048-other.pem", false, NO_PAIR },
	{ "rsa2048.pub.pem", "=nonsense", false,
	  "PRIVATE_KEY is neither a PEM nor the base64 of one" },
};

static struct span setting(const char *value)
{
	if (value == NULL)
		return nothing;
	return value[0] == '=' ? span_of(value + 1) : test_key(value);
}

START_TEST(refuses_keys_that_are_no_usable_pair)
{
	refuse_ring(&(struct keyring_spec){ .alg = KEYRING_RS256,
					    .public_key = setting(bad_pairs[_i].public_key),
					    .private_key = setting(bad_pairs[_i].private_key),
					    .must_sign = bad_pairs[_i].must_sign },
		    bad_pairs[_i].msg);
}
END_TEST

START_TEST(refuses_a_pem_with_company_or_without_end)
{
	static char huge[LIMIT_PEM + 1];
	struct span pem = test_key("rsa2048.pub.pem");
	struct buf two = BUF_INIT(LIMIT_PEM);
	struct keyring_spec spec = { .alg = KEYRING_RS256 };

	buf_span(&two, pem);
	buf_span(&two, pem);
	spec.public_key = buf_view(&two);
	refuse_ring(&spec, "PUBLIC_KEY holds more than one PEM block");
	memset(huge, 'A', sizeof(huge));
	spec.public_key = (struct span){ huge, sizeof(huge) };
	refuse_ring(&spec, "PUBLIC_KEY is longer than 16384 bytes");
	spec.public_key = (struct span){ pem.p, pem.len - 40 };
	refuse_ring(&spec, "PUBLIC_KEY is a PEM that OpenSSL cannot read");
	buf_release(&two);
}
END_TEST

/* ---- older keys ---- */

START_TEST(an_older_rsa_key_verifies_and_never_signs)
{
	struct keyring *old = test_ring(KEYRING_RS256), *both;
	const char *const files[] = { test_key_path("rsa2048.pub.pem"), NULL };
	struct sig by_old, by_both;

	both = open_ring(&(struct keyring_spec){ .alg = KEYRING_RS256,
						 .private_key = test_key("rsa2048-other.pem"),
						 .verify_files = files,
						 .must_sign = true });
	by_old = sign(old, "input");
	by_both = sign(both, "input");
	ck_assert_str_ne(keyring_kid(old), keyring_kid(both));
	ck_assert_int_eq(verify(both, nothing, "input", &by_old), TP_OK);
	ck_assert_int_eq(verify(both, span_of(keyring_kid(old)), "input", &by_old), TP_OK);
	ck_assert_int_eq(verify(both, nothing, "input", &by_both), TP_OK);
	ck_assert_int_eq(verify(both, span_of(keyring_kid(both)), "input", &by_both), TP_OK);
	/* A key id names one key, and no other is tried. */
	ck_assert_int_eq(verify(both, span_of(keyring_kid(both)), "input", &by_old), TP_DENIED);
	ck_assert_int_eq(verify(both, span_of(keyring_kid(old)), "input", &by_both), TP_DENIED);
	ck_assert_int_eq(verify(old, nothing, "input", &by_both), TP_DENIED);
	keyring_close(both);
	keyring_close(old);
}
END_TEST

START_TEST(an_older_secret_is_a_file_less_one_newline)
{
	static const struct {
		struct span content;
		bool verifies;
	} rows[] = {
		{ { TEST_SECRET, sizeof(TEST_SECRET) - 1 }, true },
		{ { TEST_SECRET "\n", sizeof(TEST_SECRET) }, true },
		{ { TEST_SECRET "\n\n", sizeof(TEST_SECRET) + 1 }, false },
		{ { " " TEST_SECRET, sizeof(TEST_SECRET) }, false },
	};
	struct keyring *old = test_ring(KEYRING_HS256);
	struct sig s = sign(old, "input");

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		const char *path = test_file(rows[i].content);
		struct keyring *k = ring_with_file("the secret of today, of 33 bytes.", path);
		enum tp_rc expected = rows[i].verifies ? TP_OK : TP_DENIED;

		unlink(path);
		ck_assert_int_eq(verify(k, nothing, "input", &s), expected);
		ck_assert_int_eq(verify(k, span_of(keyring_kid(old)), "input", &s), expected);
		ck_assert(span_is(keyring_material(k, true), "the secret of today, of 33 bytes."));
		keyring_close(k);
	}
	keyring_close(old);
}
END_TEST

START_TEST(an_unknown_key_id_is_denied)
{
	struct keyring *k = test_ring((enum keyring_alg)_i);
	struct sig s = sign(k, "input");
	char longer[KEYRING_KID_LEN + 2];

	snprintf(longer, sizeof(longer), "%sA", keyring_kid(k));
	ck_assert_int_eq(verify(k, SPAN_LIT(""), "input", &s), TP_DENIED);
	ck_assert_int_eq(verify(k, SPAN_LIT("other"), "input", &s), TP_DENIED);
	ck_assert_int_eq(verify(k, span_of(longer), "input", &s), TP_DENIED);
	ck_assert_int_eq(verify(k, (struct span){ longer, 42 }, "input", &s), TP_DENIED);
	ck_assert_int_eq(verify(k, (struct span){ longer, 43 }, "input", &s), TP_OK);
	keyring_close(k);
}
END_TEST

static void refuse_file(enum keyring_alg alg, const char *path, const char *why)
{
	const char *const files[] = { path, NULL };
	char msg[160];

	snprintf(msg, sizeof(msg), "VERIFY_KEYS: %s%s", path, why);
	refuse_ring(&(struct keyring_spec){ .alg = alg,
					    .secret = SPAN_LIT(TEST_SECRET),
					    .public_key = test_key("rsa2048.pub.pem"),
					    .verify_files = files },
		    msg);
}

static void refuse_text(enum keyring_alg alg, struct span content, const char *why)
{
	const char *path = test_file(content);

	refuse_file(alg, path, why);
	unlink(path);
}

START_TEST(refuses_older_keys_that_cannot_be_read)
{
	const enum keyring_alg hs = KEYRING_HS256, rs = KEYRING_RS256;
	static char huge[3 * LIMIT_PEM];
	const char *path = test_file(SPAN_LIT(""));

	refuse_file(hs, "/nonexistent", ": No such file or directory");
	refuse_file(hs, "/", ": not a regular file");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0); /* and nobody writes */
	refuse_file(hs, path, ": not a regular file");
	unlink(path);
	refuse_text(rs, SPAN_LIT(""), " is neither a PEM nor the base64 of one");
	refuse_text(hs, (struct span){ huge, sizeof(huge) }, ": it is larger than 16384 bytes");
	refuse_text(hs, (struct span){ huge, LIMIT_SECRET + 1 }, " is longer than 4096 bytes");
	refuse_text(hs, test_key("rsa2048.pub.pem"), " is a PEM: HS256 takes a random secret");
	refuse_text(rs, test_key("rsa1024.pub.pem"), " has 1024 bits: RS256 takes 2048 to 8192");
	refuse_text(rs, test_key("rsa2048.pem"), " is a PEM, but not of an RSA public key");
}
END_TEST

START_TEST(holds_a_bounded_number_of_keys)
{
	static const char digits[] = "0123456789abcdef0123456789abcdef";
	char paths[LIMIT_KEYS][64];
	const char *files[LIMIT_KEYS + 2] = { NULL };
	struct keyring_spec spec = { .alg = KEYRING_HS256,
				     .secret = SPAN_LIT(TEST_SECRET),
				     .verify_files = files };

	for (size_t i = 0; i < LIMIT_KEYS; i++) {
		struct span secret = { digits + i, 32 - i };

		snprintf(paths[i], sizeof(paths[i]), "%s", test_file(secret));
		files[i] = paths[i];
	}
	refuse_ring(&spec, "VERIFY_KEYS: more than 16 keys");
	/* The same key once more is no further key. */
	files[LIMIT_KEYS - 1] = files[0];
	files[LIMIT_KEYS] = files[1];
	keyring_close(open_ring(&spec));
	files[0] = NULL;
	keyring_close(open_ring(&spec));
	for (size_t i = 0; i < LIMIT_KEYS; i++)
		unlink(paths[i]);
}
END_TEST

static Suite *keyring_suite(void)
{
	Suite *s = suite_create("keyring");
	TCase *c = tcase_create("signatures");

	tcase_add_test(c, makes_and_verifies_the_hs256_example_of_rfc_7515);
	tcase_add_test(c, makes_the_hmacs_that_openssl_makes);
	tcase_add_test(c, verifies_the_rs256_example_of_rfc_7515);
	tcase_add_loop_test(c, verifies_what_it_signs_again_and_again, 0, 2);
	tcase_add_loop_test(c, refuses_a_signature_with_any_byte_changed, 0, 2);
	tcase_add_loop_test(c, refuses_a_signature_of_another_length, 0, 2);
	suite_add_tcase(s, c);

	c = tcase_create("settings");
	tcase_add_test(c, names_keys_by_rfc_7638);
	tcase_add_loop_test(c, reads_a_key_in_every_form, 0, TP_COUNT(key_files));
	tcase_add_test(c, gives_the_material_that_it_was_made_of);
	tcase_add_test(c, only_verifies_with_a_public_key_alone);
	tcase_add_test(c, warns_of_a_short_secret);
	tcase_add_test(c, refuses_a_secret_that_is_none);
	tcase_add_loop_test(c, refuses_keys_that_are_no_usable_pair, 0, TP_COUNT(bad_pairs));
	tcase_add_test(c, refuses_a_pem_with_company_or_without_end);
	suite_add_tcase(s, c);

	c = tcase_create("older keys");
	tcase_add_test(c, an_older_rsa_key_verifies_and_never_signs);
	tcase_add_test(c, an_older_secret_is_a_file_less_one_newline);
	tcase_add_loop_test(c, an_unknown_key_id_is_denied, 0, 2);
	tcase_add_test(c, refuses_older_keys_that_cannot_be_read);
	tcase_add_test(c, holds_a_bounded_number_of_keys);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_run(keyring_suite());
}
