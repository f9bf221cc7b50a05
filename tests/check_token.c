/* SPDX-License-Identifier: MIT */
/*
 * Tokens: what we sign comes back as it was, and every other way of writing one is refused. The
 * forged tokens of the tables carry a good signature by our own key, so that the rule of
 * the row alone can refuse them. Signatures and times: check_token_proof.c.
 */
#include "token/token.h"

#include "base/codec.h"
#include "base/limits.h"
#include "support/check_run.h"
#include "support/token_rig.h"
#include "token/jws.h"

#include <stdio.h>

#include "base/banned.h"

enum { NOW = RIG_TOKEN_NOW };

/* ---- what is accepted ---- */

START_TEST(signs_claims_as_they_are)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_sign(&r, GOOD);
	ck_assert_str_eq(buf_cstr(&r.jwt),
			 "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImpwcDdhZVk0TF94Rll4Y1FzUXY0"
			 "a0FKSVlESklRUUpncXVPVlNleG5TYkUifQ.eyJ1c2VyX2lkIjoidXNlcl8wOTkiLCJpc3Mi"
			 "OiJwcmlzbWF0aWNhaW4iLCJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxODAwMDAwMDYw"
			 "fQ.aSjRbJX-jQxkIUcB2wZdB0YPFl9ssL4DT8-1Z4-SPo8");
	token_rig_release(&r);
}
END_TEST

START_TEST(verifies_what_it_signs)
{
	struct token_rig r;

	token_rig_open(&r, (enum keyring_alg)_i);
	token_rig_sign(&r,
		       "{" BASE ",\"username\":\"A\\u00e9\\u0001\\\"/\",\"email\":\"a@b\","
		       "\"sid\":\"S\",\"ip\":\"::1\",\"agent\":\"curl\",\"iat\":3,\"nbf\":4,"
		       "\"auth_time\":5,\"scopes\":[\"user:read\",\"a\"],\"more\":{\"x\":[null]}}");
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	ck_assert(span_is(r.t->user_id, "user_099"));
	ck_assert(span_is(r.t->username, "A\xc3\xa9\x01\"/"));
	ck_assert(span_is(r.t->email, "a@b"));
	ck_assert(span_is(r.t->sid, "S"));
	ck_assert(span_is(r.t->ip, "::1"));
	ck_assert(span_is(r.t->agent, "curl"));
	ck_assert_int_eq(r.t->exp, NOW + 60);
	ck_assert_int_eq(r.t->iat, 3);
	ck_assert_int_eq(r.t->nbf, 4);
	ck_assert_int_eq(r.t->auth_time, 5);
	ck_assert_uint_eq(jval_count(r.t->scopes), 2);
	ck_assert(jval_has(jval_get(r.t->claims, "more"), "x"));
	ck_assert(span_is(r.t->public_json,
			  "{" BASE ",\"username\":\"A\xc3\xa9\\u0001\\\"/\",\"email\":\"a@b\","
			  "\"iat\":3,\"nbf\":4,\"scopes\":[\"user:read\",\"a\"],"
			  "\"more\":{\"x\":[null]}}"));
	token_rig_release(&r);
}
END_TEST

START_TEST(verifies_a_token_of_the_python_original)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	ck_assert_int_eq(
		token_rig_verify_text(
			&r, SPAN_LIT("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
				     "eyJ1c2VybmFtZSI6IkFkbWluIiwiZW1haWwiOm51bGwsInVzZXJfaWQi"
				     "OiJ1c2VyXzA5OSIsInNjb3BlcyI6WyJ1c2VyOnJlYWQiLCJ1c2VyOndy"
				     "aXRlIl0sImlzc3VlZF90byI6IjEyNy4wLjAuMSIsImlzcyI6InByaXNt"
				     "YXRpY2FpbiIsImV4cCI6MTgwMDAwMDA2MCwiaWF0IjoxNzk5OTEzNjYw"
				     "LCJ0b2tlbl90eXBlIjoiYWNjZXNzIn0."
				     "Voe-IQmDpm530c2xA9Q7RH08uA-Y1kv_2HG6pFwR6A4")),
		TP_OK);
	ck_assert(span_is(r.t->username, "Admin"));
	ck_assert_ptr_null(r.t->email.p);
	ck_assert_ptr_null(r.t->sid.p);
	ck_assert_int_eq(r.t->nbf, 0);
	ck_assert_int_eq(r.t->auth_time, 0);
	ck_assert(span_is(r.t->public_json,
			  "{\"username\":\"Admin\",\"email\":null,\"user_id\":\"user_099\","
			  "\"scopes\":[\"user:read\",\"user:write\"],\"issued_to\":\"127.0.0.1\","
			  "\"iss\":\"prismaticain\",\"exp\":1800000060,\"iat\":1799913660,"
			  "\"token_type\":\"access\"}"));
	token_rig_release(&r);
}
END_TEST

