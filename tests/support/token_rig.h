/* SPDX-License-Identifier: MIT */
/*
 * A ring of one test key, a verifier, and a way to write any token by hand: right or wrong, with a
 * signature by the ring's key or by none. What fails here fails the running case.
 */
#ifndef SUPPORT_TOKEN_RIG_H
#define SUPPORT_TOKEN_RIG_H

#include "support/test_keys.h"
#include "token/token.h"

enum { RIG_TOKEN_NOW = 1800000000, RIG_TOKEN_LEEWAY = 600 };

#define RIG_TOKEN_ISSUER "prismaticain"

/* A header and payloads that pass. */
#define HEAD "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define WHO  "\"user_id\":\"user_099\""
#define ISS  "\"iss\":\"" RIG_TOKEN_ISSUER "\""
#define TYPE "\"token_type\":\"access\""
#define EXP  "\"exp\":1800000060"
#define BASE WHO "," ISS "," TYPE "," EXP
#define GOOD "{" BASE "}"

struct token_rig {
	struct keyring *k;
	struct token_verifier *v;
	struct buf jwt;	       /* the token at hand */
	const struct token *t; /* of the last verify; NULL: refused */
	struct tp_err err;
};

void token_rig_open(struct token_rig *r, enum keyring_alg alg);
void token_rig_release(struct token_rig *r);

/* jwt becomes a token of exactly these bytes. */
void token_rig_make(struct token_rig *r, const char *header, const char *payload);
void token_rig_make_spans(struct token_rig *r, struct span header, struct span payload);
/* jwt becomes "header.payload" as given, nothing encoded, plus a good signature. */
void token_rig_make_segments(struct token_rig *r, const char *header, const char *payload);
/* jwt becomes "header.payload." without a signature. */
void token_rig_make_unsigned(struct token_rig *r, const char *header, const char *payload);
/* jwt gets a signature, and is what token_sign() makes of the claims. */
void token_rig_finish(struct token_rig *r, const unsigned char *sig, size_t len);
void token_rig_sign(struct token_rig *r, const char *claims);

/* As a stored token at RIG_TOKEN_NOW. */
enum tp_rc token_rig_verify(struct token_rig *r);
enum tp_rc token_rig_verify_text(struct token_rig *r, struct span jwt);

struct jval *token_rig_parse(const char *json); /* caller releases */

#endif
