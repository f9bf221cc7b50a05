/* SPDX-License-Identifier: MIT */
/*
 * Owns the entries of paths and their operations: what the route table and the settings say, joined
 * with what openapi.json has under the name of the setting. Which answers any route of a kind can
 * give is the table of answers here, so that no endpoint can forget one.
 */
#include "http/openapi_route.h"

#include "http/route_path.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PATH_MOST = 2 * LIMIT_PATH, REF_MOST = 96, NAME_MOST = 64 };

/* HEAD is not among them: it is what GET is. */
static const struct {
	enum http_method bit;
	const char *name;
} methods[] = {
	{ HTTP_GET, "get" },	   { HTTP_PUT, "put" },		{ HTTP_POST, "post" },
	{ HTTP_DELETE, "delete" }, { HTTP_OPTIONS, "options" }, { HTTP_PATCH, "patch" },
};

/* clang-format off */
/* In this order. An answer that openapi.json has for the operation goes before the one of here. */
static const struct {
	const char *status;
	const char *usual;     /* among components/responses; NULL: only where openapi.json has it */
	unsigned only, except; /* flags of the route; 0: whatever they are */
} answers[] = {
	{ "200", NULL, 0, 0 },
	{ "303", NULL, 0, 0 },
	{ "304", NULL, 0, 0 },
	{ "400", "BadRequest", 0, ROUTE_GUARD },
	{ "401", "Unauthorized", ROUTE_SESSION, 0 },
	{ "403", "Forbidden", ROUTE_SESSION, 0 },
	{ "404", NULL, 0, 0 },
	{ "413", NULL, 0, 0 },
	{ "415", NULL, 0, 0 },
	{ "429", NULL, 0, 0 },
	{ "500", "ServerError", 0, ROUTE_GUARD },
	{ "503", "Unavailable", 0, 0 },
};
/* clang-format on */

/* One entry while it is written. */
struct entry {
	const struct openapi *d;
	const struct jval *part; /* of openapi.json; NULL: it has none */
	const char *key;	 /* its name there: "SESSIONS_URL/{id}"; NULL: none */
	struct span path;
};

void openapi_name_span(struct buf *out, struct span name)
{
	if (out->len > 0 && out->p[out->len - 1] != '{')
		buf_char(out, ',');
	jval_quote(name, out);
	buf_char(out, ':');
}

void openapi_name(struct buf *out, const char *name)
{
	openapi_name_span(out, span_of(name));
}

void openapi_text(struct buf *out, const char *name, struct span value)
{
	openapi_name(out, name);
	jval_quote(value, out);
}

void openapi_copy(struct buf *out, const char *name, const struct jval *value)
{
	if (value == NULL)
		return;
	openapi_name(out, name);
	jval_write(value, out);
}

/* The next element of the array that is being written. */
static void put_comma(struct buf *out)
{
	if (out->len > 0 && out->p[out->len - 1] != '[')
		buf_char(out, ',');
}

static void put_ref(struct buf *out, const char *kind, const char *name)
{
	char ref[REF_MOST];

	snprintf(ref, sizeof(ref), "#/components/%s/%s", kind, name);
	buf_char(out, '{');
	openapi_text(out, "$ref", span_of(ref));
	buf_char(out, '}');
}

/* Paths -----------------------------------------------------------------------------------------*/

struct search {
	const char *setting;
	bool below;
	const char *key;
	const struct jval *part;
};

/* "SESSIONS_URL" is the route at the path, "SESSIONS_URL/{id}" the one below it. */
static enum tp_rc match_part(void *arg, const char *key, const struct jval *v, struct tp_err *err)
{
	struct search *s = arg;
	size_t n = strlen(s->setting);

	(void)err;
	if (strncmp(key, s->setting, n) == 0 && key[n] == (s->below ? '/' : '\0')) {
		s->key = key;
		s->part = v;
	}
	return TP_OK;
}

static void find_part(const struct openapi *d, const struct route *r, struct entry *e)
{
	struct search s = { .below = (r->flags & ROUTE_BELOW) != 0 };

	*e = (struct entry){ .d = d };
	if (r->path_template != NULL)
		return;
	s.setting = site_path_setting(r->path);
	(void)!jval_each(jval_get(d->parts, "paths"), match_part, &s, NULL);
	e->key = s.key;
	e->part = s.part;
}

/* Empty: the path is turned off. */
static void put_path(const struct openapi *d, const struct route *r, struct buf *out)
{
	struct span path = d->call->site->path[r->path];
	struct entry e;

	if (r->path_template != NULL) {
		buf_str(out, r->path_template);
		return;
	}
	buf_span(out, path);
	if (path.len == 0 || (r->flags & ROUTE_BELOW) == 0)
		return;
	find_part(d, r, &e);
	buf_str(out, e.key != NULL ? strchr(e.key, '/') : "/{name}");
}