START_TEST(reads_absent_claims_as_nothing)
{
	static const char *const payloads[] = {
		GOOD, "{" BASE ",\"username\":null,\"email\":null,\"sid\":null,\"ip\":null,"
		      "\"agent\":null,\"scopes\":null}"
	};
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD, payloads[_i]);
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	ck_assert(!r.t->username.p && !r.t->email.p && !r.t->sid.p && !r.t->ip.p && !r.t->agent.p);
	ck_assert(r.t->iat == 0 && r.t->nbf == 0 && r.t->auth_time == 0);
	ck_assert_ptr_null(r.t->scopes);
	token_rig_release(&r);
}
END_TEST

/* ---- headers ---- */

#define NOT_ALG	  "token: alg is not the configured one"
#define NO_HEADER "token: the header is no JSON object"
#define ASKS	  "token: the header asks for what is not done here"
#define BAD_TYP	  "token: typ is not JWT"
#define BAD_KID	  "token: kid is not a string"
#define NO_KID	  "the key id is none of ours"
#define HS	  "\"alg\":\"HS256\""

static const struct {
	const char *header, *msg; /* msg NULL: accepted */
} headers[] = {
	{ HEAD, NULL },
	{ "{" HS "}", NULL },
	{ " {\t\"typ\" : \"JWT\" ,\r\n \"alg\":\"HS256\" }\n", NULL },
	{ "{" HS ",\"cty\":\"x\",\"unknown\":{\"alg\":\"none\"}}", NULL },
	{ "{" HS ",\"kid\":\"jpp7aeY4L_xFYxcQsQv4kAJIYDJIQQJgquOVSexnSbE\"}", NULL },
	{ "{\"\\u0061lg\":\"HS\\u003256\"}", NULL }, /* one JSON text of many for the same */
	{ "{\"alg\":\"none\"}", NOT_ALG },
	{ "{\"alg\":\"None\"}", NOT_ALG },
	{ "{\"alg\":\"NONE\"}", NOT_ALG },
	{ "{\"alg\":\"nOnE\"}", NOT_ALG },
	{ "{\"alg\":\"\"}", NOT_ALG },
	{ "{\"alg\":null}", NOT_ALG },
	{ "{\"alg\":1}", NOT_ALG },
	{ "{\"alg\":true}", NOT_ALG },
	{ "{\"alg\":[\"HS256\"]}", NOT_ALG },
	{ "{\"alg\":{\"HS256\":1}}", NOT_ALG },
	{ "{\"alg\":\"hs256\"}", NOT_ALG },
	{ "{\"alg\":\"HS256 \"}", NOT_ALG },
	{ "{\"alg\":\"HS25\"}", NOT_ALG },
	{ "{\"alg\":\"HS384\"}", NOT_ALG },
	{ "{\"alg\":\"HS512\"}", NOT_ALG },
	{ "{\"alg\":\"RS256\"}", NOT_ALG },
	{ "{\"alg\":\"ES256\"}", NOT_ALG },
	{ "{\"ALG\":\"HS256\"}", NOT_ALG },
	{ "{\"typ\":\"JWT\"}", NOT_ALG },
	{ "{}", NOT_ALG },
	{ "{" HS ",\"crit\":[\"exp\"],\"exp\":1}", ASKS },
	{ "{" HS ",\"crit\":[]}", ASKS },
	{ "{" HS ",\"crit\":null}", ASKS },
	{ "{" HS ",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}", ASKS },
	{ "{" HS ",\"jku\":\"https://attacker.example/\"}", ASKS },
	{ "{" HS ",\"x5u\":\"https://attacker.example/\"}", ASKS },
	{ "{" HS ",\"x5c\":[\"AAAA\"]}", ASKS },
	{ "{" HS ",\"x5t\":\"AA\"}", ASKS },
	{ "{" HS ",\"x5t#S256\":\"AA\"}", ASKS },
	{ "{" HS ",\"b64\":false}", ASKS },
	{ "{" HS ",\"b64\":true}", ASKS },
	{ "{" HS ",\"zip\":\"DEF\"}", ASKS },
	{ "{" HS ",\"enc\":\"A128GCM\"}", ASKS },
	{ "{" HS ",\"cri\\u0074\":[\"exp\"]}", ASKS },
	{ "{" HS ",\"typ\":\"jwt\"}", BAD_TYP },
	{ "{" HS ",\"typ\":\"at+jwt\"}", BAD_TYP },
	{ "{" HS ",\"typ\":\"\"}", BAD_TYP },
	{ "{" HS ",\"typ\":null}", BAD_TYP },
	{ "{" HS ",\"typ\":1}", BAD_TYP },
	{ "{" HS ",\"kid\":null}", BAD_KID },
	{ "{" HS ",\"kid\":1}", BAD_KID },
	{ "{" HS ",\"kid\":[\"jpp7aeY4L_xFYxcQsQv4kAJIYDJIQQJgquOVSexnSbE\"]}", BAD_KID },
	{ "{" HS ",\"kid\":\"\"}", NO_KID },
	{ "{" HS ",\"kid\":\"jpp7aeY4L_xFYxcQsQv4kAJIYDJIQQJgquOVSexnSbF\"}", NO_KID },
	{ "{" HS ",\"kid\":\"../../dev/null\"}", NO_KID },
	{ "{\"alg\":\"none\"," HS "}", NO_HEADER },
	{ "{" HS ",\"alg\":\"none\"}", NO_HEADER },
	{ "{" HS "," HS "}", NO_HEADER },
	{ "{" HS ",\"\\u0061lg\":\"none\"}", NO_HEADER },
	{ "{" HS ",\"x\":{\"a\":1,\"a\":2}}", NO_HEADER },
	{ "{\"alg\":\"HS256\\u0000\"}", NO_HEADER },
	{ "{" HS ",\"x\":1.5}", NO_HEADER },
	{ "{" HS ",\"x\":\"\xff\"}", NO_HEADER },
	{ "{" HS ",}", NO_HEADER },
	{ "{" HS "", NO_HEADER },
	{ "{" HS "}{}", NO_HEADER },
	{ "\xef\xbb\xbf{" HS "}", NO_HEADER },
	{ "[" HEAD "]", NO_HEADER },
	{ "\"HS256\"", NO_HEADER },
	{ "null", NO_HEADER },
	{ "1", NO_HEADER },
	{ " ", NO_HEADER },
	{ "", NO_HEADER },
};

