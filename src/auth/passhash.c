/* SPDX-License-Identifier: MIT */
/*
 * Checks one password against one stored hash, and makes hashes of one format. A table of formats
 * says how a hash of each looks, what it costs and who computes it: {SHA} and apr1 here, the rest
 * by crypt_r(3) of libxcrypt. bcrypt looks at the first 72 bytes of a password and traditional DES
 * at the first 8, as they do under Apache and htpasswd(1): the hash holds nothing about the bytes
 * behind. Where the hashes come from is not known here.
 */
#include "auth/passhash.h"

#include "base/codec.h"
#include "base/limits.h"
#include "base/rnd.h"

#include <assert.h>
#include <crypt.h>
#include <limits.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
	SHA1_TEXT = 28,	  /* base64 of 20 bytes */
	MD5_TEXT = 22,	  /* digests in the alphabet of crypt(3) */
	SHA256_TEXT = 43, /* yescrypt's and scrypt's too */
	SHA512_TEXT = 86,
	BCRYPT_TEXT = 53, /* salt and digest in one */
	BCRYPT_SALT = 16,
	BCRYPT_READS = 72, /* of a password */
	DES_TEXT = 13,	   /* likewise */
	MD5_SALT = 8,
	SHA2_SALT = 16,
	APR1_ROUNDS = 1000,
	SCRYPT_PARAMS = 11, /* N: 1 character, r and p: 5 each */
	DIGIT_MOST = 47,    /* yescrypt: above it a number goes on in the next character */
};

static const char crypt_alphabet[] =
	"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct format {
	const char *prefix;
	/* Tenths of a microsecond on some machine, from what stands behind the prefix; 0:
	 * malformed. Only the order matters. */
	int64_t (*cost)(struct span rest);
	enum tp_rc (*check)(struct span hash, struct span password, struct tp_err *err);
};

static enum tp_rc wrong_password(struct tp_err *err)
{
	return tp_fail(err, TP_DENIED, "wrong user name or password");
}

/* The value of a character of crypt's alphabet; -1: it is none. */
static int crypt_digit(char c)
{
	if (c >= '.' && c <= '9')
		return c - '.';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 12;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 38;
	return -1;
}

static bool is_crypt_text(struct span s, size_t len)
{
	if (s.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (crypt_digit(s.p[i]) < 0)
			return false;
	}
	return true;
}

/* "SALT$DIGEST" with a digest of this length: true, and the salt. */
static bool cut_digest(struct span rest, size_t digest_len, struct span *ret_salt)
{
	size_t salt_len;

	if (rest.len < digest_len + 1)
		return false;
	salt_len = rest.len - digest_len - 1;
	if (rest.p[salt_len] != '$' ||
	    !is_crypt_text((struct span){ rest.p + salt_len + 1, digest_len }, digest_len))
		return false;
	*ret_salt = (struct span){ rest.p, salt_len };
	return true;
}

static int64_t cost_sha1(struct span rest)
{
	if (rest.len != SHA1_TEXT || rest.p[SHA1_TEXT - 1] != '=')
		return 0;
	for (size_t i = 0; i < SHA1_TEXT - 1; i++) {
		/* base64 has '+' where crypt has '.' */
		if (rest.p[i] != '+' && (rest.p[i] == '.' || crypt_digit(rest.p[i]) < 0))
			return 0;
	}
	return 5;
}

static int64_t cost_md5(struct span rest)
{
	struct span salt;

	if (!cut_digest(rest, MD5_TEXT, &salt) || salt.len > MD5_SALT || span_has_byte(salt, '$'))
		return 0;
	return 2100;
}

/* Ours computes each round by way of the library's contexts, crypt's does not. */
static int64_t cost_apr1(struct span rest)
{
	return 2 * cost_md5(rest);
}

