/* SPDX-License-Identifier: MIT */
/*
 * Owns the rules of SCOPE_RULES: their file, its syntax, and which of them count for a request. A
 * rule that could never match is an error at start, since it protects nothing and looks as if it
 * did. Whether a session has the scopes is auth/access's to say.
 */
#include "http/scope_rules.h"

#include "base/file.h"
#include "http/path.h"

#include <stdlib.h>
#include <strings.h>

#include "base/banned.h"

/* Those of RFC 9110, RFC 5789 and WebDAV. Another one in a rule is a slip, and would protect
 * nothing. */
static const char *const methods[] = {
	"GET",	 "HEAD",    "POST",   "PUT",	    "PATCH",	 "DELETE", "OPTIONS",
	"TRACE", "CONNECT", "QUERY",  "PROPFIND",   "PROPPATCH", "MKCOL",  "COPY",
	"MOVE",	 "LOCK",    "UNLOCK", "MKCALENDAR", "REPORT",	 "SEARCH", "ACL",
};

struct rule {
	char *prefix; /* without a '/' at its end: "" is every path */
	size_t prefix_len;
	struct span methods, scopes; /* in the text */
};

struct scope_rules {
	struct buf text;
	size_t n;
	struct rule v[];
};

/* The file ------------------------------------------------------------------------------------- */

enum tp_rc scope_rules_open(const char *file, struct scope_rules **ret, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf text = BUF_INIT(LIMIT_SCOPE_FILE);
	struct tp_err why = { .msg = "" };
	/* A regular file only: a device or a pipe may be empty, and nothing would need a scope. */
	enum tp_rc rc = file_read(file, &text, &why);

	if (rc != TP_OK)
		return tp_fail(err, rc, "SCOPE_RULES %.60s: %s", file, why.msg);
	return scope_rules_parse(buf_view(&text), file, ret, err);
}

/* Its lines ------------------------------------------------------------------------------------ */

/* The next word of a line; p NULL: there is none, or a comment. */
static struct span next_word(struct span *line)
{
	struct span word;
	size_t n = 0;

	*line = span_trim(*line);
	if (line->len == 0 || line->p[0] == '#')
		return (struct span){ NULL, 0 };
	while (n < line->len && line->p[n] != ' ' && line->p[n] != '\t')
		n++;
	word = (struct span){ line->p, n };
	line->p += n;
	line->len -= n;
	return word;
}

static bool is_method(struct span s)
{
	for (size_t i = 0; i < TP_COUNT(methods); i++) {
		if (span_is(s, methods[i]))
			return true;
	}
	return false;
}

static enum tp_rc check_methods(struct span list, struct tp_err *err)
{
	if (list.p == NULL)
		return tp_fail(err, TP_INVALID, "takes PREFIX METHODS SCOPE...");
	if (span_is(list, "*"))
		return TP_OK;
	while (list.p != NULL) {
		struct span method = span_cut(&list, ',');

		if (!is_method(method))
			return tp_fail(err, TP_INVALID, "'%.*s' is no method in capitals",
				       (int)(method.len < 20 ? method.len : 20), method.p);
	}
	return TP_OK;
}

static enum tp_rc check_scopes(struct span line, struct tp_err *err)
{
	bool none = false;
	size_t n = 0;

	for (struct span word = next_word(&line); word.p != NULL; word = next_word(&line), n++) {
		struct scope_set one;

		if (scope_parse(word, &one, err) != TP_OK)
			return TP_INVALID;
		none = none || span_is(word, "-");
	}
	if (n == 0 || (none && n > 1))
		return tp_fail(err, TP_INVALID, "takes scopes, or - alone, behind the methods");
	return TP_OK;
}

/* Read as the path of a request is, so that the two can be compared. */
static enum tp_rc set_prefix(struct rule *rule, struct span prefix, struct tp_err *err)
{
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(LIMIT_URI_PATH);
	bool ambiguous;
	enum tp_rc rc;

	if (prefix.p[0] != '/' || span_has_byte(prefix, '?'))
		return tp_fail(err, TP_INVALID, "a prefix is a path that begins with /");
	rc = path_read(prefix, &path, &ambiguous, err);
	if (rc != TP_OK)
		return rc == TP_FORBIDDEN ? TP_INVALID : rc;
	if (path.p[path.len - 1] == '/')
		buf_cut(&path, path.len - 1);
	rule->prefix = span_dup(buf_view(&path));
	rule->prefix_len = path.len;
	return rule->prefix != NULL ? TP_OK : tp_fail(err, TP_NOMEM, "out of memory");
}

static enum tp_rc read_line(struct scope_rules *r, struct span line, struct tp_err *err)
{
	struct span prefix = next_word(&line);
	struct rule *rule = &r->v[r->n];
	enum tp_rc rc;

	if (prefix.p == NULL)
		return TP_OK;
	rule->methods = next_word(&line);
	rule->scopes = line;
	rc = check_methods(rule->methods, err);
	if (rc == TP_OK)
		rc = check_scopes(rule->scopes, err);
	if (rc == TP_OK)
		rc = set_prefix(rule, prefix, err);
	if (rc == TP_OK)
		r->n++;
	return rc;
}

static bool has_control(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (line.p[i] != '\t' && span_has_control((struct span){ line.p + i, 1 }))
			return true;
	}
	return false;
}

static enum tp_rc read_lines(struct scope_rules *r, const char *file, struct tp_err *err)
{
	struct span rest = buf_view(&r->text);
	struct tp_err why = { .msg = "" };
	enum tp_rc rc = TP_OK;

