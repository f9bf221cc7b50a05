/* SPDX-License-Identifier: MIT */
/*
 * Owns the questions whether what a client sends reaches tpauth whole: credentials, Origin, bodies;
 * and whether the headers that tpauth answers with arrive alone. The trick with credentials: one
 * that cannot hold is refused in other words than none at all.
 */
#include "ctl/doctor_parts.h"

#include "base/banned.h"

/* A handle of the right form that nobody has, of a user whom nobody can be: names that begin with
 * "tpauth-" are reserved. */
#define NO_HANDLE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define NO_USER	  "tpauth-doctor"
#define NO_BEARER NO_HANDLE ".dHBhdXRoLWRvY3Rvcg"

/* What became of a credential that cannot hold. */
static enum doctor_verdict judge_credential(struct doctor *d, const char *what, enum remedy remedy)
{
	if (doctor_says(d, "invalid_token"))
		return doctor_ok(d, "%s reaches tpauth", what);
	if (d->reply.status == 503)
		return doctor_skip(d, "not known: tpauth could not check it (503)");
	if (d->reply.status == 400)
		return doctor_bad(d, REMEDY_TWICE, "%s arrives as more than one value", what);
	if (d->reply.status == 401)
		return doctor_bad(d, remedy,
				  "%s does not reach tpauth, which answers as if there were none",
				  what);
	return doctor_skip(d, "not known: %s answers %d", doctor_path(d, DOCTOR_USERINFO),
			   d->reply.status);
}

static enum doctor_verdict check_authorization(struct doctor *d)
{
	struct question q = { .method = "GET",
			      .path = DOCTOR_USERINFO,
			      .header = { "Authorization: Bearer " NO_BEARER } };

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	d->bearer_arrives = doctor_says(d, "invalid_token");
	return judge_credential(d, "the Authorization header", REMEDY_AUTHORIZATION);
}

static enum doctor_verdict check_cookies(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(1024);
	struct question q = { .method = "GET", .path = DOCTOR_USERINFO };
	const char *prefix = d->spec->cookie_prefix;

	buf_printf(&line, "Cookie: %saccess_token=" NO_HANDLE "; %suser_id=" NO_USER, prefix,
		   prefix);
	q.header[0] = buf_cstr(&line);
	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	return judge_credential(d, "the Cookie header", REMEDY_COOKIES);
}

/* An empty form is refused for its form alone (400), unless it comes from a foreign page (403). */
static bool post_from(struct doctor *d, const char *origin)
{
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(2048);
	struct question q = { .method = "POST", .path = DOCTOR_TOKEN, .body = SPAN_LIT("a=b") };

	buf_printf(&line, "Origin: %s", origin);
	q.header[0] = buf_cstr(&line);
	return doctor_ask(d, &q);
}

static enum doctor_verdict check_origin(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf own = BUF_INIT(2048);
	struct span allowed;

	if (!d->issues)
		return doctor_skip(d, "not asked: no login here");
	buf_span(&own, d->root);
	if (!post_from(d, buf_cstr(&own)))
		return doctor_unasked(d);
	if (d->reply.status == 403 && doctor_says(d, "access_denied"))
		return doctor_bad(d, REMEDY_HOST,
				  "the service's own pages are taken for foreign: "
				  "Origin %s is refused",
				  buf_cstr(&own));
	if (!post_from(d, DOCTOR_ORIGIN))
		return doctor_unasked(d);
	if (d->reply.status == 403)
		return doctor_ok(d, "own pages may log in, foreign ones may not");
	allowed = doctor_header(d, "Access-Control-Allow-Origin");
	if (span_is(allowed, "*"))
		return doctor_skip(d, "not known: CORS_URLS seems to let every origin in");
	if (d->reply.status != 400 || !doctor_is_ours(d))
		return doctor_skip(d, "not known: %s answers %d", doctor_path(d, DOCTOR_TOKEN),
				   d->reply.status);
	return doctor_bad(
		d, REMEDY_ORIGIN,
		"Origin does not reach tpauth: a form from a foreign page is not refused");
}

/* Headers that browsers take for none when they come twice. */
static const char *const single[] = { "Access-Control-Allow-Origin",
				      "Access-Control-Allow-Credentials" };

/* What tpauth never sends, whatever CORS_URLS says. */
static enum doctor_verdict judge_cors_headers(struct doctor *d, bool preflight)
{
	struct span allowed = doctor_header(d, "Access-Control-Allow-Origin");

