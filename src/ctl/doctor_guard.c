/* SPDX-License-Identifier: MIT */
/*
 * Owns the questions about a path behind the authorizer: is it shut, does another spelling or a
 * forged header open it, does the application take a forged name, and do the authorizer's words to
 * the application stay inside. A spelling counts only where it is not the site's answer to just any
 * path.
 */
#include "ctl/doctor_parts.h"

#include "base/codec.h"

#include "base/banned.h"

#define FORGED	"tpauth-doctor-forged"
#define NOWHERE "/tpauth-doctor-none"

enum { PATH_MOST = 4096, URL_MOST = 8192, LIST_MOST = 2048 };

/* What a server, a module or an application may take for the name of a user; one with "_" arrives
 * as the same variable as one with "-". */
static const char *const forged[] = {
	"Remote-User: " FORGED,	   "X-Auth-User: " FORGED,	"X_Auth_User: " FORGED,
	"X-Remote-User: " FORGED,  "X-Forwarded-User: " FORGED, "Remote_User: " FORGED,
	"TPAUTH-USER-ID: " FORGED, "TPAUTH_USER_ID: " FORGED,	"Variable-REMOTE_USER: " FORGED,
};

/* The path of the protected URL in its host. */
static const char *path_of(const struct doctor *d)
{
	const char *p = d->guarded;

	if (p[0] == '/')
		return p;
	return strchr(strstr(p, "://") + strlen("://"), '/'); /* doctor_guarded() saw one */
}

static bool ask_url(struct doctor *d, const char *url, const char *a, const char *b)
{
	struct question q = { .method = "GET", .url = url, .header = { a, b } };

	return doctor_ask(d, &q);
}

/* The same host, another path. */
static bool ask_path(struct doctor *d, struct span path, const char *credential)
{
	TP_CLEANUP(buf_release) struct buf url = BUF_INIT(URL_MOST);

	if (d->guarded[0] != '/')
		buf_span(&url, (struct span){ d->guarded, (size_t)(path_of(d) - d->guarded) });
	buf_span(&url, path);
	return ask_url(d, buf_cstr(&url), credential, NULL);
}

static const char *credential(const struct doctor *d)
{
	if (!d->open || !doctor_hides(d, d->guarded))
		return NULL;
	return d->cookies.len > 0 ? buf_cstr(&d->cookies) : buf_cstr(&d->bearer);
}

/* Says why the session is not shown to the protected URL. */
static enum doctor_verdict not_shown(struct doctor *d)
{
	return doctor_skip(d, "not asked, for the session would go over plain HTTP "
			      "(--insecure-http-ok sends it nevertheless)");
}

static bool is_redirect(int status)
{
	return status == 302 || status == 303 || status == 307;
}

static bool is_shut(const struct doctor *d)
{
	return d->guarded_status == 401 || d->guarded_status == 403 ||
	       is_redirect(d->guarded_status);
}

static enum doctor_verdict check_guarded(struct doctor *d)
{
	const char *path = path_of(d);

	if (!ask_url(d, d->guarded, NULL, NULL))
		return doctor_unasked(d);
	d->guarded_status = d->reply.status;
	if (is_shut(d))
		return doctor_ok(d, "%s is shut without a session (%d)", path, d->guarded_status);
	if (d->guarded_status >= 200 && d->guarded_status < 300)
		return doctor_bad(d, REMEDY_OPEN, "%s opens without a session (%d)", path,
				  d->guarded_status);
	if (d->guarded_status >= 500)
		return doctor_bad(d, REMEDY_GUARD_DOWN, "%s answers %d to whoever has no session",
				  path, d->guarded_status);
	return doctor_skip(d, "%s answers %d: not known what it would be with a session", path,
			   d->guarded_status);
}

/* All at once first: most often that is the only question. */
static bool ask_all_forged(struct doctor *d)
{
	const char *headers[TP_COUNT(forged) + 1];
	struct fetch_request ask = { .method = "GET", .headers = headers };

	for (size_t i = 0; i < TP_COUNT(forged); i++)
		headers[i] = forged[i];
	headers[TP_COUNT(forged)] = NULL;
	buf_reset(&d->url);
	if (d->guarded[0] == '/')
		buf_span(&d->url, d->root);
	buf_str(&d->url, d->guarded);
	ask.url = buf_cstr(&d->url);
	return d->spec->fetch(d->spec->fetch_arg, &ask, &d->reply, &d->err) == TP_OK ||
	       d->reply.status != 0;
}