START_TEST(judges_the_header)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, headers[_i].header, GOOD);
	ck_assert_msg(token_rig_verify(&r) == (headers[_i].msg ? TP_DENIED : TP_OK), "%s: %s",
		      headers[_i].header, r.err.msg);
	if (headers[_i].msg != NULL)
		ck_assert_str_eq(r.err.msg, headers[_i].msg);
	token_rig_release(&r);
}
END_TEST

START_TEST(refuses_raw_nul_in_header_and_payload)
{
	static const char header[] = "{" HS "\0}", payload[] = "{" BASE "}\0";
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make_spans(&r, (struct span){ header, sizeof(header) - 1 }, SPAN_LIT(GOOD));
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	token_rig_make_spans(&r, SPAN_LIT(HEAD), (struct span){ payload, sizeof(payload) - 1 });
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	token_rig_release(&r);
}
END_TEST

/* ---- payloads ---- */

#define NO_PAYLOAD "token: the payload is no JSON object"
#define BAD_TIME   "token: iat, nbf or auth_time is no integer"
#define BAD_EXP	   "token: exp is missing or no integer"
#define BAD_TEXT   "token: username, email, sid, ip or agent is no string"
#define BAD_USER   "token: user_id is missing or not allowed"
#define BAD_SCOPES "token: scopes is not a list of scopes"
#define BAD_ISS	   "token: iss is not ours"
#define BAD_TYPE   "token: token_type is not access"
#define OTHER	   "token: it is for another audience"

