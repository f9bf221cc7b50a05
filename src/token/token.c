/* SPDX-License-Identifier: MIT */
/*
 * Tokens: what their claims must be, and the cache of verified ones. The order of a check is size,
 * header, signature, and only then the payload, so that a stranger's JSON is never parsed beyond
 * the header. Segments and signatures are jws.c's; what claims mean to a session is not known here.
 */
#include "token/token.h"

#include "base/codec.h"
#include "base/limits.h"
#include "token/jws.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
	CACHE_BYTES = 1024 * 1024, /* estimated memory of all entries but the newest */
	TAIL = 8		   /* bytes of a token's end that find it in the cache */
};

/* A verified token and all that it owns. */
struct entry {
	struct secret jwt;
	size_t sig_len;
	struct jval *claims;
	struct buf public_json;
	struct token token;
	uint64_t used; /* the call that asked for it last; 0: no entry */
	size_t cost;
};

struct token_verifier {
	const struct keyring *keys;
	const struct token_rules *rules;
	struct buf header; /* as token_sign() writes it: seen again, it need not be parsed */
	uint64_t calls;
	size_t cost;
	uint64_t tails[LIMIT_TOKEN_CACHE];
	struct entry entries[LIMIT_TOKEN_CACHE];
};

/* ---- signing ---- */

enum tp_rc token_sign(const struct keyring *k, const struct jval *claims, struct secret *ret,
		      struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf payload = BUF_INIT(LIMIT_JWT);
	enum tp_rc rc;

	assert(jval_type(claims) == JVAL_OBJECT);
	jval_write(claims, &payload);
	rc = buf_rc(&payload, "the token", err);
	return rc == TP_OK ? jws_sign(k, buf_view(&payload), ret, err) : rc;
}

/* ---- claims ---- */

static bool str_or_none(const struct jval *claims, const char *name, struct span *ret)
{
	const struct jval *v = jval_get(claims, name);

	return v == NULL || jval_str(v, ret);
}

static bool int_or_none(const struct jval *claims, const char *name, int64_t *ret)
{
	return !jval_has(claims, name) || jval_int(jval_get(claims, name), ret);
}

#define NO_TIME "iat, nbf or auth_time is no integer"

static enum tp_rc read_times(const struct jval *c, struct token *t, struct tp_err *err)
{
	if (!jval_int(jval_get(c, "exp"), &t->exp))
		return jws_refuse(TP_DENIED, "exp is missing or no integer", err);
	if (!int_or_none(c, "iat", &t->iat) || !int_or_none(c, "nbf", &t->nbf))
		return jws_refuse(TP_DENIED, NO_TIME, err);
	return TP_OK;
}

static bool is_issued_by(const struct jval *claims, const char *issuer)
{
	struct span s;

	return jval_str(jval_get(claims, "iss"), &s) && span_is(s, issuer);
}

static enum tp_rc judge_claims(const struct token_rules *rules, const struct jval *c,
			       struct token *t, struct tp_err *err)
{
	struct span s;
	enum tp_rc rc;

	if (!is_issued_by(c, rules->issuer))
		return jws_refuse(TP_DENIED, "iss is not ours", err);
	if (!jval_str(jval_get(c, "token_type"), &s) || !span_is(s, "access"))
		return jws_refuse(TP_DENIED, "token_type is not access", err);
	if (jval_has(c, "aud"))
		return jws_refuse(TP_DENIED, "it is for another audience", err);
	if (!jval_str(jval_get(c, "user_id"), &t->user_id) || !token_user_id_ok(t->user_id))
		return jws_refuse(TP_DENIED, "user_id is missing or not allowed", err);
	rc = read_times(c, t, err);
	if (rc != TP_OK)
		return rc;
	if (!int_or_none(c, "auth_time", &t->auth_time))
		return jws_refuse(TP_DENIED, NO_TIME, err);
	if (!str_or_none(c, "username", &t->username) || !str_or_none(c, "email", &t->email) ||
	    !str_or_none(c, "sid", &t->sid) || !str_or_none(c, "ip", &t->ip) ||
	    !str_or_none(c, "agent", &t->agent))
		return jws_refuse(TP_DENIED, "username, email, sid, ip or agent is no string", err);
	t->scopes = jval_get(c, "scopes");
	if (t->scopes != NULL && !token_scopes_ok(t->scopes))
		return jws_refuse(TP_DENIED, "scopes is not a list of scopes", err);
	t->claims = c;
	return TP_OK;
}

