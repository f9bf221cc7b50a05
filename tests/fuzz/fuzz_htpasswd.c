/* SPDX-License-Identifier: MIT */
/*
 * Password and group files: the first byte says which ('g': groups), the rest is the text. What is
 * found is in the text, and is what a plain reading of it line by line finds.
 */
#include "auth/passhash.h"
#include "auth/userfile.h"
#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Checks of dearer hashes would take the fuzzer's time; one tenth of a millisecond. */
enum { CHEAP = 1000, MOST_GROUPS = 16 };

/* A line as the formats have it; p NULL: nothing in it. */
static struct span content(struct span line)
{
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	line = span_trim(line);
	return line.len == 0 || line.p[0] == '#' ? (struct span){ NULL, 0 } : line;
}

static void check_hash(struct span hash)
{
	const struct span password = SPAN_LIT("correct horse");
	struct tp_err err;
	enum tp_rc rc;

	if (passhash_known(hash))
		assert(passhash_cost(hash) > 0);
	if (passhash_cost(hash) > CHEAP)
		return;
	rc = passhash_check(hash, password, &err);
	if (!passhash_known(hash))
		assert(rc == TP_UNAVAILABLE);
	else if (!span_starts(hash, "$y$") && !span_starts(hash, "$gy$") &&
		 !span_starts(hash, "$7$")) /* whose parameters only crypt(3) knows in full */
		assert(rc != TP_UNAVAILABLE);
	assert(rc != TP_OK || hash.len == 33 || hash.len == 13);
}

/* The first line of a name, read plainly. */
static struct span plain_lookup(struct span text, struct span user)
{
	while (text.p != NULL) {
		struct span line = content(span_cut(&text, '\n'));

		if (line.p == NULL)
			continue;
		if (span_eq(span_cut(&line, ':'), user))
			return span_cut(&line, ':');
	}
	return (struct span){ NULL, 0 };
}

/* The quadratic reading is for small files only, and those are what a fuzzer makes. */
static void check_passwords(const struct userfile *f, struct span text)
{
	struct span rest = text;
	int dearest = 0;

	while (rest.p != NULL) {
		struct span line = content(span_cut(&rest, '\n')), user, hash, found;

		if (line.p == NULL)
			continue;
		user = span_cut(&line, ':');
		assert(line.p != NULL);
		hash = span_cut(&line, ':');
		check_hash(hash);
		if (passhash_known(hash) && passhash_cost(hash) > dearest)
			dearest = passhash_cost(hash);
		if (user.len == 0 || user.len > LIMIT_USER_ID) {
			assert(!userfile_hash(f, user, &found));
			continue;
		}
		assert(userfile_hash(f, user, &found));
		hash = plain_lookup(text, user);
		assert(hash.p != NULL);
		assert(found.len == (hash.len > UINT16_MAX ? UINT16_MAX : hash.len));
		assert(memcmp(found.p, hash.p, found.len) == 0);
		assert(userfile_line(f, found) >= 1);
	}
	assert(passhash_cost(userfile_dearest(f)) == dearest);
	assert((userfile_dearest(f).p == NULL) == (dearest == 0));
}

static void check_groups_of(const struct userfile *f, struct span user)
{
	struct span groups[MOST_GROUPS];
	size_t n = userfile_groups(f, user, groups, TP_COUNT(groups));

	assert(n <= TP_COUNT(groups));
	for (size_t i = 0; i < n; i++) {
		assert(groups[i].len >= 1 && groups[i].len <= LIMIT_SCOPE);
		assert(!span_has_byte(groups[i], ' ') && !span_has_byte(groups[i], '"') &&
		       !span_has_byte(groups[i], '\\') && !span_has_control(groups[i]));
		for (size_t k = 0; k < i; k++)
			assert(!span_eq(groups[i], groups[k]));
	}
}

/* A member that is a plain word must be found in the group. */
static void check_member(const struct userfile *f, struct span user, struct span group)
{
	struct span groups[LIMIT_SCOPES];
	size_t n = userfile_groups(f, user, groups, TP_COUNT(groups)), i = 0;

	check_groups_of(f, user);
	if (n == TP_COUNT(groups) || user.len == 0 || user.len > LIMIT_USER_ID)
		return;
	while (i < n && !span_eq(groups[i], group))
		i++;
	assert(i < n);
}

static void check_groups(const struct userfile *f, struct span text)
{
	while (text.p != NULL) {
		struct span line = content(span_cut(&text, '\n')), group;

		if (line.p == NULL)
			continue;
		group = span_trim(span_cut(&line, ':'));
		assert(line.p != NULL);
		if (span_has_byte(line, '"') || span_has_byte(line, '\'') ||
		    span_has_byte(line, '\t'))
			continue;
		while (line.p != NULL)
			check_member(f, span_cut(&line, ' '), group);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf text = BUF_INIT(LIMIT_AUTHN_FILE);
	struct userfile *f = NULL;
	struct tp_err err = { 0 };
	struct span given;
	bool groups;

	if (n == 0)
		return 0;
	groups = p[0] == 'g';
	given = (struct span){ (const char *)p + 1, n - 1 };
	buf_span(&text, given);
	if (userfile_open(groups ? USERFILE_GROUPS : USERFILE_PASSWORDS, &text, &f, &err) !=
	    TP_OK) {
		assert(f == NULL && (err.rc == TP_INVALID || err.rc == TP_NOMEM));
		assert(strncmp(err.msg, "line ", 5) == 0 || err.rc == TP_NOMEM);
		return 0;
	}
	assert(userfile_is_whole(f) == (given.len > 0 && given.p[given.len - 1] == '\n'));
	if (groups)
		check_groups(f, given);
	else
		check_passwords(f, given);
	userfile_close(f);
	return 0;
}