static bool opened(const struct doctor *d)
{
	return d->reply.status >= 200 && d->reply.status < 300;
}

static enum doctor_verdict check_forged(struct doctor *d)
{
	if (!is_shut(d))
		return doctor_skip(d, "not asked: %s is not shut", path_of(d));
	if (!ask_all_forged(d))
		return doctor_unasked(d);
	if (!opened(d))
		return doctor_ok(d, "no forged header of a user's name opens it");
	for (size_t i = 0; i < TP_COUNT(forged); i++) {
		if (ask_url(d, d->guarded, forged[i], NULL) && opened(d))
			return doctor_bad(d, REMEDY_SPOOF, "\"%s\" opens %s without a session",
					  forged[i], path_of(d));
	}
	return doctor_bad(d, REMEDY_SPOOF, "forged headers together open %s without a session",
			  path_of(d));
}

/* Spellings ------------------------------------------------------------------------------------ */

enum spelling {
	DOUBLED,
	DOT,
	UP,
	ENCODED_DOT,
	ENCODED_UP,
	ENCODED_LETTER,
	ENCODED_SLASH,
	UPPER,
	INNER_DOUBLED,
	PARAMETER,
	SPELLINGS
};

/* "/app" of "/app/x.html?a=b" */
static struct span first_segment(struct span path)
{
	size_t n = 1;

	while (n < path.len && path.p[n] != '/' && path.p[n] != '?')
		n++;
	return (struct span){ path.p, n };
}

static void put_upper(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		buf_char(out, c);
	}
}

/* Another spelling of a path; *out stays empty where there is none of that kind. */
static void respell(enum spelling how, struct span path, struct buf *out)
{
	static const char *const before[] = {
		[DOUBLED] = "/",
		[DOT] = "/.",
		[UP] = "/tpauth-doctor/..",
		[ENCODED_DOT] = "/%2e",
		[ENCODED_UP] = "/tpauth-doctor/%2e%2e",
	};
	static const char *const after[] = {
		[ENCODED_SLASH] = "%2f", [INNER_DOUBLED] = "//", [PARAMETER] = ";x=y/"
	};
	struct span first = first_segment(path);
	struct span rest = { path.p + first.len, path.len - first.len };

	if (how <= ENCODED_UP) {
		buf_printf(out, "%s%.*s", before[how], (int)path.len, path.p);
	} else if (how == ENCODED_LETTER && first.len > 1) {
		buf_str(out, "/%");
		codec_hex_put(out, (struct span){ first.p + 1, 1 });
		buf_span(out, (struct span){ path.p + 2, path.len - 2 });
	} else if (how == UPPER) {
		put_upper(out, first);
		buf_span(out, rest);
		if (span_eq(buf_view(out), path))
			buf_reset(out);
	} else if (how >= ENCODED_SLASH && first.len > 1 && rest.len > 0 && rest.p[0] == '/') {
		buf_span(out, first);
		buf_str(out, after[how]);
		buf_span(out, (struct span){ rest.p + 1, rest.len - 1 });
	}
}

struct proof {
	bool any_path; /* the site answers 200 to paths that are none */
	bool has_page; /* what the path shows with a session is known: */
	struct buf *page;
};

static bool gather_proof(struct doctor *d, struct proof *p)
{
	if (!ask_path(d, SPAN_LIT(NOWHERE "/"), NULL))
		return false;
	p->any_path = opened(d);
	if (!p->any_path || credential(d) == NULL)
		return true;
	if (!ask_url(d, d->guarded, credential(d), NULL))
		return false;
	p->has_page = opened(d);
	buf_span(p->page, buf_view(&d->reply.body));
	return true;
}

static bool proved_open(const struct doctor *d, const struct proof *p)
{
	if (!opened(d))
		return false;
	return !p->any_path ||
	       (p->has_page && span_eq(buf_view(&d->reply.body), buf_view(p->page)));
}