static const struct {
	const char *payload, *msg; /* msg NULL: accepted */
} payloads[] = {
	{ GOOD, NULL },
	{ "\n{ " WHO " , " ISS "," TYPE "\t," EXP "} ", NULL },
	{ "{" BASE ",\"scopes\":[]}", NULL },
	{ "{" BASE ",\"sub\":\"x\",\"n\":-9007199254740992,\"l\":[[{}]]}", NULL },
	{ "{" BASE ",\"iat\":-5,\"nbf\":0,\"auth_time\":9007199254740992}", NULL },
	{ "[" GOOD "]", NO_PAYLOAD },
	{ "\""
	  "x"
	  "\"",
	  NO_PAYLOAD },
	{ "null", NO_PAYLOAD },
	{ "", NO_PAYLOAD },
	{ "{" BASE, NO_PAYLOAD },
	{ GOOD GOOD, NO_PAYLOAD },
	{ GOOD " x", NO_PAYLOAD },
	{ "{" BASE "," WHO "}", NO_PAYLOAD },
	{ "{" BASE ",\"user_i\\u0064\":\"root\"}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":{\"y\":1,\"y\":1}}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":\"\\u0000\"}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":\"\\ud800\"}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":\"\xc0\xaf\"}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":1.0}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":9007199254740993}", NO_PAYLOAD },
	{ "{" BASE ",\"x\":NaN}", NO_PAYLOAD },
	{ "{" BASE ",'x':1}", NO_PAYLOAD },
	{ "{" WHO "," ISS "," TYPE ",\"exp\":1800000060.5}", NO_PAYLOAD },
	{ "{" WHO "," ISS "," TYPE ",\"exp\":1e300}", NO_PAYLOAD },
	{ "{" WHO "," ISS "," TYPE ",\"exp\":99999999999999999999}", NO_PAYLOAD },
	{ "{" WHO "," ISS "," TYPE "}", BAD_EXP },
	{ "{" WHO "," ISS "," TYPE ",\"exp\":null}", BAD_EXP },
	{ "{" WHO "," ISS "," TYPE ",\"exp\":\"1800000060\"}", BAD_EXP },
	{ "{" WHO "," ISS "," TYPE ",\"exp\":[1800000060]}", BAD_EXP },
	{ "{" BASE ",\"iat\":\"1\"}", BAD_TIME },
	{ "{" BASE ",\"iat\":null}", BAD_TIME },
	{ "{" BASE ",\"nbf\":true}", BAD_TIME },
	{ "{" BASE ",\"auth_time\":{}}", BAD_TIME },
	{ "{" WHO "," TYPE "," EXP "}", BAD_ISS },
	{ "{" WHO "," TYPE "," EXP ",\"iss\":null}", BAD_ISS },
	{ "{" WHO "," TYPE "," EXP ",\"iss\":\"Prismaticain\"}", BAD_ISS },
	{ "{" WHO "," TYPE "," EXP ",\"iss\":\"prismaticain \"}", BAD_ISS },
	{ "{" WHO "," TYPE "," EXP ",\"iss\":[\"prismaticain\"]}", BAD_ISS },
	{ "{" WHO "," ISS "," EXP "}", BAD_TYPE },
	{ "{" WHO "," ISS "," EXP ",\"token_type\":\"refresh\"}", BAD_TYPE },
	{ "{" WHO "," ISS "," EXP ",\"token_type\":\"Access\"}", BAD_TYPE },
	{ "{" WHO "," ISS "," EXP ",\"token_type\":1}", BAD_TYPE },
	{ "{" BASE ",\"aud\":\"prismaticain\"}", OTHER },
	{ "{" BASE ",\"aud\":[]}", OTHER },
	{ "{" BASE ",\"aud\":null}", OTHER },
	{ "{" ISS "," TYPE "," EXP "}", BAD_USER },
	{ "{" ISS "," TYPE "," EXP ",\"user_id\":null}", BAD_USER },
	{ "{" ISS "," TYPE "," EXP ",\"user_id\":99}", BAD_USER },
	{ "{" ISS "," TYPE "," EXP ",\"user_id\":\"\"}", BAD_USER },
	{ "{" ISS "," TYPE "," EXP ",\"user_id\":\"a\\nb\"}", BAD_USER },
	{ "{" ISS "," TYPE "," EXP ",\"user_id\":\"tpauth-x\"}", BAD_USER },
	{ "{" BASE ",\"username\":1}", BAD_TEXT },
	{ "{" BASE ",\"email\":[]}", BAD_TEXT },
	{ "{" BASE ",\"sid\":{}}", BAD_TEXT },
	{ "{" BASE ",\"ip\":false}", BAD_TEXT },
	{ "{" BASE ",\"agent\":0}", BAD_TEXT },
	{ "{" BASE ",\"scopes\":\"user:read\"}", BAD_SCOPES },
	{ "{" BASE ",\"scopes\":{\"user:read\":1}}", BAD_SCOPES },
	{ "{" BASE ",\"scopes\":[\"a\",null]}", BAD_SCOPES },
	{ "{" BASE ",\"scopes\":[\"a b\"]}", BAD_SCOPES },
};

