/* SPDX-License-Identifier: MIT */
/*
 * The growing buffer. Growth never leaves an old copy behind: storage is moved by hand and wiped,
 * since realloc() would free what may have held a token.
 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { FIRST_ALLOC = 64 };

static bool grow(struct buf *b, size_t need) /* need: bytes with the NUL */
{
	size_t alloc = need > b->alloc * 2 ? need : b->alloc * 2;
	char *p;

	if (alloc < FIRST_ALLOC)
		alloc = FIRST_ALLOC;
	p = malloc(alloc);
	if (p == NULL) {
		b->rc = TP_NOMEM;
		return false;
	}
	if (b->p != NULL) {
		memcpy(p, b->p, b->len);
		explicit_bzero(b->p, b->alloc);
		free(b->p);
	}
	p[b->len] = '\0'; /* also when what there is room for is not added */
	b->p = p;
	b->alloc = alloc;
	return true;
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->rc != TP_OK)
		return NULL;
	if (n > b->cap - b->len || n > PTRDIFF_MAX) { /* the second: no sum below overflows */
		b->rc = TP_TOO_LARGE;
		return NULL;
	}
	if (b->len + n + 1 > b->alloc && !grow(b, b->len + n + 1))
		return NULL;
	return b->p + b->len;
}

void buf_added(struct buf *b, size_t n)
{
	assert(n < b->alloc - b->len);
	b->len += n;
	b->p[b->len] = '\0';
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	char *at = buf_room(b, n);

	if (at == NULL)
		return;
	if (n > 0)
		memcpy(at, p, n);
	buf_added(b, n);
}

void buf_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.len);
}

void buf_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_int(struct buf *b, int64_t n)
{
	char digits[INT_TEXT];

	buf_span(b, span_of_int(n, digits));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *at;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	at = buf_room(b, n >= 0 ? (size_t)n : SIZE_MAX);
	if (at == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, ap);
	va_end(ap);
	buf_added(b, (size_t)n);
}

enum tp_rc buf_rc(const struct buf *b, const char *what, struct tp_err *err)
{
	if (b->rc == TP_TOO_LARGE)
		return tp_fail(err, b->rc, "%s is larger than %zu bytes", what, b->cap);
	if (b->rc != TP_OK)
		return tp_fail(err, b->rc, "out of memory");
	return TP_OK;
}

struct span buf_view(const struct buf *b)
{
	return (struct span){ buf_cstr(b), b->len };
}

const char *buf_cstr(const struct buf *b)
{
	return b->p != NULL ? b->p : "";
}

void buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	explicit_bzero(b->p + len, b->len - len);
	b->len = len;
}

void buf_reset(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->len);
	b->len = 0;
	b->rc = TP_OK;
}

void buf_release(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->alloc);
	free(b->p);
	*b = (struct buf)BUF_INIT(b->cap);
}
