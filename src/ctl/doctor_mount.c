/* SPDX-License-Identifier: MIT */
/*
 * Owns the first questions: does anybody answer, is it tpauth, does it reach its store, and does
 * the web server give it what it should and back what it said. None of them needs a user.
 */
#include "ctl/doctor_parts.h"

#include <stdio.h>

#include "base/banned.h"

enum { CLOCK_SKEW_S = 30 };

static enum doctor_verdict check_answers(struct doctor *d)
{
	struct question q = { .method = "GET", .path = DOCTOR_HEALTH };
	struct span server;

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	server = doctor_header(d, "Server");
	if (d->server == REMEDY_ANY)
		d->server = remedy_server_of(server);
	return doctor_ok(d, "%d from %s (%.*s)", d->reply.status, doctor_path(d, DOCTOR_HEALTH),
			 server.len > 0 ? (int)server.len : 9,
			 server.len > 0 ? server.p : "no Server");
}

/* A replaced error page may hide that it was tpauth; its challenge stays. */
static bool looks_like_ours(struct doctor *d, enum doctor_path path)
{
	struct question q = { .method = "GET", .path = path };

	return doctor_ask(d, &q) &&
	       (doctor_is_ours(d) || (d->reply.status == 401 &&
				      span_starts(doctor_header(d, "WWW-Authenticate"), "Bearer")));
}

static enum doctor_verdict none_here(struct doctor *d)
{
	struct question q = { .method = "GET", .path = DOCTOR_HEALTH };
	struct span to;

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	to = doctor_header(d, "Location");
	if (d->reply.status >= 300 && d->reply.status < 400 && to.p != NULL)
		return doctor_bad(d, REMEDY_MOUNT, "the web server sends on to %.*s: ask there",
				  (int)to.len, to.p);
	if (d->reply.status >= 500)
		return doctor_bad(
			d, REMEDY_BACKEND,
			"the web server answers %d itself: it does not get an answer from "
			"tpauth",
			d->reply.status);
	return doctor_bad(d, REMEDY_MOUNT,
			  "a web server answers, but no tpauth: %d, without X-Request-ID, on every "
			  "path that was tried",
			  d->reply.status);
}

static enum doctor_verdict check_tpauth(struct doctor *d)
{
	static const enum doctor_path tried[] = { DOCTOR_HEALTH, DOCTOR_USERINFO, DOCTOR_TOKEN };

	if (d->reply.status == 0)
		return doctor_skip(d, "not asked: nothing answers");
	for (size_t i = 0; i < TP_COUNT(tried) && !d->here; i++)
		d->here = looks_like_ours(d, tried[i]);
	if (!d->here)
		return none_here(d);
	return doctor_ok(d, "tpauth is there");
}

static enum doctor_verdict check_store(struct doctor *d)
{
	struct question q = { .method = "GET", .path = DOCTOR_HEALTH };

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	if (!doctor_is_ours(d) || (d->reply.status != 200 && d->reply.status != 503))
		return doctor_skip(d, "not known: there is no health check at %s",
				   doctor_path(d, DOCTOR_HEALTH));
	if (d->reply.status == 503)
		return doctor_bad(d, REMEDY_STORE,
				  "the session store does not answer: health check 503");
	return doctor_ok(d, "the session store answers");
}

/* Paths ---------------------------------------------------------------------------------------- */

struct survey {
	struct buf *list;  /* "/token: 404 by tpauth" */
	int missed;	   /* by tpauth */
	int twice;	   /* 400 by tpauth, for a header that came twice */
	int kept, refused; /* by the web server: 404, something else */
	bool token, refresh;
};

/* GET, where most take only POST: 405 shows that the endpoint is there, and changes nothing. */
static const int expected[DOCTOR_PATHS] = {
	[DOCTOR_TOKEN] = 405,  [DOCTOR_REFRESH] = 405, [DOCTOR_USERINFO] = 401,
	[DOCTOR_LOGOUT] = 405, [DOCTOR_HEALTH] = 200,
};

static bool as_expected(const struct doctor *d, enum doctor_path p)
{
	return d->reply.status == expected[p] || (d->reply.status == 503 && doctor_is_ours(d));
}

