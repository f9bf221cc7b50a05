/* SPDX-License-Identifier: MIT */
/* Messages on a gRPC stream, in whole and in every way to cut them. */
#include "grpc/grpc_frame.h"

#include <stdlib.h>

#include "support/alloc_fail.h"
#include "support/check_run.h"

#include "base/banned.h"

enum { LIMIT = 20 };

#define BYTES(s)                   \
	{                          \
		(s), sizeof(s) - 1 \
	}

static const struct {
	const char *name;
	struct span in;
	enum grpc_frame_got got;
	struct span message, left;
} rows[] = {
	{ "nothing", BYTES(""), GRPC_FRAME_MORE, BYTES(""), BYTES("") },
	{ "half a head", BYTES("\0\0\0"), GRPC_FRAME_MORE, BYTES(""), BYTES("") },
	{ "a head", BYTES("\0\0\0\0\3"), GRPC_FRAME_MORE, BYTES(""), BYTES("") },
	{ "half a message", BYTES("\0\0\0\0\3ab"), GRPC_FRAME_MORE, BYTES("ab"), BYTES("") },
	{ "an empty message", BYTES("\0\0\0\0\0"), GRPC_FRAME_MESSAGE, BYTES(""), BYTES("") },
	{ "a message", BYTES("\0\0\0\0\3abc"), GRPC_FRAME_MESSAGE, BYTES("abc"), BYTES("") },
	{ "bytes behind it", BYTES("\0\0\0\0\1a\0\0"), GRPC_FRAME_MESSAGE, BYTES("a"),
	  BYTES("\0\0") },
	{ "the longest", BYTES("\0\0\0\0\024abcdefghijklmnopqrst"), GRPC_FRAME_MESSAGE,
	  BYTES("abcdefghijklmnopqrst"), BYTES("") },
	{ "one too long", BYTES("\0\0\0\0\025a"), GRPC_FRAME_TOO_LARGE, BYTES(""), BYTES("a") },
	{ "4 GB", BYTES("\0\377\377\377\377"), GRPC_FRAME_TOO_LARGE, BYTES(""), BYTES("") },
	{ "compressed", BYTES("\1\0\0\0\1a"), GRPC_FRAME_COMPRESSED, BYTES(""), BYTES("a") },
	{ "flag 2", BYTES("\2\0\0\0\1a"), GRPC_FRAME_BAD_FLAG, BYTES(""), BYTES("a") },
	{ "flag 255", BYTES("\377\0\0\0\0"), GRPC_FRAME_BAD_FLAG, BYTES(""), BYTES("") },
};

static void same(struct span got, struct span want, const char *name)
{
	ck_assert_msg(span_eq(got, want), "%s: %zu bytes, not %zu", name, got.len, want.len);
}

START_TEST(takes_one_message)
{
	struct span rest = rows[_i].in;
	struct grpc_frame f;

	grpc_frame_init(&f, LIMIT);
	ck_assert_int_eq(grpc_frame_take(&f, &rest), rows[_i].got);
	same(buf_view(&f.message), rows[_i].message, rows[_i].name);
	same(rest, rows[_i].left, rows[_i].name);
	ck_assert(grpc_frame_is_between(&f) == (rows[_i].in.len == 0));
	grpc_frame_release(&f);
}
END_TEST

START_TEST(takes_it_byte_by_byte_as_well)
{
	enum grpc_frame_got got = GRPC_FRAME_MORE;
	struct grpc_frame f;
	size_t i = 0;

	grpc_frame_init(&f, LIMIT);
	while (i < rows[_i].in.len && got == GRPC_FRAME_MORE) {
		struct span one = { rows[_i].in.p + i++, 1 };

		got = grpc_frame_take(&f, &one);
		ck_assert_uint_eq(one.len, 0);
	}
	ck_assert_int_eq(got, rows[_i].got);
	same(buf_view(&f.message), rows[_i].message, rows[_i].name);
	same((struct span){ rows[_i].in.p + i, rows[_i].in.len - i }, rows[_i].left, rows[_i].name);
	grpc_frame_release(&f);
}
END_TEST

START_TEST(takes_one_after_the_other)
{
	struct span rest = SPAN_LIT("\0\0\0\0\1a\0\0\0\0\0\0\0\0\0\2bc\0");
	static const char *const want[] = { "a", "", "bc" };
	struct grpc_frame f;

	grpc_frame_init(&f, LIMIT);
	for (size_t i = 0; i < TP_COUNT(want); i++) {
		ck_assert_int_eq(grpc_frame_take(&f, &rest), GRPC_FRAME_MESSAGE);
		same(buf_view(&f.message), span_of(want[i]), want[i]);
		grpc_frame_next(&f);
		ck_assert(grpc_frame_is_between(&f));
	}
	ck_assert_int_eq(grpc_frame_take(&f, &rest), GRPC_FRAME_MORE);
	ck_assert(!grpc_frame_is_between(&f));
	grpc_frame_release(&f);
}
END_TEST

START_TEST(says_when_memory_is_out)
{
	struct span rest = SPAN_LIT("\0\0\0\0\1a");
	enum grpc_frame_got got;
	struct grpc_frame f;

	grpc_frame_init(&f, LIMIT);
	alloc_fail_at(1);
	got = grpc_frame_take(&f, &rest);
	ck_assert(alloc_fail_off());
	ck_assert_int_eq(got, GRPC_FRAME_NOMEM);
	grpc_frame_release(&f);
}
END_TEST

START_TEST(writes_the_head_that_it_reads)
{
	static const struct {
		size_t n;
		struct span head;
	} heads[] = {
		{ 0, BYTES("\0\0\0\0\0") },
		{ 5, BYTES("\0\0\0\0\5") },
		{ 0x01020304, BYTES("\0\1\2\3\4") },
		{ 0xffffffff, BYTES("\0\377\377\377\377") },
	};

	for (size_t i = 0; i < TP_COUNT(heads); i++) {
		unsigned char got[GRPC_FRAME_HEAD];

		grpc_frame_head(got, heads[i].n);
		ck_assert(memcmp(got, heads[i].head.p, GRPC_FRAME_HEAD) == 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("grpc_frame");
	TCase *t = tcase_create("frame");

	tcase_add_loop_test(t, takes_one_message, 0, (int)TP_COUNT(rows));
	tcase_add_loop_test(t, takes_it_byte_by_byte_as_well, 0, (int)TP_COUNT(rows));
	tcase_add_test(t, takes_one_after_the_other);
	tcase_add_test(t, says_when_memory_is_out);
	tcase_add_test(t, writes_the_head_that_it_reads);
	suite_add_tcase(s, t);
	return check_run(s);
}
