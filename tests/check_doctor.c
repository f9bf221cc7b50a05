/* SPDX-License-Identifier: MIT */
/*
 * The doctor's logic over canned answers: a mount that is well, and for each row one answer of it
 * changed as a web server would change it. What is printed is compared whole.
 */
#include "ctl/doctor.h"

#include <stdio.h>

#include "support/check_run.h"

#include "base/banned.h"

enum { NOW = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

#define JSON                                                                      \
	"Content-Type: application/json\nCache-Control: no-store\nVary: Origin\n" \
	"Server: nginx\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n"
#define ID	"X-Request-ID: tpauth-doctor\n"
#define NO_ONE	"{\"detail\":\"Not authenticated\"}"
#define UNKNOWN "{\"error\":\"invalid_token\",\"error_description\":\"x\",\"detail\":\"x\"}"
#define METHOD	"{\"error\":\"method_not_allowed\",\"error_description\":\"x\",\"detail\":\"x\"}"
#define HTML	"<html>tea</html>"
#define TOKENS                                                                                  \
	"{\"user_id\":\"alice\",\"token\":\"T\",\"access_token\":\"T.YWxpY2U\",\"token_type\":" \
	"\"bearer\",\"expires_in\":60,\"scope\":\"\"}"
#define TWO_COOKIES                                                              \
	"Set-Cookie: user_id=alice; HttpOnly; Path=/; SameSite=strict; Secure\n" \
	"Set-Cookie: access_token=T; HttpOnly; Path=/; SameSite=strict; Secure\n"

/* The first rule that fits a request answers it. */
struct rule {
	const char *method, *path; /* NULL: any */
	const char *header;	   /* that some header line begins with; NULL: any */
	const char *body;	   /* that the body begins with; NULL: any */
	int status;		   /* -1: no answer */
	const char *head, *text;
};

/* clang-format off */
static const struct rule well[] = {
	{ NULL, "/auth/api/healthcheck", NULL, NULL, 200, JSON ID, "{\"status\":200}" },
	{ "GET", "/auth/userinfo", "X-Request-ID: tpauth-doctor-7f3a", NULL, 401,
	  JSON "X-Request-ID: tpauth-doctor-7f3a\nWWW-Authenticate: Bearer\n", NO_ONE },
	{ "GET", "/auth/userinfo", "Authorization: Bearer AAAA", NULL, 401,
	  JSON ID "WWW-Authenticate: Bearer error=\"invalid_token\"\n", UNKNOWN },
	{ "GET", "/auth/userinfo", "Cookie: access_token=AAAA", NULL, 401,
	  JSON ID "WWW-Authenticate: Bearer error=\"invalid_token\"\n", UNKNOWN },
	{ "GET", "/auth/userinfo", "Authorization: Bearer T.YWxpY2U", NULL, 200, JSON ID, "{\"user_id\":\"alice\"}" },
	{ "GET", "/auth/userinfo", "Cookie: user_id=alice; access_token=T", NULL, 200, JSON ID,
	  "{\"user_id\":\"alice\"}" },
	{ "GET", "/auth/userinfo", NULL, NULL, 401, JSON ID "WWW-Authenticate: Bearer\n", NO_ONE },
	{ "HEAD", "/auth/userinfo", NULL, NULL, 401, JSON ID "WWW-Authenticate: Bearer\n", "" },
	{ "POST", "/auth/userinfo", NULL, NULL, 401, JSON ID "WWW-Authenticate: Bearer\n", NO_ONE },
	{ NULL, "/auth/userinfo", NULL, NULL, 405, JSON ID "Allow: GET, HEAD, POST\n", METHOD },
	{ "POST", "/auth/token", "Origin: https://tpauth-doctor.invalid", NULL, 403, JSON ID,
	  "{\"error\":\"access_denied\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	{ "POST", "/auth/token", NULL, "&&&&", 400, JSON ID,
	  "{\"error\":\"unsupported_grant_type\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	{ "POST", "/auth/token", NULL, "grant_type=tpauth-doctor", 400, JSON ID,
	  "{\"error\":\"unsupported_grant_type\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	{ "POST", "/auth/token", NULL, "username=alice&password=a%20b", 200, JSON ID TWO_COOKIES, TOKENS },
	{ "POST", "/auth/token", NULL, NULL, 400, JSON ID,
	  "{\"error\":\"invalid_request\",\"error_description\":\"missing\",\"detail\":\"x\"}" },
	{ "POST", "/auth/logout", NULL, NULL, 200, JSON ID, "{\"status\":200}" },
	{ "GET", "/auth/token", NULL, NULL, 405, JSON ID "Allow: POST\n", METHOD },
	{ "GET", "/auth/refresh", NULL, NULL, 405, JSON ID "Allow: POST\n", METHOD },
	{ "GET", "/auth/logout", NULL, NULL, 405, JSON ID "Allow: POST\n", METHOD },
	{ NULL, "/app/x", "Cookie: user_id=alice", NULL, 200, "Server: nginx\n", "hello alice" },
	{ NULL, "/app/x", NULL, NULL, 401, "Server: nginx\n", HTML },
	{ NULL, NULL, NULL, NULL, 404, "Server: nginx\n", HTML },
};

static const char all_well[] =
	"ok   answers        200 from /api/healthcheck (nginx)\n"
	"ok   tpauth         tpauth is there\n"
	"ok   store          the session store answers\n"
	"ok   paths          each endpoint answers\n"
	"ok   clock          the server's clock agrees with this machine's\n"
	"ok   errors         tpauth's own error bodies come back\n"
	"ok   request-id     the request id goes through and comes back\n"
	"ok   methods        HEAD, POST, OPTIONS, DELETE and PATCH reach tpauth\n"
	"ok   authorization  the Authorization header reaches tpauth\n"
	"ok   cookies        the Cookie header reaches tpauth\n"
	"ok   origin         own pages may log in, foreign ones may not\n"
	"ok   cors           no CORS headers but tpauth's own\n"
	"ok   caching        Cache-Control: no-store arrives as it was sent\n"
	"ok   bodies         a body of 65536 bytes is taken, one of 65537 gets 400\n"
	"ok   chunked        a chunked body reaches tpauth\n"
	"ok   login          logged in\n"
	"ok   cookie-flags   both cookies have HttpOnly, SameSite and a Path that covers the service\n"
	"ok   https          https, and the certificate verifies\n"
	"ok   session        the session holds, by bearer and by cookies alike\n"
	"ok   protected      /app/x is shut without a session (401)\n"
	"ok   forged         no forged header of a user's name opens it\n"
	"ok   spelling       no other spelling of the path opens it\n"
	"ok   admits         /app/x opens with a session (200)\n"
	"ok   leak           none of the authorizer's variables reaches the client\n"
	"ok   identity       the application keeps to the name that the authorizer gave it\n"
	"ok   logout         the logout ends the session\n";
/* clang-format on */

struct world {
	const struct rule *changed; /* looked at first; NULL: nothing is changed */
	struct buf printed;
	struct doctor_spec spec;
	bool logged_out;
	int logins, logouts;
	int in_the_open; /* times that a credential went over plain HTTP */
};

static struct world w;
static const char *const guarded[] = { "/app/x" };

static bool fits(const struct rule *r, const struct fetch_request *ask, const char *path)
{
	bool header = r->header == NULL;

	for (size_t i = 0; !header && ask->headers[i] != NULL; i++)
		header = span_starts(span_of(ask->headers[i]), r->header);
	return header && (r->method == NULL || strcmp(r->method, ask->method) == 0) &&
	       (r->path == NULL || strcmp(r->path, path) == 0) &&
	       (r->body == NULL || span_starts(ask->body, r->body));
}

static const struct rule *rule_for(const struct fetch_request *ask)
{
	const char *path = strchr(strstr(ask->url, "://") + 3, '/');

	if (w.changed != NULL && fits(w.changed, ask, path))
		return w.changed;
	for (size_t i = 0; i < TP_COUNT(well) - 1; i++) {
		/* After its end the session is unknown. */
		if (fits(&well[i], ask, path) &&
		    !(w.logged_out && well[i].status == 200 && well[i].header != NULL))
			return &well[i];
	}
	return &well[TP_COUNT(well) - 1];
}

static enum tp_rc fetch(void *arg, const struct fetch_request *ask, struct fetch_reply *reply,
			struct tp_err *err)
{
	const struct rule *r = rule_for(ask);

	(void)arg;
	reply->status = 0;
	buf_reset(&reply->head);
	buf_reset(&reply->body);
	if (r->status < 0)
		return tp_fail(err, TP_UNAVAILABLE, "Couldn't connect to server");
	for (size_t i = 0; ask->headers[i] != NULL; i++)
		w.in_the_open += !span_starts(span_of(ask->url), "https:") &&
				 (strstr(ask->headers[i], "T.YWxpY2U") != NULL ||
				  span_starts(span_of(ask->headers[i]), "Cookie:"));
	w.logins += r->text == NULL ? 0 : strcmp(r->text, TOKENS) == 0;
	if (strcmp(ask->method, "POST") == 0 && strstr(ask->url, "/logout") != NULL) {
		w.logouts++;
		w.logged_out = r->status == 200;
	}
	reply->status = r->status;
	buf_str(&reply->head, r->head);
	buf_str(&reply->body, r->text);
	return TP_OK;
}

static void print(void *arg, const char *line)
{
	(void)arg;
	ck_assert_uint_le(strlen(line), 101);
	buf_str(&w.printed, line);
}

static int64_t now(void *arg)
{
	(void)arg;
	return NOW;
}

static void setup(void)
{
	w = (struct world){
		.printed = BUF_INIT(65536),
		.spec = { .url = "https://example.org/auth",
			  .server = REMEDY_ANY,
			  .user = SPAN_LIT("alice"),
			  .password = SPAN_LIT("a b"),
			  .guarded = guarded,
			  .n_guarded = 1,
			  .cookie_prefix = "",
			  .max_body = 65536,
			  .clock = { now, NULL },
			  .fetch = fetch,
			  .print = print },
	};
}

static void teardown(void)
{
	buf_release(&w.printed);
}

START_TEST(finds_nothing_wrong_where_all_is_well)
{
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_WELL);
	ck_assert_str_eq(buf_cstr(&w.printed), all_well);
	ck_assert_int_eq(w.logins, 1);
	ck_assert_int_eq(w.logouts, 1);
}
END_TEST

/* The line of a check, without its newline; lines that go on are left out. */
static const char *line_of(const char *name)
{
	static char line[256];
	struct span rest = buf_view(&w.printed);
	char mark[32];

	snprintf(mark, sizeof(mark), " %-14s ", name);
	while (rest.p != NULL) {
		struct span one = span_cut(&rest, '\n');

		if (one.len > 4 && one.len < sizeof(line) &&
		    span_starts((struct span){ one.p + 4, one.len - 4 }, mark)) {
			snprintf(line, sizeof(line), "%.*s", (int)one.len, one.p);
			return line;
		}
	}
	return "";
}

/* clang-format off */
static const struct {
	struct rule changed;
	const char *check, *line;
	const char *remedy; /* that stands among the lines */
} rows[] = {
	{ { NULL, "/auth/api/healthcheck", NULL, NULL, 503, JSON ID, "{\"status\":503}" },
	  "store", "BAD  store          the session store does not answer: health check 503", "DB_URL" },
	{ { NULL, "/auth/api/healthcheck", NULL, NULL, 404, "Server: nginx\n", HTML },
	  "paths", "BAD  paths          not every path arrives where it should: /api/healthcheck: 404 by the web server",
	  "nginx: location ~ ^/(token" },
	{ { NULL, "/auth/api/healthcheck", NULL, NULL, 404, JSON ID,
	    "{\"error\":\"not_found\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	  "paths", "BAD  paths          not every path arrives where it should: /api/healthcheck: 404 by tpauth", "ROOT_PATH" },
	{ { NULL, "/auth/api/healthcheck", NULL, NULL, 404, "", HTML },
	  "store", "--   store          not known: there is no health check at /api/healthcheck", "" },
	{ { "GET", "/auth/userinfo", "X-Request-ID: tpauth-doctor-7f3a", NULL, 401, JSON ID, NO_ONE },
	  "request-id", "BAD  request-id     the client's X-Request-ID does not arrive: another one comes back",
	  "fastcgi_hide_header X-Request-ID" },
	{ { "GET", "/auth/userinfo", "X-Request-ID: tpauth-doctor-7f3a", NULL, 401, JSON, NO_ONE },
	  "request-id", "BAD  request-id     X-Request-ID does not come back", "" },
	{ { "OPTIONS", "/auth/userinfo", NULL, NULL, 204, "Server: nginx\n", "" },
	  "methods", "BAD  methods        methods do not reach tpauth at /userinfo: OPTIONS gets 204, not 405",
	  "if ($request_method = OPTIONS)" },
	{ { "GET", "/auth/userinfo", NULL, NULL, 401, JSON ID "WWW-Authenticate: Bearer\n", HTML },
	  "errors", "BAD  errors         the body of tpauth's 401 is replaced by another one", "fastcgi_intercept_errors off" },
	{ { "GET", "/auth/userinfo", "User-Agent", NULL, 401, JSON ID, NO_ONE },
	  "errors", "BAD  errors         a 401 comes without tpauth's WWW-Authenticate, or with another one", "" },
	{ { "GET", "/auth/userinfo", "Authorization: Bearer AAAA", NULL, 401, JSON ID "WWW-Authenticate: Bearer\n", NO_ONE },
	  "authorization",
	  "BAD  authorization  the Authorization header does not reach tpauth, which answers as if there were", "HTTP_AUTHORIZATION" },
	{ { "GET", "/auth/userinfo", "Authorization: Bearer AAAA", NULL, 400, JSON ID,
	    "{\"error\":\"invalid_request\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	  "authorization", "BAD  authorization  the Authorization header arrives as more than one value", "two values" },
	{ { "GET", "/auth/userinfo", "Authorization: Bearer AAAA", NULL, 503, JSON ID, "{}" },
	  "authorization", "--   authorization  not known: tpauth could not check it (503)", "" },
	{ { "GET", "/auth/userinfo", "Cookie: access_token=AAAA", NULL, 401, JSON ID, NO_ONE },
	  "cookies", "BAD  cookies        the Cookie header does not reach tpauth, which answers as if there were none",
	  "COOKIE_PREFIX" },
	{ { "POST", "/auth/token", "Origin: https://example.org", NULL, 403, JSON ID,
	    "{\"error\":\"access_denied\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	  "origin", "BAD  origin         the service's own pages are taken for foreign: Origin https://example.org is", "PUBLIC_URL" },
	{ { "POST", "/auth/token", "Origin: https://tpauth-doctor.invalid", NULL, 400, JSON ID, "{}" },
	  "origin", "BAD  origin         Origin does not reach tpauth: a form from a foreign page is not refused", "HTTP_ORIGIN" },
	{ { "POST", "/auth/token", "Origin: https://tpauth-doctor.invalid", NULL, 400,
	    JSON ID "Access-Control-Allow-Origin: *\n", "{}" },
	  "origin", "--   origin         not known: CORS_URLS seems to let every origin in", "" },
	{ { "GET", "/auth/userinfo", "Origin:", NULL, 401,
	    JSON ID "Access-Control-Allow-Origin: *\nAccess-Control-Allow-Origin: *\n", NO_ONE },
	  "cors", "BAD  cors           Access-Control-Allow-Origin comes twice, which browsers take for none; tpauth", "CORS_URLS" },
	{ { "GET", "/auth/userinfo", "Origin:", NULL, 401,
	    JSON ID "Access-Control-Allow-Origin: *\nAccess-Control-Allow-Credentials: true\n", NO_ONE },
	  "cors", "BAD  cors           Access-Control-Allow-Origin is * together with Allow-Credentials, which tpauth", "" },
	{ { "OPTIONS", "/auth/userinfo", "Origin:", NULL, 204,
	    JSON ID "Access-Control-Allow-Origin: https://tpauth-doctor.invalid\n", "" },
	  "cors", "BAD  cors           any origin is echoed as allowed, which tpauth never does", "add_header Access-Control" },
	{ { "GET", "/auth/api/healthcheck", "Origin:", NULL, 200, JSON ID "Access-Control-Allow-Origin: *\n", "{\"status\":200}" },
	  "cors", "BAD  cors           Access-Control-Allow-Origin comes without Access-Control-Expose-Headers, and is", "" },
	{ { "GET", "/auth/api/healthcheck", "Origin:", NULL, 200, JSON ID "Access-Control-Expose-Headers: X-Request-ID\n"
	    "Access-Control-Allow-Origin: https://app.example.org\n", "{\"status\":200}" },
	  "cors", "BAD  cors           a page of another origin is told that https://app.example.org is allowed, which", "" },
	{ { "GET", "/auth/userinfo", "Origin:", NULL, 401,
	    JSON ID "Access-Control-Allow-Credentials: true\nAccess-Control-Allow-Credentials: true\n", NO_ONE },
	  "cors", "BAD  cors           Access-Control-Allow-Credentials comes twice, which browsers take for none;", "" },
	{ { "GET", "/auth/userinfo", "User-Agent", NULL, 401,
	    "Content-Type: application/json\n" ID "WWW-Authenticate: Bearer\nCache-Control: max-age=60\n", NO_ONE },
	  "caching", "BAD  caching        tpauth says \"Cache-Control: no-store\", and max-age=60 arrives", "expires" },
	{ { "GET", "/auth/userinfo", "User-Agent", NULL, 401, JSON ID "WWW-Authenticate: Bearer\nAge: 7\n", NO_ONE },
	  "caching", "BAD  caching        an answer came out of a cache (Age: 7)", "" },
	{ { "POST", "/auth/token", NULL, "&&&&", 413, "Server: nginx\n", HTML },
	  "bodies", "BAD  bodies         the web server refuses a body of 65536 bytes (413)", "client_max_body_size 128k;" },
	{ { "POST", "/auth/token", NULL, "&&&&", 400, JSON ID,
	    "{\"error\":\"invalid_request\",\"error_description\":\"missing\",\"detail\":\"x\"}" },
	  "bodies", "BAD  bodies         a body of 65536 bytes does not reach tpauth whole (400)", "client_max_body_size" },
	{ { NULL, NULL, NULL, NULL, 400, JSON ID,
	    "{\"error\":\"invalid_request\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	  "paths", "BAD  paths          tpauth refuses every request (400), before it looks at the path", "each fastcgi_param once" },
	{ { "POST", "/auth/token", NULL, "&&&&", 500, "Server: nginx\n", HTML },
	  "bodies", "BAD  bodies         the web server answers 500 to a body of 65536 bytes", "413" },
	{ { "POST", "/auth/token", NULL, "&&&&", -1, "", "" },
	  "bodies", "--   bodies         could not be asked: Couldn't connect to server", "" },
	{ { "POST", "/auth/token", NULL, "grant_type=tpauth-doctor", 400, JSON ID,
	    "{\"error\":\"invalid_request\",\"error_description\":\"the field username is missing\",\"detail\":\"x\"}" },
	  "chunked", "BAD  chunked        a chunked body does not reach tpauth, which sees an empty one",
	  "fastcgi_request_buffering on;" },
	{ { "GET", "/auth/api/healthcheck", NULL, NULL, 200, "Server: nginx\nDate: Sun, 06 Nov 1994 08:50:08 GMT\n" ID,
	    "{\"status\":200}" },
	  "clock", "BAD  clock          the server's clock is 31 seconds ahead of this machine's", "NTP" },
	{ { "GET", "/auth/api/healthcheck", NULL, NULL, 200, "Server: nginx\nDate: Sat, 05 Nov 1994 08:49:37 GMT\n" ID,
	    "{\"status\":200}" },
	  "clock", "BAD  clock          the server's clock is 86400 seconds behind this machine's", "" },
	{ { "GET", "/auth/api/healthcheck", NULL, NULL, 200, "Server: nginx\nDate: Sun, 06 Nov 1994 08:50:07 GMT\n" ID,
	    "{\"status\":200}" },
	  "clock", "ok   clock          the server's clock agrees with this machine's", "" },
	{ { "GET", "/auth/api/healthcheck", NULL, NULL, 200, "Server: nginx\nDate: yesterday\n" ID, "{\"status\":200}" },
	  "clock", "--   clock          not known: the answer has no Date", "" },
	{ { "POST", "/auth/token", NULL, "username=alice", 400, JSON ID,
	    "{\"error\":\"invalid_grant\",\"error_description\":\"x\",\"detail\":\"x\"}" },
	  "login", "BAD  login          the login is refused: wrong user name or password", "" },
	{ { "POST", "/auth/token", NULL, "username=alice", 200, JSON ID
	    "Set-Cookie: user_id=alice; Path=/; SameSite=strict; Secure\n", TOKENS },
	  "cookie-flags", "BAD  cookie-flags   a session cookie without HttpOnly: scripts can read it", "proxy_cookie_flags" },
	{ { "POST", "/auth/token", NULL, "username=alice", 200, JSON ID
	    "Set-Cookie: user_id=alice; HttpOnly; Path=/; SameSite=strict\n", TOKENS },
	  "cookie-flags", "BAD  cookie-flags   a session cookie without Secure: it goes over plain HTTP, too", "COOKIE_SECURE" },
	{ { "POST", "/auth/token", NULL, "username=alice", 200, JSON ID
	    "Set-Cookie: user_id=alice; HttpOnly; Path=/aut; SameSite=strict; secure\n", TOKENS },
	  "cookie-flags", "BAD  cookie-flags   a session cookie whose Path does not cover the service: browsers do not send it", "" },
	{ { "POST", "/auth/token", NULL, "username=alice", 200, JSON ID, TOKENS },
	  "cookie-flags", "BAD  cookie-flags   the login sets no cookies of the names access_token and user_id", "" },
	{ { "GET", "/auth/userinfo", "Cookie: user_id=alice; access_token=T", NULL, 401, JSON ID, UNKNOWN },
	  "session", "BAD  session        the session does not hold: 200 by bearer, 401 by cookies", "DB_URL" },
	{ { "POST", "/auth/logout", NULL, NULL, 503, JSON ID, "{}" },
	  "logout", "BAD  logout         the logout gets 503: the doctor's session is still open", "" },
	{ { "GET", "/auth/userinfo", "Authorization: Bearer T.YWxpY2U", NULL, 200, JSON ID, "{\"user_id\":\"alice\"}" },
	  "logout", "BAD  logout         after the logout the session still holds", "" },
	{ { NULL, "/app/x", NULL, NULL, 200, "Server: nginx\n", "hello" },
	  "protected", "BAD  protected      /app/x opens without a session (200)", "auth_request /_tpauth;" },
	{ { NULL, "/app/x", NULL, NULL, 500, "Server: nginx\n", "oops" },
	  "protected", "BAD  protected      /app/x answers 500 to whoever has no session", "SCRIPT_NAME" },
	{ { NULL, "/app/x", "X-Auth-User: tpauth-doctor-forged", NULL, 200, "", "hello" },
	  "forged", "BAD  forged         \"X-Auth-User: tpauth-doctor-forged\" opens /app/x without a session", "$tpauth_user" },
	{ { NULL, "//app/x", NULL, NULL, 200, "", "hello" },
	  "spelling", "BAD  spelling       opens the protected path without a session: //app/x", "merge_slashes" },
	{ { NULL, "/tpauth-doctor/%2e%2e/app/x", NULL, NULL, 200, "", "hello" },
	  "spelling", "BAD  spelling       opens the protected path without a session: /tpauth-doctor/%2e%2e/app/x", "" },
	{ { NULL, "/%61pp/x", NULL, NULL, 200, "", "hello" },
	  "spelling", "BAD  spelling       opens the protected path without a session: /%61pp/x", "" },
	{ { NULL, "/APP/x", NULL, NULL, 200, "", "hello" },
	  "spelling", "BAD  spelling       opens the protected path without a session: /APP/x", "" },
	{ { NULL, "/app%2fx", NULL, NULL, 302, "", "" },
	  "spelling", "ok   spelling       no other spelling of the path opens it", "" },
	{ { NULL, "/app/x", "Cookie: user_id=alice", NULL, 401, "", "" },
	  "admits", "BAD  admits         /app/x stays shut with a session (401)", "keys and the store" },
	{ { NULL, "/app/x", "Cookie: user_id=alice", NULL, 403, "", "" },
	  "admits", "--   admits         /app/x refuses this user (403): a scope is missing", "" },
	{ { NULL, "/app/x", "Cookie: user_id=alice", NULL, 200, "Variable-REMOTE_USER: alice\nVariable-X: y\n", "hi alice" },
	  "leak", "BAD  leak           the authorizer's words to the application reach the client:", "add_header" },
	{ { NULL, "/app/x", "Remote-User: tpauth-doctor-forged", NULL, 401, "", "" },
	  "identity", "ok   identity       the application keeps to the name that the authorizer gave it", "" },
};
/* clang-format on */

START_TEST(finds_what_is_changed)
{
	const char *line;

	w.changed = &rows[_i].changed;
	ck_assert_int_ne(doctor_run(&w.spec), -1);
	line = line_of(rows[_i].check);
	ck_assert_msg(strcmp(line, rows[_i].line) == 0, "%s\nwant %s\nin\n%s", line, rows[_i].line,
		      buf_cstr(&w.printed));
	ck_assert_msg(strstr(buf_cstr(&w.printed), rows[_i].remedy) != NULL, "no %s in\n%s",
		      rows[_i].remedy, buf_cstr(&w.printed));
	ck_assert_int_eq(w.logouts >= w.logins, 1);
}
END_TEST

/* clang-format off */
static const char no_tpauth[] =
	"ok   answers        404 from /api/healthcheck (Apache)\n"
	"BAD  tpauth         a web server answers, but no tpauth: 404, without X-Request-ID, on every path\n"
	"                    that was tried\n"
	"     Include one of the configurations that come with tpauth, and restart the server. If the service\n"
	"     lives below a path, give the doctor that path too.\n"
	"     Apache: apache-conf/mod_fcgid.conf; was it put into this virtual host, and \"a2enmod fcgid\"\n"
	"     said?\n";
/* clang-format on */

START_TEST(says_that_no_tpauth_is_there)
{
	static const struct rule no_one = { NULL, NULL, NULL, NULL, 404, "Server: Apache\n", HTML };

	w.changed = &no_one;
	w.spec.n_guarded = 0;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_FINDINGS);
	ck_assert_str_eq(buf_cstr(&w.printed), no_tpauth);
}
END_TEST

/* clang-format off */
static const struct {
	int status;
	const char *head, *line;
} strangers[] = {
	{ 503, "Server: nginx\n", "BAD  tpauth         the web server answers 503 itself: it does not get an answer from tpauth" },
	{ 301, "Location: https://other.example/\n", "BAD  tpauth         the web server sends on to https://other.example/: ask there" },
	{ 301, "Location: \x1b[2J\n", "BAD  tpauth         the web server sends on to ?[2J: ask there" },
};
/* clang-format on */

START_TEST(knows_a_stranger)
{
	struct rule stranger = { NULL, NULL, NULL, NULL, strangers[_i].status, strangers[_i].head,
				 HTML };

	w.changed = &stranger;
	w.spec.n_guarded = 0;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_FINDINGS);
	ck_assert_str_eq(line_of("tpauth"), strangers[_i].line);
}
END_TEST

START_TEST(says_that_nothing_answers)
{
	static const struct rule silent = { NULL, NULL, NULL, NULL, -1, "", "" };

	w.changed = &silent;
	w.spec.n_guarded = 0;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_UNASKED);
	ck_assert_str_eq(buf_cstr(&w.printed),
			 "--   answers        could not be asked: Couldn't connect to server\n"
			 "--   tpauth         not asked: nothing answers\n");
}
END_TEST

START_TEST(asks_for_no_more_than_it_may)
{
	w.spec.user = (struct span){ NULL, 0 };
	w.spec.n_guarded = 0;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_WELL);
	ck_assert_str_eq(line_of("login"), "--   login          not asked: no --user");
	ck_assert_int_eq(w.logins, 0);
	ck_assert_int_eq(w.logouts, 0);
}
END_TEST

START_TEST(sends_no_password_over_plain_http)
{
	w.spec.url = "http://example.org/auth";
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_FINDINGS);
	ck_assert_int_eq(w.logins, 0);
	ck_assert(span_starts(span_of(line_of("login")), "BAD  login          not asked, for"));
	buf_reset(&w.printed);
	w.spec.insecure_ok = true;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_FINDINGS);
	ck_assert_int_eq(w.logins, 1);
	ck_assert_str_eq(line_of("https"),
			 "BAD  https          the cookies are Secure and this is plain "
			 "HTTP: browsers drop them");
}
END_TEST

START_TEST(sends_no_session_over_plain_http)
{
	static const char *const plain[] = { "http://app.example.org/app/x" };
	static const char not_asked[] =
		"--   admits         not asked, for the session would go over "
		"plain HTTP (--insecure-http-ok";

	w.spec.guarded = plain;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_WELL);
	ck_assert_int_eq(w.logins, 1);
	ck_assert_int_eq(w.in_the_open, 0);
	ck_assert_msg(span_starts(span_of(line_of("admits")), not_asked), "%s", line_of("admits"));
	buf_reset(&w.printed);
	w.spec.insecure_ok = true;
	w.logged_out = false;
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_WELL);
	ck_assert_int_gt(w.in_the_open, 0);
}
END_TEST

START_TEST(takes_no_name_for_loopback)
{
	w.spec.url = "http://127.0.0.1.example.org/auth";
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_FINDINGS);
	ck_assert_int_eq(w.logins, 0);
	buf_reset(&w.printed);
	w.spec.url = "http://127.0.0.1:8080/auth";
	(void)doctor_run(&w.spec);
	ck_assert_int_eq(w.logins, 1);
}
END_TEST