static bool look_at(struct doctor *d, enum doctor_path p, struct survey *s)
{
	struct question q = { .method = "GET", .path = p };
	bool ours;

	if (!doctor_ask(d, &q))
		return false;
	if (as_expected(d, p)) {
		s->token = s->token || p == DOCTOR_TOKEN;
		s->refresh = s->refresh || p == DOCTOR_REFRESH;
		d->reached = d->reached || p == DOCTOR_USERINFO;
		return true;
	}
	ours = doctor_is_ours(d);
	s->missed += ours;
	s->twice += ours && d->reply.status == 400;
	s->kept += !ours && d->reply.status == 404;
	s->refused += !ours && d->reply.status != 404;
	buf_printf(s->list, "%s%s: %d by %s", s->list->len > 0 ? ", " : "", doctor_path(d, p),
		   d->reply.status, ours ? "tpauth" : "the web server");
	return true;
}

static enum doctor_verdict judge_paths(struct doctor *d, const struct survey *s)
{
	d->issues = s->token;
	if (s->missed == 2 && s->kept + s->refused == 0 && !s->token && !s->refresh)
		return doctor_ok(d, "each endpoint answers; a resource server: no login here");
	if (s->missed + s->kept + s->refused == 0)
		return doctor_ok(d, "each endpoint answers");
	if (s->twice == DOCTOR_PATHS) {
		d->here = false; /* every other answer would be the same */
		return doctor_bad(
			d, REMEDY_TWICE,
			"tpauth refuses every request (400), before it looks at the path");
	}
	return doctor_bad(d,
			  s->kept > 0	   ? REMEDY_ROUTE
			  : s->refused > 0 ? REMEDY_BACKEND
					   : REMEDY_PREFIX,
			  "not every path arrives where it should: %s", buf_cstr(s->list));
}

static enum doctor_verdict check_paths(struct doctor *d)
{
	TP_CLEANUP(buf_release) struct buf list = BUF_INIT(2048);
	struct survey s = { .list = &list };

	for (int p = 0; p < DOCTOR_PATHS; p++) {
		if (!look_at(d, (enum doctor_path)p, &s))
			return doctor_unasked(d);
	}
	return judge_paths(d, &s);
}

/* What comes back ------------------------------------------------------------------------------ */

static enum doctor_verdict not_reached(struct doctor *d)
{
	return doctor_skip(d, "not asked: %s does not reach tpauth",
			   doctor_path(d, DOCTOR_USERINFO));
}

static enum doctor_verdict check_request_id(struct doctor *d)
{
	struct question q = { .method = "GET",
			      .path = d->replaced ? DOCTOR_HEALTH : DOCTOR_USERINFO,
			      .header = { "X-Request-ID: tpauth-doctor-7f3a" } };
	struct span id;

	if (!d->reached)
		return not_reached(d);
	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	id = doctor_header(d, "X-Request-ID");
	if (doctor_header_count(d, "X-Request-ID") > 1)
		return doctor_bad(d, REMEDY_REQUEST_ID, "X-Request-ID comes back twice");
	if (id.p == NULL)
		return doctor_bad(d, REMEDY_REQUEST_ID, "X-Request-ID does not come back");
	if (!span_is(id, "tpauth-doctor-7f3a"))
		return doctor_bad(
			d, REMEDY_REQUEST_ID,
			"the client's X-Request-ID does not arrive: another one comes back");
	return doctor_ok(d, "the request id goes through and comes back");
}

static enum doctor_verdict check_methods(struct doctor *d)
{
	static const struct {
		const char *method;
		int status;
	} tried[] = { { "HEAD", 401 },
		      { "POST", 401 },
		      { "OPTIONS", 405 },
		      { "DELETE", 405 },
		      { "PATCH", 405 } };
	TP_CLEANUP(buf_release) struct buf list = BUF_INIT(1024);

	if (!d->reached)
		return not_reached(d);
	for (size_t i = 0; i < TP_COUNT(tried); i++) {
		struct question q = { .method = tried[i].method, .path = DOCTOR_USERINFO };

		if (tried[i].status == 401 && tried[i].method[0] == 'P')
			q.body = SPAN_LIT("");
		if (!doctor_ask(d, &q))
			return doctor_unasked(d);
		if (d->reply.status != tried[i].status && d->reply.status != 503)
			buf_printf(&list, "%s%s gets %d, not %d", list.len > 0 ? ", " : "",
				   tried[i].method, d->reply.status, tried[i].status);
	}
	if (list.len > 0)
		return doctor_bad(d, REMEDY_METHODS, "methods do not reach tpauth at %s: %s",
				  doctor_path(d, DOCTOR_USERINFO), buf_cstr(&list));
	return doctor_ok(d, "HEAD, POST, OPTIONS, DELETE and PATCH reach tpauth");
}

