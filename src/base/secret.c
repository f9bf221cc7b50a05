/* SPDX-License-Identifier: MIT */
/*
 * The life of secret bytes: own copy, constant-time comparison, fingerprint, wiping. Where they
 * come from and what they open is not known here.
 */
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"

#include "base/banned.h"

enum tp_rc secret_set(struct secret *s, struct span from, struct tp_err *err)
{
	char *p = from.p != NULL ? malloc(from.len + 1) : NULL;

	if (p != NULL) {
		memcpy(p, from.p, from.len);
		p[from.len] = '\0';
	}
	secret_release(s); /* only now: from may be a view of it */
	if (p == NULL)
		return from.p == NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
	s->p = p;
	s->len = from.len;
	return TP_OK;
}

void secret_take(struct secret *s, struct buf *from)
{
	secret_release(s);
	s->p = from->p;
	s->len = from->len;
	*from = (struct buf)BUF_INIT(from->cap);
}

struct span secret_view(const struct secret *s)
{
	return (struct span){ s->p, s->len };
}

void secret_release(struct secret *s)
{
	if (s->p != NULL)
		explicit_bzero(s->p, s->len);
	free(s->p);
	*s = (struct secret){ NULL, 0 };
}

bool secret_eq(struct span a, struct span b)
{
	volatile unsigned char difference = 0;

	if (a.p == NULL || b.p == NULL || a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference = (unsigned char)(difference | (a.p[i] ^ b.p[i]));
	return difference == 0;
}

void secret_fingerprint(struct span s, char ret_hex[SECRET_FP_LEN + 1])
{
	unsigned char sum[DIGEST_SHA256];

	codec_sha256(s, sum);
	snprintf(ret_hex, SECRET_FP_LEN + 1, "%02x%02x%02x%02x", sum[0], sum[1], sum[2], sum[3]);
}