START_TEST(claims_nothing_where_every_path_opens)
{
	static const struct rule any = { NULL, "/tpauth-doctor-none/", NULL, NULL, 200,
					 "",   "hello alice" };

	w.changed = &any;
	/* It is the site's answer to just any path, and not what the path shows to alice. */
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_WELL);
	w.spec.user = (struct span){ NULL, 0 };
	buf_reset(&w.printed);
	ck_assert_int_eq(doctor_run(&w.spec), DOCTOR_WELL);
	ck_assert_str_eq(line_of("spelling"),
			 "--   spelling       not known: the site answers 200 to just any path");
}
END_TEST

/* clang-format off */
static const struct {
	const char *url;
	bool mount, guarded;
} urls[] = {
	{ "https://example.org", true, false }, { "http://[::1]:8080/auth", true, true },
	{ "https://example.org/", true, true }, { "https://example.org/app/?a=b", false, true },
	{ "/app/", false, true }, { "/app/?a=b", false, true }, { "app", false, false }, { "", false, false },
	{ "ftp://example.org/", false, false }, { "https://", false, false }, { "https:///x", false, false },
	{ "https://u:p@example.org/", false, false }, { "https://example.org/#x", false, false },
	{ "https://example.org/a b", false, false }, { "https://example.org/\n", false, false },
	{ "https://:80/", false, false },
};
/* clang-format on */