static int64_t later(int64_t t, int64_t s)
{
	return t > INT64_MAX - s ? INT64_MAX : t + s;
}

static enum tp_rc judge_times(const struct token_rules *rules, const struct token *t,
			      enum token_from from, int64_t now_s, struct tp_err *err)
{
	int64_t latest = later(now_s, rules->leeway_s);
	int64_t end = from == TOKEN_PRESENTED ? later(t->exp, rules->leeway_s) : t->exp;

	if (t->iat > latest || t->nbf > latest)
		return jws_refuse(TP_DENIED, "iat or nbf is in the future", err);
	if (end <= now_s)
		return tp_fail(err, TP_EXPIRED, "token: exp is over");
	return TP_OK;
}

static enum tp_rc put_public(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	static const char *const hidden[] = { "sid", "auth_time", "ip", "agent" };
	struct buf *out = arg;

	(void)err;
	for (size_t i = 0; i < TP_COUNT(hidden); i++) {
		if (strcmp(key, hidden[i]) == 0)
			return TP_OK;
	}
	if (out->len > 1)
		buf_char(out, ',');
	jval_quote(span_of(key), out);
	buf_char(out, ':');
	jval_write(v, out);
	return TP_OK;
}

static enum tp_rc render_public(struct entry *e, struct tp_err *err)
{
	enum tp_rc rc;

	buf_char(&e->public_json, '{');
	rc = jval_each(e->claims, put_public, &e->public_json, err);
	buf_char(&e->public_json, '}');
	if (rc == TP_OK)
		rc = buf_rc(&e->public_json, "the claims", err);
	e->token.public_json = buf_view(&e->public_json);
	return rc;
}

/* ---- the cache ---- */

static void entry_release(struct entry *e)
{
	secret_release(&e->jwt);
	jval_release(e->claims);
	buf_release(&e->public_json);
	*e = (struct entry){ 0 };
}

/* The end of a token is the end of a signature: as good as random, and only tokens that have proved
 * it are kept. So nobody without the key can make two kept tokens share it, and it needs no hash.
 */
static uint64_t tail_of(struct span jwt)
{
	uint64_t tail;

	memcpy(&tail, jwt.p + jwt.len - TAIL, TAIL);
	return tail;
}

/* The tail only says where to look; all bytes decide. The signature lets its bearer in, so it is
 * compared in constant time; what it signs is no secret to who can guess it. */
static bool is_entry_of(const struct entry *e, struct span jwt)
{
	struct span kept = secret_view(&e->jwt);
	size_t at = kept.len - e->sig_len;

	return e->used != 0 && kept.len == jwt.len && memcmp(kept.p, jwt.p, at) == 0 &&
	       secret_eq((struct span){ kept.p + at, e->sig_len },
			 (struct span){ jwt.p + at, e->sig_len });
}

static struct entry *cache_find(struct token_verifier *v, struct span jwt)
{
	uint64_t tail = tail_of(jwt);

	for (size_t i = 0; i < LIMIT_TOKEN_CACHE; i++) {
		if (v->tails[i] == tail && is_entry_of(&v->entries[i], jwt))
			return &v->entries[i];
	}
	return NULL;
}

/* An unused place, else the one that nobody asked for longest. */
static size_t cache_oldest(const struct token_verifier *v, bool skip_unused)
{
	size_t oldest = LIMIT_TOKEN_CACHE;

	for (size_t i = 0; i < LIMIT_TOKEN_CACHE; i++) {
		uint64_t used = v->entries[i].used;

		if (skip_unused && used == 0)
			continue;
		if (oldest == LIMIT_TOKEN_CACHE || used < v->entries[oldest].used)
			oldest = i;
	}
	return oldest;
}

static void cache_evict(struct token_verifier *v, size_t i)
{
	v->cost -= v->entries[i].cost;
	entry_release(&v->entries[i]);
}

/* Takes *fresh over. */
static struct entry *cache_put(struct token_verifier *v, struct entry *fresh)
{
	size_t i;