/* The names between braces. What openapi.json knows of them goes first. */
static void put_path_parameters(const struct entry *e, struct buf *out)
{
	const struct jval *known = jval_get(e->part, "parameters");
	struct span rest = e->path;

	if (known != NULL || !span_has_byte(rest, '{')) {
		openapi_copy(out, "parameters", known);
		return;
	}
	openapi_name(out, "parameters");
	buf_char(out, '[');
	(void)span_cut(&rest, '{');
	while (rest.p != NULL) {
		put_comma(out);
		buf_char(out, '{');
		openapi_text(out, "name", span_cut(&rest, '}'));
		buf_str(out,
			",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}");
		if (rest.p != NULL)
			(void)span_cut(&rest, '{');
	}
	buf_char(out, ']');
}

/* Operations ------------------------------------------------------------------------------------*/

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/* "post_token", "delete_sessions_id": stable, wherever the paths are. An application's routes have
 * none: what could be made of their paths need not be unique. */
static void put_operation_id(const struct entry *e, const char *method, struct buf *out)
{
	TP_CLEANUP(buf_release) struct buf id = BUF_INIT(NAME_MOST);

	if (e->key == NULL)
		return;
	buf_printf(&id, "%s_", method);
	for (const char *p = e->key; *p != '\0'; p++) {
		if (strncmp(p, "_URL", 4) == 0)
			p += 3;
		else if (*p == '/')
			buf_char(&id, '_');
		else if (*p != '{' && *p != '}')
			buf_char(&id, lower(*p));
	}
	if (id.rc != TP_OK)
		out->rc = id.rc;
	openapi_text(out, "operationId", buf_view(&id));
}

static void put_parameters(const struct route *r, const struct jval *op, struct buf *out)
{
	const struct jval *own = jval_get(op, "parameters");
	size_t n = jval_count(own);

	if (n == 0 && (r->flags & ROUTE_SLIDES) == 0)
		return;
	openapi_name(out, "parameters");
	buf_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		put_comma(out);
		jval_write(jval_at(own, i), out);
	}
	if ((r->flags & ROUTE_SLIDES) != 0) {
		put_comma(out);
		put_ref(out, "parameters", "refresh");
	}
	buf_char(out, ']');
}

static void put_scheme(struct buf *out, const char *name, const struct scope_set *scopes)
{
	openapi_name(out, name);
	buf_char(out, '[');
	for (size_t i = 0; i < scopes->n; i++) {
		put_comma(out);
		jval_quote(scopes->v[i], out);
	}
	buf_char(out, ']');
}

/* A bearer or both cookies. That a bearer can be got by a login here is the first to be told, since
 * programs take what comes first. */