START_TEST(judges_the_payload)
{
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	token_rig_make(&r, HEAD, payloads[_i].payload);
	ck_assert_msg(token_rig_verify(&r) == (payloads[_i].msg ? TP_DENIED : TP_OK), "%s: %s",
		      payloads[_i].payload, r.err.msg);
	if (payloads[_i].msg != NULL)
		ck_assert_str_eq(r.err.msg, payloads[_i].msg);
	token_rig_release(&r);
}
END_TEST

/* ---- sizes ---- */

START_TEST(refuses_json_that_is_deep)
{
	char header[2000], claims[2000], nest[1000];
	struct token_rig r;

	token_rig_open(&r, KEYRING_HS256);
	memset(nest, '[', 400);
	memset(nest + 400, ']', 400);
	nest[800] = '\0';
	snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"x\":%s}", nest);
	snprintf(claims, sizeof(claims), "{" BASE ",\"x\":%s}", nest);
	token_rig_make(&r, header, GOOD);
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	ck_assert_str_eq(r.err.msg, NO_HEADER);
	token_rig_make(&r, HEAD, claims);
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	ck_assert_str_eq(r.err.msg, NO_PAYLOAD);
	token_rig_release(&r);
}
END_TEST

/* Claims with n bytes of padding. */
static const char *padded(size_t n)
{
	static char claims[2 * LIMIT_JWT];

	snprintf(claims, sizeof(claims), "{" BASE ",\"pad\":\"%0*d\"}", (int)n, 0);
	return claims;
}

START_TEST(takes_8_kib_and_no_byte_more)
{
	struct secret jwt = { NULL, 0 };
	struct token_rig r;
	struct tp_err err;
	struct jval *v;
	size_t n = LIMIT_JWT / 2;

	/* Signing stops where verifying does. */
	token_rig_open(&r, KEYRING_HS256);
	for (;; n++) {
		enum tp_rc rc;

		v = token_rig_parse(padded(n));
		rc = token_sign(r.k, v, &jwt, &err);
		jval_release(v);
		if (rc != TP_OK)
			break;
	}
	ck_assert_int_eq(err.rc, TP_TOO_LARGE);
	ck_assert_str_eq(err.msg, "the token is larger than 8192 bytes");
	ck_assert_uint_ge(jwt.len, LIMIT_JWT - 2); /* three bytes are four digits */
	ck_assert_int_eq(token_rig_verify_text(&r, secret_view(&jwt)), TP_OK);
	secret_release(&jwt);

	do {
		token_rig_make(&r, HEAD, padded(++n));
	} while (r.jwt.len <= LIMIT_JWT);
	ck_assert_uint_eq(r.jwt.len, LIMIT_JWT + 1);
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	ck_assert_str_eq(r.err.msg, "token: it is empty or too long");
	token_rig_make(&r, HEAD, padded(n - 1));
	ck_assert_uint_eq(r.jwt.len, LIMIT_JWT);
	ck_assert_int_eq(token_rig_verify(&r), TP_OK);
	token_rig_make(&r, HEAD, padded(3 * LIMIT_JWT / 2));
	ck_assert_int_eq(token_rig_verify(&r), TP_DENIED);
	token_rig_release(&r);
}
END_TEST

/* ---- single values ---- */

