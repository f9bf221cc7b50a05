/* SPDX-License-Identifier: MIT */
/* "tpauth jws": whether a published key made a signature. Reads files and prints the answer; what
 * the answer is, token/jwk_verify.h says. */
#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "ctl/input.h"
#include "token/jwk_verify.h"

#include "base/banned.h"

static const char usage[] =
	"usage: tpauth jws verify --jwk FILE [--file FILE] [--payload] [--json] [JWS | -]\n"
	"       tpauth jws verify-raw --alg NAME --jwk FILE --msg FILE --sig FILE [--json]\n"
	"\n"
	"  verify      a JWS in compact serialization, from standard input if not given: its\n"
	"              signature only, neither times nor other claims\n"
	"  verify-raw  the bytes of a signature over the bytes of a message\n"
	"  --alg NAME  HS256, RS256, PS256, ES256, the same with 384 and 512, or EdDSA\n"
	"  --jwk FILE  a JWK or a JWK set\n"
	"  --file FILE where the JWS is\n"
	"  --payload   print what was signed, once that is sure\n"
	"  --json      for programs: {\"verifies\":..,\"reason\":..,\"alg\":..,\"kid\":..}\n"
	"\n"
	"exit status: 0 accepted, 1 refused, 2 wrong usage, or a file that cannot be used\n";

enum { STATUS_REFUSED = 1, STATUS_USAGE = 2, VERIFY = 0, VERIFY_RAW = 1 };

struct call {
	const char *alg, *jwk, *file, *msg, *sig;
	bool json, payload;
};

static const struct args_flag flags[] = {
	{ "--alg", ARGS_TEXT, offsetof(struct call, alg), 1u << VERIFY_RAW },
	{ "--file", ARGS_FILE, offsetof(struct call, file), 1u << VERIFY },
	{ "--json", ARGS_SWITCH, offsetof(struct call, json), 0 },
	{ "--jwk", ARGS_FILE, offsetof(struct call, jwk), 0 },
	{ "--msg", ARGS_FILE, offsetof(struct call, msg), 1u << VERIFY_RAW },
	{ "--payload", ARGS_SWITCH, offsetof(struct call, payload), 1u << VERIFY },
	{ "--sig", ARGS_FILE, offsetof(struct call, sig), 1u << VERIFY_RAW },
};

static const struct args_verb verbs[] = { { "verify", 0, 1, false },
					  { "verify-raw", 0, 0, false } };

const struct args_spec cmd_jws_args = { verbs, TP_COUNT(verbs), flags, TP_COUNT(flags), false };

static enum tp_rc judge(const struct call *c, const struct args *args, struct tp_err *err)
{
	if (c->jwk == NULL)
		return tp_fail(err, TP_NO_ROUTE, "--jwk is missing");
	if (c->file != NULL && args->n_operands > 0)
		return tp_fail(err, TP_NO_ROUTE, "the JWS is given twice");
	if (c->payload && c->json)
		return tp_fail(err, TP_NO_ROUTE, "--payload and --json exclude each other");
	if (args->verb == VERIFY_RAW && (c->alg == NULL || c->msg == NULL || c->sig == NULL))
		return tp_fail(err, TP_NO_ROUTE, "verify-raw needs --alg, --msg and --sig");
	return TP_OK;
}

static enum tp_rc open_keys(const struct call *c, struct jwk_set *ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_JWK_FILE);
	enum tp_rc rc = input_file(c->jwk, &text, err);

	if (rc == TP_OK) {
		struct tp_err why = { 0 };

		rc = jwk_set_open(buf_view(&text), ret, &why);
		if (rc != TP_OK)
			rc = tp_fail(err, rc, "%.60s: %s", c->jwk, why.msg);
	}
	return rc;
}

static enum tp_rc verify(const struct call *c, const struct args *args, const struct jwk_set *keys,
			 struct jwk_verified *ret, struct tp_err *err, bool *ret_judged)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_JWS);
	enum tp_rc rc = c->file != NULL ? input_file(c->file, &text, err)
					: input_text(args->operand[0], "a JWS", &text, err);

	if (rc != TP_OK)
		return rc;
	*ret_judged = true;
	return jwk_verify(keys, input_line(&text), ret, err);
}

static enum tp_rc verify_raw(const struct call *c, const struct jwk_set *keys,
			     struct jwk_verified *ret, struct tp_err *err, bool *ret_judged)
{
	TP_CLEANUP(buf_release) struct buf msg = BUF_INIT(LIMIT_JWS);
	TP_CLEANUP(buf_release) struct buf sig = BUF_INIT(LIMIT_JWS);
	enum tp_rc rc = input_file(c->msg, &msg, err);

	if (rc == TP_OK)
		rc = input_file(c->sig, &sig, err);
	if (rc != TP_OK)
		return rc;
	rc = jwk_verify_raw(keys, span_of(c->alg), buf_view(&msg), buf_view(&sig), err);
	*ret_judged = rc != TP_NO_ROUTE;
	ret->alg = span_of(c->alg);
	return rc;
}

static void put_member(const char *name, struct span value, struct buf *out)
{
	buf_printf(out, ",\"%s\":", name);
	if (value.p == NULL)
		buf_str(out, "null");
	else
		jval_quote(value, out);
}

static int say(const struct call *c, enum tp_rc rc, const struct jwk_verified *j,
	       const struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(LIMIT_JWK_FILE);
	int status = rc == TP_OK ? EXIT_SUCCESS : STATUS_REFUSED;

	if (c->payload && rc == TP_OK)
		return command_write(buf_view(&j->payload)) == EXIT_SUCCESS ? EXIT_SUCCESS
									    : STATUS_USAGE;
	if (c->json) {
		buf_printf(&out, "{\"verifies\":%s", rc == TP_OK ? "true" : "false");
		put_member("reason", span_of(rc == TP_OK ? NULL : err->msg), &out);
		put_member("alg", rc == TP_OK ? j->alg : span_of(NULL), &out);
		put_member("kid", rc == TP_OK ? j->kid : span_of(NULL), &out);
		buf_str(&out, "}\n");
	} else if (rc == TP_OK) {
		buf_printf(&out, "accepted: %s\n", j->alg.p);
	} else {
		fprintf(stderr, "tpauth jws: refused: %s\n", err->msg);
		return status;
	}
	return command_write(buf_view(&out)) == EXIT_SUCCESS ? status : STATUS_USAGE;
}

static int failed(const struct tp_err *err)
{
	fprintf(stderr, "tpauth jws: %s\n", err->msg);
	return STATUS_USAGE;
}

int cmd_jws(int argc, char **argv, char **envp)
{
	TP_CLEANUP(jwk_set_release) struct jwk_set keys = { .n = 0 };
	TP_CLEANUP(jwk_verified_release) struct jwk_verified j = { .payload = BUF_INIT(0) };
	struct call c = { .json = false };
	struct tp_err err = { 0 };
	struct args args;
	bool judged = false;
	enum tp_rc rc = args_read(&cmd_jws_args, argc, argv, &c, &args, &err);

	(void)envp;
	if (rc == TP_OK && args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == TP_OK)
		rc = judge(&c, &args, &err);
	if (rc == TP_OK)
		rc = open_keys(&c, &keys, &err);
	if (rc == TP_OK)
		rc = args.verb == VERIFY ? verify(&c, &args, &keys, &j, &err, &judged)
					 : verify_raw(&c, &keys, &j, &err, &judged);
	if (!judged || rc == TP_NOMEM)
		return failed(&err);
	return say(&c, rc, &j, &err);
}