	while (v->cost > 0 && v->cost + fresh->cost > CACHE_BYTES)
		cache_evict(v, cache_oldest(v, true));
	i = cache_oldest(v, false);
	cache_evict(v, i);
	v->cost += fresh->cost;
	v->tails[i] = tail_of(secret_view(&fresh->jwt));
	v->entries[i] = *fresh;
	*fresh = (struct entry){ 0 };
	return &v->entries[i];
}

/* What an entry takes in memory, from above: a JSON object of one byte's text takes a kilobyte as a
 * tree, and a list a third of it. */
static size_t entry_cost(const struct entry *e)
{
	size_t cost = sizeof(*e) + 4 * e->jwt.len;

	for (size_t i = 0; i < e->public_json.len; i++) {
		char c = e->public_json.p[i];

		cost += c == '{' ? 1024 : c == '[' ? 512 : c == ',' || c == ':' ? 128 : 0;
	}
	return cost;
}

/* ---- verifying ---- */

static enum tp_rc verify_anew(const struct token_verifier *v, struct span jwt, struct entry *e,
			      struct tp_err *err)
{
	struct jws jws;
	enum tp_rc rc;

	if (!jws_cut(jwt, &jws))
		return jws_refuse(TP_DENIED, "it has not three parts", err);
	e->sig_len = jws.sig.len;
	rc = jws_prove(v->keys, buf_view(&v->header), true, &jws, err);
	if (rc == TP_OK)
		rc = jws_payload(&jws, &e->claims, err);
	if (rc == TP_OK)
		rc = judge_claims(v->rules, e->claims, &e->token, err);
	return rc;
}

enum tp_rc token_judge(const struct token_verifier *v, const struct jval *claims, int64_t now_s,
		       struct tp_err *err)
{
	struct token t = { 0 };
	enum tp_rc rc;

	if (jval_type(claims) != JVAL_OBJECT || !jval_is_strict(claims))
		return jws_refuse(TP_DENIED, "the claims are no object of strict JSON", err);
	rc = judge_claims(v->rules, claims, &t, err);
	return rc == TP_OK ? judge_times(v->rules, &t, TOKEN_STORED, now_s, err) : rc;
}

enum tp_rc token_verifier_open(const struct keyring *k, const struct token_rules *rules,
			       struct token_verifier **ret, struct tp_err *err)
{
	struct token_verifier *v = calloc(1, sizeof(*v));
	enum tp_rc rc;

	assert(rules->issuer != NULL && rules->leeway_s >= 0);
	if (v == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	v->keys = k;
	v->rules = rules;
	v->header = (struct buf)BUF_INIT(JWS_HEADER_MOST);
	rc = jws_header(k, &v->header, err);
	if (rc != TP_OK) {
		token_verifier_close(v);
		return rc;
	}
	*ret = v;
	return TP_OK;
}

void token_verifier_close(struct token_verifier *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < LIMIT_TOKEN_CACHE; i++)
		entry_release(&v->entries[i]);
	buf_release(&v->header);
	free(v);
}

enum tp_rc token_verify(struct token_verifier *v, struct span jwt, enum token_from from,
			int64_t now_s, const struct token **ret, struct tp_err *err)
{
	TP_CLEANUP(entry_release) struct entry fresh = { 0 };
	struct entry *e;
	enum tp_rc rc = TP_OK;

	if (jwt.len < TAIL || jwt.len > LIMIT_JWT)
		return jws_refuse(TP_DENIED, "it is empty or too long", err);
	e = cache_find(v, jwt);
	if (e == NULL)
		rc = verify_anew(v, jwt, &fresh, err);
	if (rc == TP_OK)
		rc = judge_times(v->rules, e != NULL ? &e->token : &fresh.token, from, now_s, err);
	if (rc != TP_OK)
		return rc;
	if (e == NULL) {
		fresh.public_json = (struct buf)BUF_INIT(LIMIT_JWT);
		rc = render_public(&fresh, err);
		if (rc == TP_OK)
			rc = secret_set(&fresh.jwt, jwt, err);
		if (rc != TP_OK)
			return rc;
		fresh.cost = entry_cost(&fresh);
		e = cache_put(v, &fresh);
	}
	e->used = ++v->calls;
	*ret = &e->token;
	return TP_OK;
}

