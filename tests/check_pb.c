/* SPDX-License-Identifier: MIT */
/* The walk over a protobuf message that finds what protobuf-c overlooks. */
#include "grpc/pb.h"

#include "support/check_run.h"

#include "base/banned.h"

#define BYTES(s)                   \
	{                          \
		(s), sizeof(s) - 1 \
	}

static const struct {
	const char *name;
	struct span message;
	bool clean;
} rows[] = {
	{ "nothing", BYTES(""), true },
	{ "a string", BYTES("\x0a\2ab"), true },
	{ "an empty string", BYTES("\x0a\0"), true },
	{ "UTF-8", BYTES("\x0a\2\xc3\xa4"), true },
	{ "a NUL inside", BYTES("\x0a\3a\0b"), false },
	{ "no UTF-8", BYTES("\x0a\1\xff"), false },
	{ "a surrogate", BYTES("\x0a\3\xed\xa0\x80"), false },
	{ "the same in a field that is no string", BYTES("\x1a\1\xff"), true },
	{ "a NUL in one that is none", BYTES("\x1a\1\0"), true },
	{ "the second of two", BYTES("\x0a\1a\x12\1\xff"), false },
	{ "the second time", BYTES("\x0a\1a\x0a\1\xff"), false },
	{ "a varint", BYTES("\x08\xff\x01"), true },
	{ "64 bits", BYTES("\x09\1\2\3\4\5\6\7\0"), true },
	{ "32 bits", BYTES("\x0d\1\2\3\4"), true },
	{ "a high number", BYTES("\xfa\xff\xff\xff\x0f\1\xff"), true },
	{ "number 32, which is no shift", BYTES("\x82\x02\1\xff"), true },
	{ "a number past the last", BYTES("\x82\x80\x80\x80\x10\0"), false },
	{ "number 0", BYTES("\x02\0"), false },
	{ "a group", BYTES("\x0b\x0c"), false },
	{ "type 6", BYTES("\x0e"), false },
	{ "a tag alone", BYTES("\x0a"), false },
	{ "a length too long", BYTES("\x0a\3ab"), false },
	{ "a length of 2^63", BYTES("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), false },
	{ "a varint without end", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	  false },
	{ "a varint cut off", BYTES("\x08\x80"), false },
	{ "64 bits cut off", BYTES("\x09\1\2\3"), false },
};

START_TEST(knows_what_is_clean)
{
	ck_assert_msg(pb_is_clean(rows[_i].message, 1 << 1 | 1 << 2) == rows[_i].clean, "%s",
		      rows[_i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pb");
	TCase *t = tcase_create("pb");

	tcase_add_loop_test(t, knows_what_is_clean, 0, (int)TP_COUNT(rows));
	suite_add_tcase(s, t);
	return check_run(s);
}