static enum doctor_verdict check_spelling(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf page = BUF_INIT(DOCTOR_BODY_MOST);
	TP_CLEANUP(buf_release) struct buf list = BUF_INIT(LIST_MOST);
	TP_CLEANUP(buf_release) struct buf path = BUF_INIT(PATH_MOST);
	struct proof proof = { .page = &page };

	if (!is_shut(d))
		return doctor_skip(d, "not asked: %s is not shut", path_of(d));
	if (!gather_proof(d, &proof))
		return doctor_unasked(d);
	for (int i = 0; i < SPELLINGS; i++) {
		buf_reset(&path);
		respell((enum spelling)i, span_of(path_of(d)), &path);
		if (path.len == 0)
			continue;
		if (!ask_path(d, buf_view(&path), NULL))
			return doctor_unasked(d);
		if (proved_open(d, &proof))
			buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", buf_cstr(&path));
	}
	if (list.len > 0)
		return doctor_bad(d, REMEDY_SPELLING,
				  "opens the protected path without a session: %s",
				  buf_cstr(&list));
	if (proof.any_path && !proof.has_page)
		return doctor_skip(d, "not known: the site answers 200 to just any path");
	return doctor_ok(d, "no other spelling of the path opens it");
}

/* With a session ------------------------------------------------------------------------------- */

static enum doctor_verdict check_admits(struct doctor *d)
{
	if (credential(d) == NULL)
		return not_shown(d);
	if (!ask_url(d, d->guarded, credential(d), NULL))
		return doctor_unasked(d);
	if (d->reply.status == 403)
		return doctor_skip(d, "%s refuses this user (403): a scope is missing", path_of(d));
	if (d->reply.status == 401 || is_redirect(d->reply.status))
		return doctor_bad(d, REMEDY_GUARD_REFUSES, "%s stays shut with a session (%d)",
				  path_of(d), d->reply.status);
	if (d->reply.status >= 500)
		return doctor_bad(d, REMEDY_GUARD_DOWN, "%s answers %d with a session", path_of(d),
				  d->reply.status);
	return doctor_ok(d, "%s opens with a session (%d)", path_of(d), d->reply.status);
}

static enum doctor_verdict check_leak(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf list = BUF_INIT(LIST_MOST);
	struct span rest, name, value;

	if (credential(d) == NULL)
		return not_shown(d);
	if (!ask_url(d, d->guarded, credential(d), NULL))
		return doctor_unasked(d);
	rest = buf_view(&d->reply.head);
	while (fetch_next_header(&rest, &name, &value)) {
		if (name.len > 9 && strncasecmp(name.p, "Variable-", 9) == 0)
			buf_printf(&list, "%s%.*s", list.len > 0 ? ", " : "", (int)name.len,
				   name.p);
	}
	if (list.len > 0)
		return doctor_bad(d, REMEDY_LEAK,
				  "the authorizer's words to the application reach the client: %s",
				  buf_cstr(&list));
	return doctor_ok(d, "none of the authorizer's variables reaches the client");
}

/* Proof needs a page that shows who is asking: it shows the user, and with the forged header it
 * shows the forged name in the user's stead. */
static enum doctor_verdict check_identity(struct doctor *d)
{
	const char *user = buf_cstr(&d->user_id);

	if (credential(d) == NULL)
		return not_shown(d);
	if (!ask_url(d, d->guarded, credential(d), NULL))
		return doctor_unasked(d);
	if (user[0] == '\0' || !doctor_has(buf_view(&d->reply.body), user) ||
	    doctor_has(buf_view(&d->reply.body), FORGED))
		return doctor_skip(d, "not known: the page does not show who is asking");
	for (size_t i = 0; i < TP_COUNT(forged); i++) {
		if (!ask_url(d, d->guarded, credential(d), forged[i]))
			return doctor_unasked(d);
		if (doctor_has(buf_view(&d->reply.body), FORGED) &&
		    !doctor_has(buf_view(&d->reply.body), user))
			return doctor_bad(d, REMEDY_SPOOF,
					  "with \"%s\" the application takes the user for another",
					  forged[i]);
	}
	return doctor_ok(d, "the application keeps to the name that the authorizer gave it");
}

const struct check doctor_guard_checks[] = {
	{ "protected", check_guarded, ALWAYS }, { "forged", check_forged, ALWAYS },
	{ "spelling", check_spelling, ALWAYS }, { "admits", check_admits, WITH_SESSION },
	{ "leak", check_leak, WITH_SESSION },	{ "identity", check_identity, WITH_SESSION },
};
const size_t doctor_n_guard_checks = TP_COUNT(doctor_guard_checks);