enum tp_rc token_read(const struct keyring *k, const struct token_rules *rules, struct span jwt,
		      int64_t now_s, struct jval **ret, struct tp_err *err)
{
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct token times = { 0 };
	struct jws jws;
	enum tp_rc rc;

	if (jwt.p == NULL || jwt.len > LIMIT_JWT || !jws_cut(jwt, &jws))
		return jws_refuse(TP_DENIED, "it has not three parts, or is too long", err);
	rc = jws_prove(k, (struct span){ NULL, 0 }, false, &jws, err);
	if (rc == TP_OK)
		rc = jws_payload(&jws, &claims, err);
	if (rc == TP_OK && rules->issuer != NULL && !is_issued_by(claims, rules->issuer))
		rc = jws_refuse(TP_DENIED, "iss is another one", err);
	if (rc == TP_OK)
		rc = read_times(claims, &times, err);
	if (rc == TP_OK)
		rc = judge_times(rules, &times, TOKEN_PRESENTED, now_s, err);
	if (rc != TP_OK)
		return rc;
	*ret = claims;
	claims = NULL;
	return TP_OK;
}

/*
 * Finds the member without a parse, where there can be no doubt: in an object without objects
 * inside and without escapes each quote begins or ends a string, so "exp": with both its quotes is
 * a name. One that is there twice is for the parser to refuse.
 */
static bool find_exp(struct span json, int64_t *ret)
{
	static const char name[] = "\"exp\":";
	const size_t len = sizeof(name) - 1;
	const char *at, *end = json.p + json.len;
	struct span digits;

	if (json.len < 2 || json.p[0] != '{' || end[-1] != '}' || span_has_byte(json, '\\') ||
	    memchr(json.p + 1, '{', json.len - 1) != NULL)
		return false;
	at = memmem(json.p, json.len, name, len);
	if (at == NULL || memmem(at + len, (size_t)(end - at) - len, name, len) != NULL)
		return false;
	digits = (struct span){ at + len, 0 };
	while (digits.p + digits.len < end && digits.p[digits.len] >= '0' &&
	       digits.p[digits.len] <= '9')
		digits.len++;
	return (at[-1] == '{' || at[-1] == ',') &&
	       (digits.p[digits.len] == ',' || digits.p + digits.len == end - 1) &&
	       span_int(digits, 0, INT64_MAX, ret);
}

bool token_peek_exp(struct span jwt, int64_t *ret)
{
	TP_CLEANUP(buf_release) struct buf json = BUF_INIT(LIMIT_JWT);
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct jws jws;

	if (jwt.p == NULL || jwt.len > LIMIT_JWT || !jws_cut(jwt, &jws) ||
	    codec_b64url_get(jws.payload, &json, NULL) != TP_OK)
		return false;
	if (find_exp(buf_view(&json), ret))
		return true;
	return jval_parse(buf_view(&json), &claims, NULL) == TP_OK &&
	       jval_int(jval_get(claims, "exp"), ret);
}

/* ---- rules for single values ---- */

/* U+0080 to U+009F, which span_has_control() does not look for. */
static bool has_c1_control(struct span s)
{
	for (size_t i = 0; i + 1 < s.len; i++) {
		if ((unsigned char)s.p[i] == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	}
	return false;
}

bool token_user_id_ok(struct span user_id)
{
	return user_id.len >= 1 && user_id.len <= LIMIT_USER_ID && span_is_utf8(user_id) &&
	       !span_has_control(user_id) && !has_c1_control(user_id) &&
	       !span_starts(user_id, "tpauth-");
}

static bool scope_ok(struct span s)
{
	if (s.len == 0 || s.len > LIMIT_SCOPE)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x21 || c == 0x22 || c == 0x5c || c > 0x7e)
			return false;
	}
	return true;
}

static bool seen_before(const struct jval *scopes, size_t i, struct span s)
{
	struct span other;

	for (size_t j = 0; j < i; j++) {
		if (jval_str(jval_at(scopes, j), &other) && span_eq(other, s))
			return true;
	}
	return false;
}

bool token_scopes_ok(const struct jval *scopes)
{
	size_t n = jval_count(scopes);
	struct span s;

	if (jval_type(scopes) != JVAL_ARRAY || n > LIMIT_SCOPES)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!jval_str(jval_at(scopes, i), &s) || !scope_ok(s) || seen_before(scopes, i, s))
			return false;
	}
	return true;
}