static int64_t cost_bcrypt(struct span rest)
{
	int64_t log2_rounds;

	if (rest.len != 3 + BCRYPT_TEXT || rest.p[2] != '$' ||
	    !is_crypt_text((struct span){ rest.p + 3, BCRYPT_TEXT }, BCRYPT_TEXT))
		return 0;
	/* Two digits, "05" as well as "12". */
	rest.len = 2;
	if (rest.p[0] == '0') {
		rest.p++;
		rest.len--;
	}
	if (!span_int(rest, 4, 31, &log2_rounds))
		return 0;
	return (int64_t)530 << log2_rounds;
}

static int64_t cost_sha2(struct span rest, size_t digest_len)
{
	static const char option[] = "rounds=";
	int64_t rounds = 5000;
	struct span salt;

	if (span_starts(rest, option)) {
		struct span number = span_cut(&rest, '$');

		number.p += sizeof(option) - 1;
		number.len -= sizeof(option) - 1;
		if (rest.p == NULL || !span_int(number, 1000, 999999999, &rounds))
			return 0;
	}
	if (!cut_digest(rest, digest_len, &salt) || salt.len > SHA2_SALT ||
	    span_has_byte(salt, '$'))
		return 0;
	return rounds * 23 / 10;
}

static int64_t cost_sha256(struct span rest)
{
	return cost_sha2(rest, SHA256_TEXT);
}

static int64_t cost_sha512(struct span rest)
{
	return cost_sha2(rest, SHA512_TEXT);
}

/* "PARAMETERS$SALT$DIGEST"; the parameters begin with flavour, log2(N) - 1 and r - 1. */
static int64_t cost_yescrypt(struct span rest)
{
	struct span salt, params;

	if (!cut_digest(rest, SHA256_TEXT, &salt))
		return 0;
	params = span_cut(&salt, '$');
	if (salt.p == NULL || !is_crypt_text(salt, salt.len) || params.len < 3 ||
	    !is_crypt_text(params, params.len))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (crypt_digit(params.p[i]) > DIGIT_MOST)
			return 0;
	}
	return ((int64_t)(crypt_digit(params.p[2]) + 1) << (crypt_digit(params.p[1]) + 1)) * 42 /
	       10;
}

/* "Nrrrrrppppp", then the salt: log2(N) in one character, r in five with the lowest bits first. */
static int64_t cost_scrypt(struct span rest)
{
	struct span salt;
	int64_t r = 0;
	int n;

	if (!cut_digest(rest, SHA256_TEXT, &salt) || salt.len < SCRYPT_PARAMS ||
	    span_has_byte(salt, '$') ||
	    !is_crypt_text((struct span){ salt.p, SCRYPT_PARAMS }, SCRYPT_PARAMS))
		return 0;
	n = crypt_digit(salt.p[0]);
	if (n < 1 || n > 32)
		return 0;
	for (int i = 5; i >= 1; i--)
		r = r * 64 + crypt_digit(salt.p[i]);
	return r >= 1 << 20 ? 0 : r * ((int64_t)1 << n) * 72 / 10;
}

static int64_t cost_des(struct span rest)
{
	return is_crypt_text(rest, DES_TEXT) ? 40 : 0;
}

static enum tp_rc check_sha1(struct span hash, struct span password, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(SHA1_TEXT);
	const size_t prefix_len = hash.len - SHA1_TEXT;
	unsigned char digest[DIGEST_SHA1];
	enum tp_rc rc;

	codec_sha1(password, digest);
	codec_b64_put(&text, (struct span){ (const char *)digest, sizeof(digest) });
	explicit_bzero(digest, sizeof(digest));
	rc = buf_rc(&text, "a hash", err);
	if (rc != TP_OK)
		return rc;
	if (!secret_eq(buf_view(&text), (struct span){ hash.p + prefix_len, SHA1_TEXT }))
		return wrong_password(err);
	return TP_OK;
}

/* The text whose MD5 the rounds start from; d is MD5(password salt password). */
static void apr1_start(struct span salt, struct span password, const unsigned char d[DIGEST_MD5],
		       struct buf *text)
{
	buf_span(text, password);
	buf_str(text, "$apr1$");
	buf_span(text, salt);
	for (size_t left = password.len; left > 0;) {
		size_t n = left < DIGEST_MD5 ? left : DIGEST_MD5;

		buf_put(text, d, n);
		left -= n;
	}
	for (size_t bits = password.len; bits > 0; bits >>= 1)
		buf_put(text, (bits & 1) != 0 ? "" : password.p, 1); /* a NUL, or its first byte */
}