START_TEST(decodes_what_nothing_proves)
{
	static const char *const bad[] = { "",		"e30",	    "e30.e30",	   "e30.e30.AA.AA",
					   "W10.e30.",	"e30.W10.", "e3 0.e30.AA", "e30=.e30.AA",
					   "e30.e31.AA" };
	TP_CLEANUP(jval_cleanup) struct jval *header = NULL;
	TP_CLEANUP(jval_cleanup) struct jval *claims = NULL;
	struct tp_err err = { 0 };
	int64_t n = 0;

	/* {"alg":"none"} and {"exp":7}: shown, whatever it is worth. */
	ck_assert_int_eq(
		jws_decode(SPAN_LIT("eyJhbGciOiJub25lIn0.eyJleHAiOjd9."), &header, &claims, &err),
		TP_OK);
	ck_assert(jval_has(header, "alg"));
	ck_assert(jval_int(jval_get(claims, "exp"), &n) && n == 7);
	for (size_t i = 0; i < TP_COUNT(bad); i++) {
		struct jval *h = NULL, *c = NULL;

		ck_assert_msg(jws_decode(span_of(bad[i]), &h, &c, &err) == TP_DENIED, "%s", bad[i]);
		ck_assert_ptr_null(h);
		ck_assert_ptr_null(c);
	}
}
END_TEST

START_TEST(peeks_at_exp_without_a_key)
{
	static const struct {
		const char *payload;
		bool has;
		int64_t exp;
	} rows[] = {
		{ GOOD, true, NOW + 60 },
		{ "{\"exp\":-5}", true, -5 },
		{ "{}", false, 0 },
		{ "{\"exp\":null}", false, 0 },
		{ "{\"exp\":\"1\"}", false, 0 },
		{ "{\"exp\":1,\"exp\":2}", false, 0 },
		{ "{\"exp\":12}", true, 12 },
		{ "{\"a\":\"exp\",\"exp\":12}", true, 12 },
		{ "{ \"exp\":12}", true, 12 },
		{ "{\"exp\":12 ,\"a\":1}", true, 12 },
		{ "{\"a\":{\"exp\":1},\"exp\":12}", true, 12 },
		{ "{\"a\":{\"exp\":1}}", false, 0 },
		{ "{\"a\":\",\\\"exp\\\":1\",\"exp\":12}", true, 12 },
		{ "{\"a\\\",\\\"exp\":1,\"exp\":12}", true, 12 },
		{ "{\"a\":[\"exp\",1],\"exp\":12}", true, 12 },
		{ "{\"exp\":12.5}", false, 0 },
		{ "{\"exp\":012}", false, 0 },
		{ "{\"exp\":12x}", false, 0 },
		{ "{\"exp\":}", false, 0 },
		{ "{\"exp\":9223372036854775808}", false, 0 },
		{ "[\"exp\",1]", false, 0 },
		{ "[1]", false, 0 },
		{ "", false, 0 },
	};
	static const char *const texts[] = {
		"", ".", "..", "a.b", "a.eyJleHAiOjF9.c.d", "a.e30=.c"
	};
	static char huge[LIMIT_JWT + 1];
	struct token_rig r;
	int64_t exp;

	token_rig_open(&r, KEYRING_HS256);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		token_rig_make_unsigned(&r, "not JSON", rows[i].payload);
		exp = 77;
		ck_assert(token_peek_exp(buf_view(&r.jwt), &exp) == rows[i].has);
		ck_assert_int_eq(exp, rows[i].has ? rows[i].exp : 77);
	}
	for (size_t i = 0; i < TP_COUNT(texts); i++)
		ck_assert(!token_peek_exp(span_of(texts[i]), &exp));
	ck_assert(!token_peek_exp((struct span){ NULL, 0 }, &exp));
	memset(huge, '.', sizeof(huge));
	ck_assert(!token_peek_exp((struct span){ huge, sizeof(huge) }, &exp));
	token_rig_release(&r);
}
END_TEST