	for (size_t i = 0; i < TP_COUNT(single); i++) {
		if (doctor_header_count(d, single[i]) > 1)
			return doctor_bad(d, REMEDY_CORS,
					  "%s comes twice, which browsers take for none; tpauth "
					  "sends it once",
					  single[i]);
	}
	if (span_is(allowed, "*") && doctor_header(d, "Access-Control-Allow-Credentials").p != NULL)
		return doctor_bad(d, REMEDY_CORS,
				  "Access-Control-Allow-Origin is * together with "
				  "Allow-Credentials, which tpauth never sends");
	if (allowed.p != NULL && !preflight &&
	    doctor_header(d, "Access-Control-Expose-Headers").p == NULL)
		return doctor_bad(d, REMEDY_CORS,
				  "Access-Control-Allow-Origin comes without "
				  "Access-Control-Expose-Headers, and is not tpauth's");
	return DOCTOR_OK;
}

static enum doctor_verdict judge_foreign(struct doctor *d)
{
	struct span allowed = doctor_header(d, "Access-Control-Allow-Origin");

	if (span_is(allowed, DOCTOR_ORIGIN))
		return doctor_bad(d, REMEDY_CORS,
				  "any origin is echoed as allowed, which tpauth never does");
	if (allowed.p != NULL && !span_is(allowed, "*"))
		return doctor_bad(d, REMEDY_CORS,
				  "a page of another origin is told that %.*s is allowed, which "
				  "tpauth never does",
				  (int)allowed.len, allowed.p);
	return DOCTOR_OK;
}

static enum doctor_verdict judge_listed(struct doctor *d, bool preflight)
{
	struct span allowed = doctor_header(d, "Access-Control-Allow-Origin");
	int status = d->reply.status;

	if (!span_is(allowed, d->spec->origin) && !span_is(allowed, "*"))
		return doctor_bad(
			d, REMEDY_CORS,
			"pages of %s are not allowed: is it in CORS_URLS, and ENABLE_CORS "
			"on?",
			d->spec->origin);
	if (preflight && (status < 200 || status > 299))
		return doctor_bad(d, REMEDY_CORS,
				  "a preflight gets %d, behind which browsers send no request",
				  status);
	return DOCTOR_OK;
}

/* With an answer without a session and with a good one: what a web server adds may be on one only.
 */
static const struct cors_question {
	const char *method;
	enum doctor_path path;
	bool preflight;
} cors_questions[] = {
	{ "GET", DOCTOR_USERINFO, false },
	{ "GET", DOCTOR_HEALTH, false },
	{ "OPTIONS", DOCTOR_USERINFO, true },
};

/* From a page of the origin that CORS_URLS should have, or of one that it cannot have. */
static enum doctor_verdict ask_cors(struct doctor *d, const char *origin, bool listed)
{
	TP_CLEANUP(buf_release) struct buf line = BUF_INIT(2048);
	enum doctor_verdict verdict = DOCTOR_OK;

	buf_printf(&line, "Origin: %s", origin);
	for (size_t i = 0; i < TP_COUNT(cors_questions) && verdict == DOCTOR_OK; i++) {
		const struct cors_question *a = &cors_questions[i];
		struct question q = { .method = a->method,
				      .path = a->path,
				      .header = { buf_cstr(&line) } };

		if (a->preflight)
			q.header[1] = "Access-Control-Request-Method: GET";
		if (!doctor_ask(d, &q))
			return doctor_unasked(d);
		verdict = judge_cors_headers(d, a->preflight);
		if (verdict == DOCTOR_OK)
			verdict = listed ? judge_listed(d, a->preflight) : judge_foreign(d);
	}
	return verdict;
}

static enum doctor_verdict check_cors(struct doctor *d)
{
	const char *origin = d->spec->origin;
	enum doctor_verdict verdict = DOCTOR_OK;

	if (origin != NULL)
		verdict = ask_cors(d, origin, true);
	if (verdict == DOCTOR_OK)
		verdict = ask_cors(d, DOCTOR_ORIGIN, false);
	if (verdict != DOCTOR_OK)
		return verdict;
	return doctor_ok(d, origin != NULL ? "pages of the origin may read answers"
					   : "no CORS headers but tpauth's own");
}

static enum doctor_verdict check_caching(struct doctor *d)
{
	struct question q = { .method = "GET",
			      .path = d->replaced ? DOCTOR_HEALTH : DOCTOR_USERINFO };
	struct span control, age;

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	if (d->reply.status != 401 && !d->replaced)
		return doctor_skip(d, "not known: %s answers %d", doctor_path(d, q.path),
				   d->reply.status);
	age = doctor_header(d, "Age");
	if (age.p != NULL)
		return doctor_bad(d, REMEDY_CACHING, "an answer came out of a cache (Age: %.*s)",
				  (int)age.len, age.p);
	control = doctor_header(d, "Cache-Control");
	if (doctor_header_count(d, "Cache-Control") != 1 || !span_is(control, "no-store"))
		return doctor_bad(d, REMEDY_CACHING,
				  "tpauth says \"Cache-Control: no-store\", and %.*s arrives",
				  control.p != NULL ? (int)control.len : 4,
				  control.p != NULL ? control.p : "none");
	if (doctor_header(d, "Expires").p != NULL)
		return doctor_bad(d, REMEDY_CACHING,
				  "an Expires is added to what must not be kept");
	return doctor_ok(d, "Cache-Control: no-store arrives as it was sent");
}

