/* SPDX-License-Identifier: MIT */
/*
 * A module for the tests, whose answers are files in the folder that TEXT names:
 *
 *	user-NAME    claims as JSON: NAME may log in, with any password but "wrong"
 *	fresh-ID     the scopes that a refresh gives ID, a line each
 *	gone-ID      a refresh denies ID
 *	banned-ID    no request of ID passes; forbidden-ID: the same by 403
 *	team-ID      its one line is added to ID's claims as "team"
 *	ill          the service is not healthy
 *	log          what happened is added here: a line for each event
 *
 * TEXT "-" is a folder that is not there, and "=CODE" lets open() fail with it.
 */
#include <tpauth.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 4096 };

struct files {
	char folder[MOST];
};

static void path_of(const struct files *f, const char *kind, const char *name, char ret[MOST])
{
	int n = snprintf(ret, MOST, "%s/%s%s", f->folder, kind, name != NULL ? name : "");

	if (n < 0 || n >= MOST)
		ret[0] = '\0';
}

static int is_there(const struct files *f, const char *kind, const char *name)
{
	char path[MOST];

	path_of(f, kind, name, path);
	return access(path, F_OK) == 0;
}

/* NULL: not there. The caller's. */
static FILE *open_file(const struct files *f, const char *kind, const char *name)
{
	char path[MOST];

	path_of(f, kind, name, path);
	return fopen(path, "re");
}

static int read_line(FILE *in, char line[MOST])
{
	if (fgets(line, MOST, in) == NULL)
		return 0;
	line[strcspn(line, "\n")] = '\0';
	return 1;
}

static void note(const struct files *f, const char *event, struct tpauth_call *call)
{
	const char *user = tpauth_user_get(call, "user_id");
	const char *method = tpauth_method(call), *path = tpauth_path(call);
	char name[MOST];
	FILE *out;

	path_of(f, "log", NULL, name);
	out = fopen(name, "ae");
	if (out == NULL)
		return;
	fprintf(out, "%s %s %s %s\n", event, method != NULL ? method : "-",
		path != NULL ? path : "-", user != NULL ? user : "-");
	fclose(out);
}

static enum tpauth_rc files_open(const char *text, void **ret_arg)
{
	struct files *f;

	if (text[0] == '=')
		return (enum tpauth_rc)strtol(text + 1, NULL, 10);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return TPAUTH_NOMEM;
	snprintf(f->folder, sizeof(f->folder), "%s", text);
	*ret_arg = f;
	return TPAUTH_OK;
}

static void files_close(void *arg)
{
	free(arg);
}

/* The object of the file, member by member, since claims are filled and not replaced. */
static enum tpauth_rc fill(FILE *in, struct tpauth_claims *claims)
{
	static const char *const names[] = { "user_id", "username", "email", "scopes", "team" };
	struct tpauth_claims *read = NULL;
	char json[MOST];
	size_t n = fread(json, 1, sizeof(json), in);
	enum tpauth_rc rc = tpauth_claims_parse(json, n, &read);

	for (size_t i = 0; rc == TPAUTH_OK && i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = tpauth_claims_get_json(read, names[i]);

		if (value != NULL)
			tpauth_claims_set_json(claims, names[i], value);
	}
	tpauth_claims_free(read);
	return rc;
}

static enum tpauth_rc on_token(struct tpauth_call *call, const struct tpauth_claims *user,
			       struct tpauth_claims *claims, void *arg)
{
	const char *name = tpauth_form(call, "username");
	const char *password = tpauth_form(call, "password");
	FILE *in = name != NULL ? open_file(arg, "user-", name) : NULL;
	enum tpauth_rc rc;

	(void)user;
	note(arg, "token", call);
	if (in == NULL || password == NULL || strcmp(password, "wrong") == 0) {
		if (in != NULL)
			fclose(in);
		tpauth_reason(call, "the folder has no such user");
		return TPAUTH_DENIED;
	}
	rc = fill(in, claims);
	fclose(in);
	tpauth_add_header(call, "X-Logged-In", name);
	if (tpauth_form(call, "client_id") != NULL &&
	    strcmp(tpauth_form(call, "client_id"), "breaker") == 0)
		tpauth_add_header(call, "Content-Length", "7");
	return rc;
}

static enum tpauth_rc on_refresh(struct tpauth_call *call, const struct tpauth_claims *user,
				 struct tpauth_claims *claims, void *arg)
{
	const char *id = tpauth_claims_get(user, "user_id");
	FILE *in = open_file(arg, "fresh-", id);
	char line[MOST];

	note(arg, "refresh", call);
	if (is_there(arg, "gone-", id)) {
		if (in != NULL)
			fclose(in);
		tpauth_reason(call, "the user has left");
		return TPAUTH_DENIED;
	}
	if (in == NULL)
		return TPAUTH_OK;
	tpauth_claims_set_json(claims, "scopes", "[]");
	while (read_line(in, line))
		tpauth_claims_add(claims, "scopes", line);
	fclose(in);
	return TPAUTH_OK;
}

static enum tpauth_rc on_logout(struct tpauth_call *call, const struct tpauth_claims *user,
				struct tpauth_claims *claims, void *arg)
{
	(void)user;
	(void)claims;
	note(arg, "logout", call);
	tpauth_reason(call, "the log-out could not be told to others");
	return is_there(arg, "ill", NULL) ? TPAUTH_UNAVAILABLE : TPAUTH_OK;
}

static enum tpauth_rc on_health(struct tpauth_call *call, const struct tpauth_claims *user,
				struct tpauth_claims *claims, void *arg)
{
	(void)user;
	(void)claims;
	if (!is_there(arg, "ill", NULL))
		return TPAUTH_OK;
	tpauth_reason(call, "the folder says so");
	return TPAUTH_UNAVAILABLE;
}

static enum tpauth_rc on_authenticate(struct tpauth_call *call, const struct tpauth_claims *user,
				      struct tpauth_claims *claims, void *arg)
{
	const char *id = tpauth_claims_get(user, "user_id");
	char line[MOST];
	FILE *in;

	note(arg, "authenticate", call);
	if (is_there(arg, "forbidden-", id))
		return TPAUTH_FORBIDDEN;
	if (is_there(arg, "banned-", id)) {
		tpauth_reason(call, "banned");
		return TPAUTH_DENIED;
	}
	in = open_file(arg, "team-", id);
	if (in == NULL)
		return TPAUTH_OK;
	if (read_line(in, line)) {
		char email[MOST + 32];

		tpauth_claims_set(claims, "team", line);
		snprintf(email, sizeof(email), "%s@%s.example", id, line);
		if (tpauth_claims_get_json(user, "email") == NULL)
			tpauth_claims_set(claims, "email", email);
	}
	fclose(in);
	return TPAUTH_OK;
}

const struct tpauth_module tpauth_module = {
	.version = TPAUTH_MODULE_1,
	.open = files_open,
	.close = files_close,
	.on_token = on_token,
	.on_refresh = on_refresh,
	.on_logout = on_logout,
	.on_health = on_health,
	.on_authenticate = on_authenticate,
};
