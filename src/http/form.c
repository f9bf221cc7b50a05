/* SPDX-License-Identifier: MIT */
/*
 * Owns the reading of forms. Strict, since a form that two readers understand differently is a way
 * round one of them: every byte of a multipart body is accounted for, and a field has one value.
 * Which fields there must be is for the handlers to say.
 */
#include "http/form.h"

#include "base/codec.h"

#include <assert.h>

#include "base/banned.h"

enum { BOUNDARY_MOST = 70 }; /* RFC 2046 5.1.1 */

/* "value; name=value; name="value"", as Content-Type and Content-Disposition have it. */
struct params {
	struct span rest;
	struct span name, value;
};

static struct span skip(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

/* What stands before the first parameter. */
static struct span params_open(struct params *p, struct span header)
{
	struct span value = span_cut(&header, ';');

	p->rest = header;
	return span_trim(value);
}

/* A value in quotes may hold ';' and '='. A backslash in it is refused: browsers escape by %22, so
 * it would be read in two ways. */
static bool quoted_value(struct params *p)
{
	struct span s = skip(p->rest, 1);
	size_t n = 0;

	while (n < s.len && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	if (n == s.len || s.p[n] == '\\')
		return false;
	p->value = (struct span){ s.p, n };
	s = skip(s, n + 1);
	if (span_trim(span_cut(&s, ';')).len > 0)
		return false;
	p->rest = s;
	return true;
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= 0x20 || s.p[i] > 0x7e ||
		    strchr("()<>@,;:\\\"/[]?={}", s.p[i]) != NULL)
			return false;
	}
	return s.len > 0;
}

/* Moves on to the next parameter. False: malformed; name.p NULL at the end. */
static bool params_next(struct params *p)
{
	struct span s = span_trim(p->rest);

	p->name = p->value = (struct span){ NULL, 0 };
	while (s.len > 0 && s.p[0] == ';')
		s = span_trim(skip(s, 1));
	if (s.len == 0)
		return true;
	p->name = span_trim(span_cut(&s, '='));
	p->rest = span_trim(s);
	if (!is_token(p->name))
		return false;
	if (p->rest.len > 0 && p->rest.p[0] == '"')
		return quoted_value(p);
	p->value = span_trim(span_cut(&p->rest, ';'));
	return is_token(p->value);
}

static bool is_boundary(struct span s)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789'()+_,-./:=? ";

	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\0' || strchr(allowed, s.p[i]) == NULL)
			return false;
	}
	return s.len >= 1 && s.len <= BOUNDARY_MOST && s.p[s.len - 1] != ' ';
}

/* The parameters of a media type: at most one charset, which is UTF-8, and one boundary. */
static bool media_params(struct params *p, struct span *ret_boundary)
{
	struct span charset = { NULL, 0 };

	do {
		struct span *once = NULL;

		if (!params_next(p))
			return false;
		if (span_is_nocase(p->name, "charset"))
			once = &charset;
		else if (span_is_nocase(p->name, "boundary"))
			once = ret_boundary;
		if (once != NULL && once->p != NULL)
			return false;
		if (once != NULL)
			*once = p->value;
	} while (p->name.p != NULL);
	return charset.p == NULL || span_is_nocase(charset, "utf-8");
}

/* Fields are appended one after another: name, value, name, value. While the store may still move,
 * only their lengths are kept. */
static enum tp_rc add_field(struct form *f, size_t name_len, size_t value_len, struct tp_err *err)
{
	if (f->n == LIMIT_FORM_FIELDS)
		return tp_fail(err, TP_INVALID, "more than %d form fields", LIMIT_FORM_FIELDS);
	if (name_len == 0)
		return tp_fail(err, TP_INVALID, "a form field without a name");
	if (name_len > LIMIT_FORM_VALUE || value_len > LIMIT_FORM_VALUE)
		return tp_fail(err, TP_INVALID, "a form field of more than %d bytes",
			       LIMIT_FORM_VALUE);
	f->field[f->n].name.len = name_len;
	f->field[f->n].value.len = value_len;
	f->n++;
	return TP_OK;
}

static void settle(struct form *f)
{
	const char *p = buf_cstr(&f->store);

	for (size_t i = 0; i < f->n; i++) {
		f->field[i].name.p = p;
		p += f->field[i].name.len;
		f->field[i].value.p = p;
		p += f->field[i].value.len;
	}
}

/* For a message: the client's own word, where it can be printed. */
static struct span printable(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return SPAN_LIT("?");
	}
	return name.len <= 40 ? name : SPAN_LIT("?");
}

