/* SPDX-License-Identifier: MIT */
/* A name, a line feed, and a password or group file: what is put in can be taken out, twice put is
 * once put, and lines of others stay. */
#include "auth/userfile_edit.h"

#include <assert.h>

#include "base/banned.h"

enum { CAP = 1000000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void edit_users(struct span user, struct span text)
{
	TP_CLEANUP(buf_release) struct buf one = BUF_INIT(CAP);
	TP_CLEANUP(buf_release) struct buf two = BUF_INIT(CAP);
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(CAP);
	const struct span hash = SPAN_LIT("{SHA}hash");
	bool was = false;

	if (userfile_put_user(text, user, hash, &one, NULL) != TP_OK)
		return;
	assert(userfile_name_ok(user));
	assert(userfile_put_user(buf_view(&one), user, hash, &two, NULL) == TP_OK);
	assert(span_eq(buf_view(&one), buf_view(&two)));
	assert(userfile_drop_user(buf_view(&one), user, &out, &was, NULL) == TP_OK);
	assert(was && out.len < one.len);
	buf_reset(&two);
	assert(userfile_drop_user(buf_view(&out), user, &two, &was, NULL) == TP_OK);
	assert(!was && span_eq(buf_view(&out), buf_view(&two)));
}

static void edit_groups(struct span user, struct span text)
{
	TP_CLEANUP(buf_release) struct buf one = BUF_INIT(CAP);
	TP_CLEANUP(buf_release) struct buf two = BUF_INIT(CAP);
	TP_CLEANUP(buf_release) struct buf out = BUF_INIT(CAP);
	struct scope_set groups;
	bool was = false;

	assert(scope_parse(SPAN_LIT("read write"), &groups, NULL) == TP_OK);
	if (userfile_put_groups(text, user, &groups, &one, NULL) != TP_OK)
		return;
	assert(userfile_put_groups(buf_view(&one), user, &groups, &two, NULL) == TP_OK);
	assert(span_eq(buf_view(&one), buf_view(&two)));
	assert(userfile_drop_groups(buf_view(&one), user, &out, &was, NULL) == TP_OK);
	assert(was && out.len < one.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = { (const char *)data, size }, user = span_cut(&text, '\n');

	if (text.p == NULL || user.len == 0)
		return 0;
	edit_users(user, text);
	edit_groups(user, text);
	return 0;
}