static void put_security(const struct http_call *c, const struct route *r,
			 const struct scope_set *scopes, struct buf *out)
{
	openapi_name(out, "security");
	buf_char(out, '[');
	if ((r->flags & ROUTE_SESSION) != 0) {
		if (openapi_has_login(c)) {
			buf_char(out, '{');
			put_scheme(out, "oauth2", scopes);
			buf_str(out, "},");
		}
		buf_char(out, '{');
		put_scheme(out, "bearer", scopes);
		buf_str(out, "},{");
		put_scheme(out, "session_cookie", scopes);
		put_scheme(out, "user_cookie", scopes);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void put_answers(const struct route *r, const struct jval *op, struct buf *out)
{
	const struct jval *own = jval_get(op, "responses");

	openapi_name(out, "responses");
	buf_char(out, '{');
	for (size_t i = 0; i < TP_COUNT(answers); i++) {
		const struct jval *special = jval_get(own, answers[i].status);
		bool usual = answers[i].usual != NULL &&
			     (answers[i].only == 0 || (r->flags & answers[i].only) != 0) &&
			     (r->flags & answers[i].except) == 0;

		openapi_copy(out, answers[i].status, special);
		if (special != NULL || !usual)
			continue;
		openapi_name(out, answers[i].status);
		put_ref(out, "responses", answers[i].usual);
	}
	if ((r->flags & ROUTE_GUARD) == 0) {
		openapi_name(out, "default");
		put_ref(out, "responses", own != NULL ? "Other" : "Application");
	}
	buf_char(out, '}');
}

static void put_tags(const struct jval *op, struct buf *out)
{
	openapi_copy(out, "tags", jval_get(op, "tags"));
	if (jval_get(op, "tags") == NULL) {
		openapi_name(out, "tags");
		buf_str(out, "[\"application\"]");
	}
}

static enum tp_rc put_operation(const struct entry *e, const struct route *r, const char *method,
				struct buf *out, struct tp_err *err)
{
	const struct http_call *c = e->d->call;
	const struct jval *op = jval_get(e->part, method);
	struct span summary = r->summary != NULL ? span_of(r->summary) : e->path;
	struct scope_set scopes;
	enum tp_rc rc = openapi_scopes(c, r, &scopes, err);

	if (rc != TP_OK)
		return rc;
	if (op == NULL)
		op = jval_get(e->part, "*");
	(void)jval_str(jval_get(op, "summary"), &summary);
	openapi_name(out, method);
	buf_char(out, '{');
	put_tags(op, out);
	openapi_text(out, "summary", summary);
	openapi_copy(out, "description", jval_get(op, "description"));
	put_operation_id(e, method, out);
	put_parameters(r, op, out);
	openapi_copy(out, "requestBody", jval_get(op, "requestBody"));
	put_security(c, r, &scopes, out);
	put_answers(r, op, out);
	buf_char(out, '}');
	return TP_OK;
}

/* Entries ---------------------------------------------------------------------------------------*/

bool openapi_has_login(const struct http_call *c)
{
	return c->site->issues && c->site->path[HTTP_PATH_TOKEN].len > 0;
}

enum tp_rc openapi_scopes(const struct http_call *c, const struct route *r, struct scope_set *ret,
			  struct tp_err *err)
{
	if ((r->flags & ROUTE_GUARD) != 0)
		*ret = c->site->required_scopes;
	else if (scope_parse(span_of(r->scopes), ret, NULL) != TP_OK)
		return tp_fail(err, TP_INTERNAL, "the scopes of a route cannot be read");
	return TP_OK;
}

/* A route where it is found. */
struct place {
	const struct route *route;
	struct span path;	  /* empty: nowhere */
	const struct place *next; /* in the order of the routes, at the same path */
	bool first;		  /* there */
};

/* Anybody may ask for the document, and an application may have LIMIT_ROUTES of them: so they are
 * sorted, and not each compared with all others. */
struct map {
	struct buf text; /* what paths point into */
	struct place *places;
	struct place **sorted; /* by path, then in the order of the routes */
};

static void map_release(struct map *m)
{
	buf_release(&m->text);
	free(m->places);
	free(m->sorted);
}

static int by_path(const void *a, const void *b)
{
	const struct place *x = *(struct place *const *)a, *y = *(struct place *const *)b;
	int order = span_order(x->path, y->path);

	return order != 0 ? order : (x > y) - (x < y);
}

static enum tp_rc name_places(const struct openapi *d, struct map *m, struct tp_err *err)
{
	const struct http_call *c = d->call;
	const char *p;

	for (size_t i = 0; i < c->n_routes; i++) {
		size_t from = m->text.len;

		if (http_route_exists(c, &c->routes[i]))
			put_path(d, &c->routes[i], &m->text);
		m->places[i].route = &c->routes[i];
		m->places[i].path.len = m->text.len - from;
	}
	/* Only now: the text moved as it grew. */
	p = buf_cstr(&m->text);
	for (size_t i = 0; i < c->n_routes; i++) {
		m->places[i].path.p = p;
		p += m->places[i].path.len;
	}
	return buf_rc(&m->text, "the paths", err);
}

static enum tp_rc make_map(const struct openapi *d, struct map *m, struct tp_err *err)
{
	size_t n = d->call->n_routes;
	enum tp_rc rc;

	m->places = calloc(n, sizeof(*m->places));
	m->sorted = calloc(n, sizeof(struct place *));
	if (m->places == NULL || m->sorted == NULL)
		return tp_fail(err, TP_NOMEM, "out of memory");
	rc = name_places(d, m, err);
	if (rc != TP_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		m->sorted[i] = &m->places[i];
	qsort(m->sorted, n, sizeof(struct place *), by_path);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && span_eq(m->sorted[i - 1]->path, m->sorted[i]->path))
			m->sorted[i - 1]->next = m->sorted[i];
		else
			m->sorted[i]->first = m->sorted[i]->path.len > 0;
	}
	return TP_OK;
}

/* As the router does; NULL: it has none. */
static const struct route *route_for(const struct place *first, enum http_method method)
{
	for (const struct place *p = first; p != NULL; p = p->next) {
		if ((p->route->methods & method) != 0 && http_route_same(p->route, first->route))
			return p->route;
	}
	return NULL;
}

/* All that the router takes at the path. */
static enum tp_rc put_entry(const struct openapi *d, const struct place *first, struct buf *out,
			    struct tp_err *err)
{
	enum tp_rc rc = TP_OK;
	struct entry e;

	find_part(d, first->route, &e);
	e.path = first->path;
	openapi_name_span(out, e.path);
	buf_char(out, '{');
	put_path_parameters(&e, out);
	for (size_t i = 0; i < TP_COUNT(methods) && rc == TP_OK; i++) {
		const struct route *r = route_for(first, methods[i].bit);

		if (r != NULL)
			rc = put_operation(&e, r, methods[i].name, out, err);
	}
	buf_char(out, '}');
	return rc;
}

enum tp_rc openapi_paths(const struct openapi *d, struct buf *out, struct tp_err *err)
{
	TP_CLEANUP(map_release)
	struct map m = { .text = BUF_INIT(d->call->n_routes * PATH_MOST) };
	enum tp_rc rc = make_map(d, &m, err);

	openapi_name(out, "paths");
	buf_char(out, '{');
	for (size_t i = 0; i < d->call->n_routes && rc == TP_OK; i++) {
		if (m.places[i].first)
			rc = put_entry(d, &m.places[i], out, err);
	}
	buf_char(out, '}');
	return rc;
}