static enum tp_rc check_field(const struct form *f, size_t i, struct tp_err *err)
{
	const struct form_field *x = &f->field[i];
	struct span shown = printable(x->name);

	if (span_has_byte(x->name, '\0') || span_has_byte(x->value, '\0'))
		return tp_fail(err, TP_INVALID, "a NUL in the field %.*s", (int)shown.len, shown.p);
	if (!span_is_utf8(x->name) || !span_is_utf8(x->value))
		return tp_fail(err, TP_INVALID, "the field %.*s is not UTF-8", (int)shown.len,
			       shown.p);
	for (size_t k = 0; k < i; k++) {
		if (span_eq(f->field[k].name, x->name))
			return tp_fail(err, TP_INVALID, "the field %.*s is given twice",
				       (int)shown.len, shown.p);
	}
	return TP_OK;
}

static enum tp_rc decode(struct span text, struct buf *out, size_t *ret_len, struct tp_err *err)
{
	size_t before = out->len;
	enum tp_rc rc = codec_percent_get(text, true, out, err);

	if (rc == TP_INVALID)
		return tp_fail(err, rc, "a broken %%-sequence in the form");
	if (rc != TP_OK)
		return rc;
	*ret_len = out->len - before;
	return TP_OK;
}

static enum tp_rc read_urlencoded(struct span text, struct form *f, struct tp_err *err)
{
	while (text.p != NULL) {
		struct span value = span_cut(&text, '&');
		size_t name_len = 0, value_len = 0;
		struct span name;
		enum tp_rc rc;

		if (value.len == 0)
			continue;
		name = span_cut(&value, '=');
		rc = decode(name, &f->store, &name_len, err);
		if (rc == TP_OK && value.p != NULL)
			rc = decode(value, &f->store, &value_len, err);
		if (rc == TP_OK)
			rc = add_field(f, name_len, value_len, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

/* Cuts *rest at the first sep; false, and *rest as it was, when there is none. */
static bool cut_at(struct span *rest, struct span sep, struct span *ret_head)
{
	const char *at = rest->len > 0 ? memmem(rest->p, rest->len, sep.p, sep.len) : NULL;

	if (at == NULL)
		return false;
	*ret_head = (struct span){ rest->p, (size_t)(at - rest->p) };
	*rest = skip(*rest, ret_head->len + sep.len);
	return true;
}

static bool skip_text(struct span *rest, const char *text)
{
	if (!span_starts(*rest, text))
		return false;
	*rest = skip(*rest, strlen(text));
	return true;
}

/* Also filename*, of RFC 5987. */
static bool is_filename(struct span name)
{
	size_t n = strlen("filename");

	return name.len >= n && span_is_nocase((struct span){ name.p, n }, "filename");
}

/* form-data; name="x": a file is no field of ours. */
static bool disposition(struct span header, struct span *ret_name)
{
	struct params p;
	struct span name = { NULL, 0 };

	if (!span_is_nocase(params_open(&p, header), "form-data"))
		return false;
	do {
		if (!params_next(&p) || is_filename(p.name))
			return false;
		if (!span_is_nocase(p.name, "name"))
			continue;
		if (name.p != NULL)
			return false;
		name = p.value;
	} while (p.name.p != NULL);
	*ret_name = name;
	return name.p != NULL;
}

/* Text in UTF-8 as it is; a part that holds parts of its own, or bytes in an encoding, is not. */
static bool part_header_ok(struct span name, struct span value)
{
	struct span boundary = { NULL, 0 };
	struct params p;

	if (span_is_nocase(name, "Content-Type"))
		return span_is_nocase(params_open(&p, value), "text/plain") &&
		       media_params(&p, &boundary) && boundary.p == NULL;
	if (span_is_nocase(name, "Content-Transfer-Encoding"))
		return span_is_nocase(value, "7bit") || span_is_nocase(value, "8bit") ||
		       span_is_nocase(value, "binary");
	return true; /* RFC 7578 4.8: others are ignored */
}

/* The header lines of a part, up to the empty one. */
static enum tp_rc part_headers(struct span *rest, struct span *ret_name, struct tp_err *err)
{
	struct span name = { NULL, 0 }, line;

	for (;;) {
		struct span key;

		if (!cut_at(rest, SPAN_LIT("\r\n"), &line))
			return tp_fail(err, TP_INVALID, "a part of the form has no end");
		if (line.len == 0)
			break;
		if (!span_has_byte(line, ':') || span_has_control(line))
			return tp_fail(err, TP_INVALID, "a broken header in a part of the form");
		key = span_cut(&line, ':');
		line = span_trim(line);
		if (span_is_nocase(key, "Content-Disposition")) {
			if (name.p != NULL || !disposition(line, &name))
				return tp_fail(err, TP_INVALID,
					       "a part of the form is not a plain field");
		} else if (span_has_byte(key, ' ') || !part_header_ok(key, line)) {
			return tp_fail(err, TP_INVALID,
				       "a part of the form is not plain text in UTF-8");
		}
	}
	if (name.p == NULL)
		return tp_fail(err, TP_INVALID, "a part of the form has no name");
	*ret_name = name;
	return TP_OK;
}

static enum tp_rc read_part(struct span *rest, struct span delimiter, struct form *f,
			    struct tp_err *err)
{
	struct span name = { NULL, 0 }, value;
	enum tp_rc rc = part_headers(rest, &name, err);

	if (rc != TP_OK)
		return rc;
	if (!cut_at(rest, delimiter, &value))
		return tp_fail(err, TP_INVALID, "a part of the form has no end");
	buf_span(&f->store, name);
	buf_span(&f->store, value);
	return add_field(f, name.len, value.len, err);
}

static enum tp_rc read_multipart(struct span boundary, struct span body, struct form *f,
				 struct tp_err *err)
{
	char text[2 + 2 + BOUNDARY_MOST];
	struct span delimiter = { text, 4 + boundary.len };
	enum tp_rc rc;

	assert(boundary.p != NULL && boundary.len <= BOUNDARY_MOST);
	memcpy(text, "\r\n--", 4);
	memcpy(text + 4, boundary.p, boundary.len);
	/* The first one has no line before it. */
	if (body.len < delimiter.len - 2 || memcmp(body.p, text + 2, delimiter.len - 2) != 0)
		return tp_fail(err, TP_INVALID, "the form does not begin with its boundary");
	body = skip(body, delimiter.len - 2);
	while (skip_text(&body, "\r\n")) {
		rc = read_part(&body, delimiter, f, err);
		if (rc != TP_OK)
			return rc;
	}
	if (!skip_text(&body, "--") || (body.len > 0 && !span_is(body, "\r\n")))
		return tp_fail(err, TP_INVALID, "the form does not end with its boundary");
	return TP_OK;
}

static enum tp_rc read_by_type(struct span content_type, struct span body, struct form *f,
			       struct tp_err *err)
{
	struct span boundary = { NULL, 0 };
	struct params p;
	struct span type = params_open(&p, content_type);
	bool multipart = span_is_nocase(type, "multipart/form-data");

	if (!multipart && !span_is_nocase(type, "application/x-www-form-urlencoded"))
		return tp_fail(
			err, TP_BAD_MEDIA,
			"a form is application/x-www-form-urlencoded or multipart/form-data");
	if (!media_params(&p, &boundary))
		return tp_fail(err, TP_BAD_MEDIA,
			       "broken parameters of Content-Type, or not UTF-8");
	if (!multipart)
		return read_urlencoded(body, f, err);
	if (!is_boundary(boundary))
		return tp_fail(err, TP_BAD_MEDIA, "multipart/form-data without a valid boundary");
	return read_multipart(boundary, body, f, err);
}

/* The end of both ways to read one: *f becomes *ret, or goes. */
static enum tp_rc finish(struct form *f, enum tp_rc rc, struct form *ret, struct tp_err *err)
{
	if (rc == TP_OK)
		rc = buf_rc(&f->store, "form", err);
	if (rc == TP_OK)
		settle(f);
	for (size_t i = 0; rc == TP_OK && i < f->n; i++)
		rc = check_field(f, i, err);
	if (rc == TP_OK)
		*ret = *f;
	else
		form_release(f);
	return rc;
}

enum tp_rc form_parse(struct span content_type, struct span body, struct form *ret,
		      struct tp_err *err)
{
	struct form f = { .store = BUF_INIT(LIMIT_BODY) };

	return finish(&f, read_by_type(content_type, body, &f, err), ret, err);
}

enum tp_rc form_parse_query(struct span query, struct form *ret, struct tp_err *err)
{
	struct form f = { .store = BUF_INIT(LIMIT_ENV_BYTES) };

	return finish(&f, read_urlencoded(query, &f, err), ret, err);
}

struct span form_get(const struct form *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (span_is(f->field[i].name, name))
			return f->field[i].value;
	}
	return (struct span){ NULL, 0 };
}

void form_release(struct form *f)
{
	if (f == NULL)
		return;
	buf_release(&f->store);
	f->n = 0;
}