	for (int number = 1; rest.p != NULL; number++) {
		struct span line = span_cut(&rest, '\n');

		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		if (has_control(line))
			rc = tp_fail(&why, TP_INVALID, "there is a control character");
		else
			rc = read_line(r, line, &why);
		if (rc != TP_OK)
			return tp_fail(err, rc, "SCOPE_RULES %.60s, line %d: %s", file, number,
				       why.msg);
	}
	if (r->n == 0)
		return tp_fail(err, TP_INVALID, "SCOPE_RULES %.60s: there is no rule in it", file);
	return TP_OK;
}

static size_t count_lines(struct span text)
{
	size_t n = 0;

	while (text.p != NULL) {
		(void)span_cut(&text, '\n');
		n++;
	}
	return n;
}

enum tp_rc scope_rules_parse(struct span text, const char *file, struct scope_rules **ret,
			     struct tp_err *err)
{
	size_t most = count_lines(text);
	struct scope_rules *r;
	enum tp_rc rc;

	if (text.len > LIMIT_SCOPE_FILE || most > LIMIT_SCOPE_RULES)
		return tp_fail(err, TP_INVALID, "SCOPE_RULES %.60s: more than %d bytes or %d lines",
			       file, LIMIT_SCOPE_FILE, LIMIT_SCOPE_RULES);
	r = calloc(1, sizeof(*r) + most * sizeof(r->v[0]));
	if (r == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	r->text = (struct buf)BUF_INIT(LIMIT_SCOPE_FILE);
	buf_span(&r->text, text);
	rc = buf_rc(&r->text, "SCOPE_RULES", err);
	if (rc == TP_OK)
		rc = read_lines(r, file, err);
	if (rc == TP_OK)
		*ret = r;
	else
		scope_rules_close(r);
	return rc;
}

void scope_rules_close(struct scope_rules *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].prefix);
	buf_release(&r->text);
	free(r);
}

/* What counts ---------------------------------------------------------------------------------- */

/* Where the parameters of a segment that begin at i end, or the path, at what was an encoded '?' or
 * '#'. */
static size_t behind_parameters(struct span path, size_t i)
{
	if (i < path.len && (path.p[i] == '?' || path.p[i] == '#'))
		return path.len;
	if (i >= path.len || path.p[i] != ';')
		return i;
	while (i < path.len && path.p[i] != '/')
		i++;
	return i;
}

static bool prefix_matches(const struct rule *rule, struct span path, bool parameters_off)
{
	size_t at = 0;

	for (size_t i = 0; i < rule->prefix_len; i++, at++) {
		if (parameters_off)
			at = behind_parameters(path, at);
		if (at >= path.len || path.p[at] != rule->prefix[i])
			return false;
	}
	if (parameters_off)
		at = behind_parameters(path, at);
	return at >= path.len || path.p[at] == '/';
}

/* In any case: whether an application takes "get" for GET is its own affair. */
static bool same_method(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

static bool method_matches(const struct rule *rule, struct span method)
{
	struct span list = rule->methods;

	if (span_is(list, "*"))
		return true;
	if (same_method(method, SPAN_LIT("HEAD")) && method_matches(rule, SPAN_LIT("GET")))
		return true;
	while (list.p != NULL) {
		if (same_method(span_cut(&list, ','), method))
			return true;
	}
	return false;
}

static bool matches(const struct rule *rule, const struct scope_request *q)
{
	return method_matches(rule, q->method) &&
	       (prefix_matches(rule, q->path, false) ||
		(q->ambiguous && prefix_matches(rule, q->path, true)));
}

static size_t longest(const struct scope_rules *r, const struct scope_request *q)
{
	size_t most = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i].prefix_len > most && matches(&r->v[i], q))
			most = r->v[i].prefix_len;
	}
	return most;
}

static enum tp_rc add_scopes(struct span line, struct scope_set *into, struct tp_err *err)
{
	for (struct span word = next_word(&line); word.p != NULL; word = next_word(&line)) {
		struct scope_set one;
		enum tp_rc rc;

		if (span_is(word, "-"))
			return TP_OK;
		rc = scope_parse(word, &one, err);
		if (rc == TP_OK)
			rc = scope_unite(into, &one, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

/* For a method that is known. */
static enum tp_rc add_rules(const struct scope_rules *r, const struct scope_request *q,
			    struct scope_set *into, struct tp_err *err)
{
	size_t least = q->ambiguous ? 0 : longest(r, q);

	for (size_t i = 0; i < r->n; i++) {
		enum tp_rc rc;

		if (r->v[i].prefix_len < least || !matches(&r->v[i], q))
			continue;
		rc = add_scopes(r->v[i].scopes, into, err);
		if (rc != TP_OK)
			return rc;
	}
	return TP_OK;
}

enum tp_rc scope_rules_add(const struct scope_rules *r, const struct scope_request *q,
			   struct scope_set *into, struct tp_err *err)
{
	struct scope_request each = *q;
	enum tp_rc rc;

	if (q->method.p != NULL)
		return add_rules(r, q, into, err);
	each.method = SPAN_LIT("-"); /* one that no rule names */
	rc = add_rules(r, &each, into, err);
	for (size_t i = 0; i < TP_COUNT(methods) && rc == TP_OK; i++) {
		each.method = span_of(methods[i]);
		rc = add_rules(r, &each, into, err);
	}
	return rc;
}