static enum doctor_verdict check_errors(struct doctor *d)
{
	struct question q = { .method = "GET", .path = DOCTOR_USERINFO };

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	if (d->reply.status != 401)
		return doctor_skip(d, "not known: %s answers %d", doctor_path(d, q.path),
				   d->reply.status);
	d->replaced = !span_is(buf_view(&d->reply.body), "{\"detail\":\"Not authenticated\"}");
	if (d->replaced)
		return doctor_bad(d, REMEDY_ERRORS,
				  "the body of tpauth's 401 is replaced by another one");
	if (!span_is_nocase(doctor_header(d, "Content-Type"), "application/json"))
		return doctor_bad(d, REMEDY_ERRORS,
				  "the Content-Type of tpauth's 401 is changed: its body is JSON");
	if (doctor_header_count(d, "WWW-Authenticate") != 1 ||
	    !span_is(doctor_header(d, "WWW-Authenticate"), "Bearer"))
		return doctor_bad(
			d, REMEDY_ERRORS,
			"a 401 comes without tpauth's WWW-Authenticate, or with another one");
	q.path = DOCTOR_LOGOUT;
	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	if (d->reply.status == 405 && !doctor_says(d, "method_not_allowed"))
		return doctor_bad(d, REMEDY_ERRORS,
				  "the body of tpauth's 405 is replaced by another one");
	return doctor_ok(d, "tpauth's own error bodies come back");
}

/* Whole days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	/* The year begins in March: leap days then come last. */
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". */
static bool http_date(struct span s, int64_t *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, hour, minute, second, month = 0;
	char name[4] = "", zone[4] = "", text[32];

	if (s.len != 29)
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	/* NOLINTNEXTLINE(cert-err34-c): each number is two or four digits, and looked at below */
	if (sscanf(text, "%*3c, %2d %3s %4d %2d:%2d:%2d %3s", &day, name, &year, &hour, &minute,
		   &second, zone) != 7)
		return false;
	while (month < 12 && memcmp(months + 3 * (size_t)month, name, 3) != 0)
		month++;
	if (month == 12 || strcmp(zone, "GMT") != 0 || day < 1 || day > 31 || year < 1970 ||
	    hour > 23 || minute > 59 || second > 60)
		return false;
	*ret = ((days_of(year, month + 1, day) * 24 + hour) * 60 + minute) * 60 + second;
	return true;
}

static enum doctor_verdict check_clock(struct doctor *d)
{
	struct question q = { .method = "GET", .path = DOCTOR_HEALTH };
	int64_t before_s = clock_now(&d->spec->clock), after_s, theirs_s, off_s = 0;

	if (!doctor_ask(d, &q))
		return doctor_unasked(d);
	after_s = clock_now(&d->spec->clock);
	if (!http_date(doctor_header(d, "Date"), &theirs_s))
		return doctor_skip(d, "not known: the answer has no Date");
	if (theirs_s < before_s)
		off_s = theirs_s - before_s;
	else if (theirs_s > after_s)
		off_s = theirs_s - after_s;
	if (off_s > CLOCK_SKEW_S || off_s < -CLOCK_SKEW_S)
		return doctor_bad(
			d, REMEDY_CLOCK, "the server's clock is %lld seconds %s this machine's",
			(long long)(off_s < 0 ? -off_s : off_s), off_s < 0 ? "behind" : "ahead of");
	return doctor_ok(d, "the server's clock agrees with this machine's");
}

const struct check doctor_mount_checks[] = {
	{ "answers", check_answers, ALWAYS },
	{ "tpauth", check_tpauth, ALWAYS },
	{ "store", check_store, WITH_TPAUTH },
	{ "paths", check_paths, WITH_TPAUTH },
	{ "clock", check_clock, WITH_TPAUTH },
	{ "errors", check_errors, WITH_TPAUTH },
	{ "request-id", check_request_id, WITH_TPAUTH },
	{ "methods", check_methods, WITH_TPAUTH },
};
const size_t doctor_n_mount_checks = TP_COUNT(doctor_mount_checks);