START_TEST(knows_a_user_id)
{
	static const struct {
		struct span id;
		bool good;
	} rows[] = {
		{ { "u", 1 }, true },
		{ { "a b@c/d", 7 }, true },
		{ { "\xc3\xa9\xf0\x9f\x98\x80", 6 }, true },
		{ { "tpauth", 6 }, true },
		{ { "Tpauth-x", 8 }, true },
		{ { "x-tpauth-", 9 }, true },
		{ { NULL, 0 }, false },
		{ { "", 0 }, false },
		{ { "tpauth-", 7 }, false },
		{ { "tpauth-fail", 11 }, false },
		{ { "a\0b", 3 }, false },
		{ { "a\n", 2 }, false },
		{ { "\x7f", 1 }, false },
		{ { "\xc2\x80", 2 }, false },
		{ { "a\xc2\x9b"
		    "b",
		    4 },
		  false },
		{ { "\xc2\xa0", 2 }, true },
		{ { "\xff", 1 }, false },
		{ { "\xed\xa0\x80", 3 }, false },
	};
	static char text[LIMIT_USER_ID + 1];

	for (size_t i = 0; i < TP_COUNT(rows); i++)
		ck_assert_msg(token_user_id_ok(rows[i].id) == rows[i].good, "row %zu", i);
	memset(text, 'x', sizeof(text));
	ck_assert(token_user_id_ok((struct span){ text, LIMIT_USER_ID }));
	ck_assert(!token_user_id_ok((struct span){ text, LIMIT_USER_ID + 1 }));
}
END_TEST

START_TEST(knows_scopes)
{
	static const struct {
		const char *json;
		bool good;
	} rows[] = {
		{ "[]", true },
		{ "[\"a\",\"A\",\"user:read\",\"!#[]~\"]", true },
		{ "[\"a\",\"b\",\"a\"]", false },
		{ "[\"\"]", false },
		{ "[\"a b\"]", false },
		{ "[\"a\\\"b\"]", false },
		{ "[\"a\\\\b\"]", false },
		{ "[\"\\u007f\"]", false },
		{ "[\"\\u001f\"]", false },
		{ "[\"\\u00e9\"]", false },
		{ "[1]", false },
		{ "[null]", false },
		{ "[[\"a\"]]", false },
		{ "{\"a\":1}", false },
		{ "\"a\"", false },
		{ "null", false },
	};
	struct jval *v;

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		v = token_rig_parse(rows[i].json);
		ck_assert_msg(token_scopes_ok(v) == rows[i].good, "%s", rows[i].json);
		jval_release(v);
	}
	ck_assert(!token_scopes_ok(NULL));
}
END_TEST

START_TEST(counts_and_measures_scopes)
{
	struct jval *v = jval_new_array();
	char text[LIMIT_SCOPE + 2];

	for (size_t i = 0; i < LIMIT_SCOPES; i++) {
		snprintf(text, sizeof(text), "%0*zu", LIMIT_SCOPE, i);
		ck_assert_int_eq(jval_add_str(v, span_of(text), NULL), TP_OK);
	}
	ck_assert(token_scopes_ok(v));
	ck_assert_int_eq(jval_add_str(v, SPAN_LIT("one-more"), NULL), TP_OK);
	ck_assert(!token_scopes_ok(v));
	jval_release(v);

	v = jval_new_array();
	snprintf(text, sizeof(text), "%0*d", LIMIT_SCOPE + 1, 0);
	ck_assert_int_eq(jval_add_str(v, span_of(text), NULL), TP_OK);
	ck_assert(!token_scopes_ok(v));
	jval_release(v);
}
END_TEST

static Suite *token_suite(void)
{
	Suite *s = suite_create("token");
	TCase *c = tcase_create("claims");

	tcase_add_test(c, signs_claims_as_they_are);
	tcase_add_loop_test(c, verifies_what_it_signs, 0, 2);
	tcase_add_test(c, verifies_a_token_of_the_python_original);
	tcase_add_loop_test(c, reads_absent_claims_as_nothing, 0, 2);
	tcase_add_loop_test(c, judges_the_header, 0, TP_COUNT(headers));
	tcase_add_loop_test(c, judges_the_payload, 0, TP_COUNT(payloads));
	tcase_add_test(c, refuses_raw_nul_in_header_and_payload);
	tcase_add_test(c, refuses_json_that_is_deep);
	tcase_add_test(c, takes_8_kib_and_no_byte_more);
	suite_add_tcase(s, c);

	c = tcase_create("values");
	tcase_add_test(c, peeks_at_exp_without_a_key);
	tcase_add_test(c, decodes_what_nothing_proves);
	tcase_add_test(c, knows_a_user_id);
	tcase_add_test(c, knows_scopes);
	tcase_add_test(c, counts_and_measures_scopes);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_run(token_suite());
}