/* The order of parts in each round is what the format prescribes, to no purpose but cost. */
static enum tp_rc apr1_rounds(struct span salt, struct span password, unsigned char d[DIGEST_MD5],
			      struct tp_err *err)
{
	const struct span last = { (const char *)d, DIGEST_MD5 };

	for (int i = 0; i < APR1_ROUNDS; i++) {
		const bool odd = i % 2 != 0;
		struct span parts[4];
		enum tp_rc rc;
		size_t n = 0;

		parts[n++] = odd ? password : last;
		if (i % 3 != 0)
			parts[n++] = salt;
		if (i % 7 != 0)
			parts[n++] = password;
		parts[n++] = odd ? last : password;
		rc = codec_md5(parts, n, d, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

/* Three bytes become four characters, the lowest bits first; the bytes come in this order. */
static void apr1_text(const unsigned char d[DIGEST_MD5], char ret[MD5_TEXT])
{
	static const unsigned char order[] = { 12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4 };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(order); i += 3) {
		unsigned bits = d[order[i]] | (unsigned)d[order[i + 1]] << 8 |
				(unsigned)d[order[i + 2]] << 16;

		for (int k = 0; k < 4; k++, bits >>= 6)
			ret[at++] = crypt_alphabet[bits & 0x3f];
	}
	ret[at++] = crypt_alphabet[d[11] & 0x3f];
	ret[at] = crypt_alphabet[d[11] >> 6];
}

static enum tp_rc check_apr1(struct span hash, struct span password, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT((size_t)3 * LIMIT_PASSWORD);
	const size_t prefix_len = sizeof("$apr1$") - 1;
	struct span rest = { hash.p + prefix_len, hash.len - prefix_len };
	struct span salt = span_cut(&rest, '$');
	unsigned char d[DIGEST_MD5];
	char made[MD5_TEXT];
	enum tp_rc rc;

	rc = codec_md5((const struct span[]){ password, salt, password }, 3, d, err);
	if (rc != TP_OK)
		return rc;
	apr1_start(salt, password, d, &text);
	rc = buf_rc(&text, "a password", err);
	if (rc != TP_OK)
		return rc;
	rc = codec_md5((const struct span[]){ buf_view(&text) }, 1, d, err);
	if (rc == TP_OK)
		rc = apr1_rounds(salt, password, d, err);
	if (rc != TP_OK)
		return rc;
	apr1_text(d, made);
	rc = secret_eq((struct span){ made, sizeof(made) }, rest) ? TP_OK : wrong_password(err);
	explicit_bzero(d, sizeof(d));
	explicit_bzero(made, sizeof(made));
	return rc;
}

static enum tp_rc check_crypt(struct span hash, struct span password, struct tp_err *err)
{
	struct crypt_data *work; /* 32 KiB: not for the stack */
	const char *made;
	enum tp_rc rc;

	/* crypt(3) refuses longer ones, so no hash can be of such a password. */
	if (password.len >= sizeof(work->input))
		return wrong_password(err);
	work = calloc(1, sizeof(*work));
	if (work == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	memcpy(work->setting, hash.p, hash.len);
	if (password.len > 0)
		memcpy(work->input, password.p, password.len);
	made = crypt_r(work->input, work->setting, work);
	/* The hash is well-formed as far as we look: what is left is mostly a lack of memory, which
	 * yescrypt reports as EINVAL. That is no "no". */
	if (made == NULL || made[0] == '*')
		rc = tp_fail(err, TP_UNAVAILABLE, "crypt(3) could not compute a password hash");
	else
		rc = secret_eq(span_of(made), hash) ? TP_OK : wrong_password(err);
	explicit_bzero(work, sizeof(*work));
	free(work);
	return rc;
}

/* clang-format off */
static const struct format formats[] = {
	{ "{SHA}",  cost_sha1,     check_sha1 },
	{ "$apr1$", cost_apr1,     check_apr1 },
	{ "$2y$",   cost_bcrypt,   check_crypt },
	{ "$2a$",   cost_bcrypt,   check_crypt },
	{ "$2b$",   cost_bcrypt,   check_crypt },
	{ "$1$",    cost_md5,      check_crypt },
	{ "$5$",    cost_sha256,   check_crypt },
	{ "$6$",    cost_sha512,   check_crypt },
	{ "$y$",    cost_yescrypt, check_crypt },
	{ "$gy$",   cost_yescrypt, check_crypt },
	{ "$7$",    cost_scrypt,   check_crypt },
	{ "",       cost_des,      check_crypt },
};
/* clang-format on */

/* The last row takes all that no other does. */
static const struct format *format_of(struct span hash)
{
	size_t i = 0;

	while (i + 1 < TP_COUNT(formats) && !span_starts(hash, formats[i].prefix))
		i++;
	return &formats[i];
}

/* Whether this system's crypt(3) was built with the method. */
static bool crypt_has(struct span hash)
{
	char setting[CRYPT_OUTPUT_SIZE];
	int answer;

	if (hash.len >= sizeof(setting) || span_has_byte(hash, '\0'))
		return false;
	memcpy(setting, hash.p, hash.len);
	setting[hash.len] = '\0';
	answer = crypt_checksalt(setting);
	return answer != CRYPT_SALT_INVALID && answer != CRYPT_SALT_METHOD_DISABLED;
}

int passhash_cost(struct span hash)
{
	const struct format *f = format_of(hash);
	const size_t prefix_len = strlen(f->prefix);
	int64_t cost;

	if (hash.p == NULL)
		return 0;
	cost = f->cost((struct span){ hash.p + prefix_len, hash.len - prefix_len });
	return cost > INT_MAX ? INT_MAX : (int)cost;
}

bool passhash_known(struct span hash)
{
	return passhash_cost(hash) > 0 &&
	       (format_of(hash)->check != check_crypt || crypt_has(hash));
}

enum tp_rc passhash_check(struct span hash, struct span password, struct tp_err *err)
{
	if (!passhash_known(hash))
		return tp_fail(err, TP_UNAVAILABLE, "a password hash of no known format");
	/* No user has such a password, so refusing it at once tells nothing about one. A NUL would
	 * end it for crypt(3), and everything behind would be as good as right. */
	if (password.len > LIMIT_PASSWORD || span_has_byte(password, '\0'))
		return wrong_password(err);
	return format_of(hash)->check(hash, password, err);
}

enum tp_rc passhash_make(struct span password, int cost, struct secret *ret, struct tp_err *err)
{
	struct crypt_data *work;
	char salt[CRYPT_GENSALT_OUTPUT_SIZE], salt_bytes[BCRYPT_SALT];
	const char *made = NULL;
	enum tp_rc rc;

	assert(cost >= PASSHASH_COST_LEAST && cost <= PASSHASH_COST_MOST);
	if (password.len == 0 || password.len > BCRYPT_READS || span_has_byte(password, '\0'))
		return tp_fail(err, TP_INVALID, "bcrypt takes a password of 1 to %d bytes, no NUL",
			       BCRYPT_READS);
	rc = rnd_bytes(salt_bytes, sizeof(salt_bytes), err);
	if (rc != TP_OK)
		return rc;
	work = calloc(1, sizeof(*work));
	if (work == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	memcpy(work->input, password.p, password.len);
	if (crypt_gensalt_rn("$2y$", (unsigned long)cost, salt_bytes, sizeof(salt_bytes), salt,
			     sizeof(salt)) != NULL)
		made = crypt_r(work->input, salt, work);
	if (made == NULL || made[0] == '*')
		rc = tp_fail(err, TP_UNAVAILABLE, "crypt(3) of this system makes no bcrypt");
	else
		rc = secret_set(ret, span_of(made), err);
	explicit_bzero(work, sizeof(*work));
	free(work);
	return rc;
}