START_TEST(takes_urls_that_it_can_ask)
{
	ck_assert_int_eq(doctor_url(span_of(urls[_i].url)), urls[_i].mount);
	ck_assert_int_eq(doctor_guarded(span_of(urls[_i].url)), urls[_i].guarded);
}
END_TEST

START_TEST(has_a_remedy_for_each_server)
{
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(65536);

	for (int r = 0; r < REMEDY_COUNT; r++) {
		for (int s = 0; s <= REMEDY_ANY; s++) {
			buf_reset(&out);
			remedy_put((enum remedy)r, (enum remedy_server)s, &out);
			ck_assert_uint_gt(out.len, 20);
			ck_assert_int_eq(out.p[out.len - 1], '\n');
		}
	}
	ck_assert_int_eq(remedy_server_of(SPAN_LIT("LightTPD/1.4")), REMEDY_LIGHTTPD);
	ck_assert_int_eq(remedy_server_of(SPAN_LIT("Apache/2.4 (Debian)")), REMEDY_APACHE);
	ck_assert_int_eq(remedy_server_of(SPAN_LIT("ngin")), REMEDY_ANY);
	ck_assert_int_eq(remedy_server_of((struct span){ NULL, 0 }), REMEDY_ANY);
}
END_TEST

static Suite *doctor_suite(void)
{
	Suite *s = suite_create("doctor");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, finds_nothing_wrong_where_all_is_well);
	tcase_add_loop_test(t, finds_what_is_changed, 0, (int)TP_COUNT(rows));
	tcase_add_test(t, says_that_no_tpauth_is_there);
	tcase_add_loop_test(t, knows_a_stranger, 0, (int)TP_COUNT(strangers));
	tcase_add_test(t, says_that_nothing_answers);
	tcase_add_test(t, asks_for_no_more_than_it_may);
	tcase_add_test(t, sends_no_password_over_plain_http);
	tcase_add_test(t, sends_no_session_over_plain_http);
	tcase_add_test(t, takes_no_name_for_loopback);
	tcase_add_test(t, claims_nothing_where_every_path_opens);
	tcase_add_loop_test(t, takes_urls_that_it_can_ask, 0, (int)TP_COUNT(urls));
	tcase_add_test(t, has_a_remedy_for_each_server);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_run(doctor_suite());
}