/* Bodies --------------------------------------------------------------------------------------- */

/* What tells whether tpauth saw a body to its end: it names a wrong grant_type before a missing
 * field. */
#define END_OF_FORM "grant_type=tpauth-doctor"

/* A form of n bytes, most of them separators with nothing between. */
static bool post_bytes(struct doctor *d, int64_t n)
{
	TP_CLEANUP(buf_release) struct buf body = BUF_INIT((size_t)n + 1);
	struct question q = { .method = "POST", .path = DOCTOR_TOKEN };
	size_t fill;
	char *room;

	fill = (size_t)n - strlen(END_OF_FORM);
	room = buf_room(&body, fill);
	if (room == NULL) {
		d->err = (struct tp_err){ TP_NOMEM, 0, "out of memory" };
		return false;
	}
	memset(room, '&', fill);
	buf_added(&body, fill);
	buf_str(&body, END_OF_FORM);
	q.body = buf_view(&body);
	return doctor_ask(d, &q);
}

static enum doctor_verdict check_bodies(struct doctor *d)
{
	long long most = d->spec->max_body;

	if (!d->issues)
		return doctor_skip(d, "not asked: no login here");
	if (d->replaced)
		return doctor_skip(d, "not known: tpauth's error bodies do not arrive");
	if (!post_bytes(d, most))
		return doctor_unasked(d);
	if (d->reply.status == 413 && doctor_is_ours(d))
		return doctor_ok(d, "tpauth itself refuses a body of %lld bytes (413)", most);
	if (d->reply.status == 413)
		return doctor_bad(d, REMEDY_BODY_LIMIT,
				  "the web server refuses a body of %lld bytes (413)", most);
	if (!doctor_is_ours(d))
		return doctor_bad(d, REMEDY_BODY_ERROR,
				  "the web server answers %d to a body of %lld bytes",
				  d->reply.status, most);
	if (d->reply.status == 503)
		return doctor_skip(d, "not known: %s answers 503", doctor_path(d, DOCTOR_TOKEN));
	if (!doctor_says(d, "unsupported_grant_type"))
		return doctor_bad(d, REMEDY_BODY_LIMIT,
				  "a body of %lld bytes does not reach tpauth whole (%d)", most,
				  d->reply.status);
	if (!post_bytes(d, most + 1))
		return doctor_unasked(d);
	if (d->reply.status >= 500 && !doctor_is_ours(d))
		return doctor_bad(d, REMEDY_BODY_ERROR,
				  "the web server answers %d, not 413, to a body that is too large",
				  d->reply.status);
	return doctor_ok(d, "a body of %lld bytes is taken, one of %lld gets %d", most, most + 1,
			 d->reply.status);
}

static enum doctor_verdict check_chunked(struct doctor *d)
{
	struct question q = { .method = "POST",
			      .path = DOCTOR_TOKEN,
			      .body = SPAN_LIT("grant_type=tpauth-doctor"),
			      .chunked = true };

	if (!d->issues)
		return doctor_skip(d, "not asked: no login here");
	if (d->replaced)
		return doctor_skip(d, "not known: tpauth's error bodies do not arrive");
	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	if (doctor_says(d, "unsupported_grant_type"))
		return doctor_ok(d, "a chunked body reaches tpauth");
	if (d->reply.status == 411)
		return doctor_ok(d, "a chunked body is refused in the open (411)");
	if (d->reply.status == 400 && doctor_says(d, "missing"))
		return doctor_bad(d, REMEDY_CHUNKED,
				  "a chunked body does not reach tpauth, which sees an empty one");
	if (d->reply.status == 503 && doctor_is_ours(d))
		return doctor_skip(d, "not known: %s answers 503", doctor_path(d, DOCTOR_TOKEN));
	return doctor_bad(d, REMEDY_CHUNKED, "a chunked body gets %d", d->reply.status);
}

const struct check doctor_pass_checks[] = {
	{ "authorization", check_authorization, WITH_TPAUTH },
	{ "cookies", check_cookies, WITH_TPAUTH },
	{ "origin", check_origin, WITH_TPAUTH },
	{ "cors", check_cors, WITH_TPAUTH },
	{ "caching", check_caching, WITH_TPAUTH },
	{ "bodies", check_bodies, WITH_TPAUTH },
	{ "chunked", check_chunked, WITH_TPAUTH },
};
const size_t doctor_n_pass_checks = TP_COUNT(doctor_pass_checks);
