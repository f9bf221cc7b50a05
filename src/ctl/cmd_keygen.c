/* SPDX-License-Identifier: MIT */
/* "tpauth keygen": new keys, as lines that the settings file and the environment take. */
#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/jval.h"
#include "token/keygen.h"

#include "base/banned.h"

static const char usage[] =
	"usage: tpauth keygen [--algorithm HS256 | RS256] [--bits N] [--out FILE] [--json]\n"
	"                     [--jwk]\n"
	"\n"
	"  --algorithm NAME  HS256: a secret; RS256: an RSA pair. HS256, if nothing is said\n"
	"  --bits N          of an RSA key, 2048 to 8192 (3072)\n"
	"  --out FILE        make this file, with mode 0600, instead of printing the keys;\n"
	"                    it may not exist\n"
	"  --json            one JSON object instead of lines NAME=VALUE\n"
	"  --jwk             print the public half of an RSA pair as a JWK; with --out\n"
	"\n"
	"exit status: 0 done, 64 wrong usage, 69 no random bytes, 73 the file cannot be\n"
	"made\n";

enum { STATUS_FILE = 73, TEXT_MOST = 65536 };

struct call {
	const char *algorithm, *bits, *out;
	bool json, jwk;
	int64_t n_bits;
	bool rsa;
};

static const struct args_flag flags[] = {
	{ "--algorithm", ARGS_TEXT, offsetof(struct call, algorithm), 0 },
	{ "--bits", ARGS_TEXT, offsetof(struct call, bits), 0 },
	{ "--json", ARGS_SWITCH, offsetof(struct call, json), 0 },
	{ "--jwk", ARGS_SWITCH, offsetof(struct call, jwk), 0 },
	{ "--out", ARGS_FILE, offsetof(struct call, out), 0 },
};

static const struct args_verb verbs[] = { { NULL, 0, 0, false } };

const struct args_spec cmd_keygen_args = { verbs, 1, flags, TP_COUNT(flags), false };

static enum tp_rc judge(struct call *c, struct tp_err *err)
{
	struct span name = span_of(c->algorithm != NULL ? c->algorithm : "HS256");

	c->rsa = span_is(name, "RS256");
	c->n_bits = KEYGEN_BITS;
	if (!c->rsa && !span_is(name, "HS256"))
		return tp_fail(err, TP_NO_ROUTE, "--algorithm takes HS256 or RS256");
	if (!c->rsa && (c->bits != NULL || c->jwk))
		return tp_fail(err, TP_NO_ROUTE, "--bits and --jwk are for --algorithm RS256");
	if (c->bits != NULL &&
	    !span_int(span_of(c->bits), KEYGEN_BITS_LEAST, KEYGEN_BITS_MOST, &c->n_bits))
		return tp_fail(err, TP_NO_ROUTE, "--bits takes %d to %d", KEYGEN_BITS_LEAST,
			       KEYGEN_BITS_MOST);
	if (c->jwk && c->out == NULL)
		return tp_fail(err, TP_NO_ROUTE, "--jwk is printed where the keys go to --out");
	return TP_OK;
}

struct pair {
	const char *name;
	struct span value;
};

static void put(const struct call *c, const struct pair *pairs, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (c->json)
			buf_printf(out, "%s\"%s\":", i == 0 ? "{" : ",", pairs[i].name);
		else
			buf_printf(out, "%s=", pairs[i].name);
		if (c->json)
			jval_quote(pairs[i].value, out);
		else
			buf_span(out, pairs[i].value);
		if (!c->json)
			buf_char(out, '\n');
	}
	buf_str(out, c->json ? "}\n" : "");
}

static enum tp_rc make_secret(const struct call *c, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(secret_release) struct secret s = { NULL, 0 };
	enum tp_rc rc = keygen_secret(&s, err);
	const struct pair pairs[] = { { "ALGORITHM", SPAN_LIT("HS256") },
				      { "SECRET_KEY", secret_view(&s) } };

	if (rc == TP_OK)
		put(c, pairs, TP_COUNT(pairs), out);
	return rc;
}

static enum tp_rc make_pair(const struct call *c, struct buf *out, struct buf *jwk,
			    struct tp_err *err)
{
	TP_CLEANUP(keygen_pair_release) struct keygen_pair p = { .jwk = BUF_INIT(0) };
	enum tp_rc rc = keygen_rsa((int)c->n_bits, &p, err);
	const struct pair pairs[] = { { "ALGORITHM", SPAN_LIT("RS256") },
				      { "PRIVATE_KEY", secret_view(&p.private_key) },
				      { "PUBLIC_KEY", secret_view(&p.public_key) } };

	if (rc != TP_OK)
		return rc;
	put(c, pairs, TP_COUNT(pairs), out);
	buf_span(jwk, buf_view(&p.jwk));
	buf_char(jwk, '\n');
	return TP_OK;
}

/* Keys go out by write(2): a buffer of stdio would keep a copy. */
static int hand_out(const struct call *c, const struct buf *text, const struct buf *jwk)
{
	struct tp_err err = { 0 };
	enum tp_rc rc;

	if (c->out == NULL)
		return command_write(buf_view(text));
	rc = file_create(c->out, 0600, buf_view(text), &err);
	if (rc != TP_OK) {
		fprintf(stderr, "tpauth keygen: %s: %s\n", c->out, err.msg);
		return STATUS_FILE;
	}
	return c->jwk ? command_write(buf_view(jwk)) : EXIT_SUCCESS;
}

int cmd_keygen(int argc, char **argv, char **envp)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(TEXT_MOST);
	TP_CLEANUP(buf_release) struct buf jwk = BUF_INIT(TEXT_MOST);
	struct call c = { .rsa = false };
	struct tp_err err = { 0 };
	struct args args;
	enum tp_rc rc = args_read(&cmd_keygen_args, argc, argv, &c, &args, &err);

	(void)envp;
	if (rc == TP_OK && args.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	if (rc == TP_OK)
		rc = judge(&c, &err);
	if (rc == TP_OK)
		rc = c.rsa ? make_pair(&c, &text, &jwk, &err) : make_secret(&c, &text, &err);
	if (rc == TP_OK)
		rc = buf_rc(&text, "the text", &err);
	return rc == TP_OK ? hand_out(&c, &text, &jwk) : command_failed("keygen", rc, &err);
}
