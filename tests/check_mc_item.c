/* SPDX-License-Identifier: MIT */
/* mc_item.c: keys, records and lists as they lie in memcached. */
#include "store/mc_item.h"
#include "support/check_run.h"

#include "base/banned.h"

enum { NOW = 1800000000 };

static struct mc_record some_record(void)
{
	return (struct mc_record){ .kind = MC_LOGIN,
				   .expiry_s = NOW + 5,
				   .generation = "generation: sixt",
				   .owner = SPAN_LIT("user"),
				   .item = SPAN_LIT("handle"),
				   .body = SPAN_LIT("{\"a\":1}") };
}

START_TEST(makes_a_key_of_kind_owner_and_item)
{
	static const struct {
		enum mc_kind kind;
		const char *owner, *item;
	} rows[] = { { MC_LOGIN, "user", "item" },  { MC_RESTRICT, "user", "item" },
		     { MC_LOGIN, "useri", "tem" },  { MC_LOGIN, "use", "ritem" },
		     { MC_LIST, "user", "" },	    { MC_LOGIN, "user", "" },
		     { MC_COUNTER, "", "useritem" } };
	struct mc_key k[TP_COUNT(rows)], again;

	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		struct span text;

		mc_key_make(&k[i], rows[i].kind, span_of(rows[i].owner), span_of(rows[i].item));
		text = mc_key_view(&k[i]);
		ck_assert_uint_eq(text.len, MC_KEY);
		ck_assert(span_starts(text, "tpauth:"));
		for (size_t c = 7; c < text.len; c++)
			ck_assert_ptr_nonnull(strchr("0123456789abcdef", text.p[c]));
		mc_key_of_digest(&again, k[i].digest);
		ck_assert(span_eq(mc_key_view(&again), text));
		for (size_t j = 0; j < i; j++)
			ck_assert(!span_eq(mc_key_view(&k[j]), text));
	}
}
END_TEST

START_TEST(writes_a_record_and_reads_it_back)
{
	static const char want[] = "tpa1l\0\0\0\0\x6b\x49\xd2\x05generation: sixt\0\4\0\6"
				   "userhandle{\"a\":1}";
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);
	struct mc_record r = some_record(), got;

	mc_record_put(&b, &r);
	ck_assert(span_eq(buf_view(&b), (struct span){ want, sizeof(want) - 1 }));
	ck_assert(mc_record_get(buf_view(&b), &got));
	ck_assert_int_eq(got.kind, MC_LOGIN);
	ck_assert_int_eq(got.expiry_s, NOW + 5);
	ck_assert_mem_eq(got.generation, r.generation, MC_GENERATION);
	ck_assert(span_eq(got.owner, r.owner));
	ck_assert(span_eq(got.item, r.item));
	ck_assert(span_eq(got.body, r.body));
}
END_TEST

START_TEST(takes_no_other_bytes_for_a_record)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);
	struct mc_record r = some_record(), got;
	size_t names = MC_RECORD_HEAD + r.owner.len + r.item.len;

	mc_record_put(&b, &r);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_msg(mc_record_get((struct span){ b.p, n }, &got) == (n >= names), "%zu",
			      n);
	for (size_t i = 0; i < 4; i++) {
		b.p[i] ^= 0x20;
		ck_assert(!mc_record_get(buf_view(&b), &got));
		b.p[i] ^= 0x20;
	}
	b.p[5] = (char)0x80; /* a time before 1970, then one that is far too late */
	ck_assert(!mc_record_get(buf_view(&b), &got));
	b.p[5] = 1;
	ck_assert(!mc_record_get(buf_view(&b), &got));
	b.p[5] = 0;
	b.p[MC_RECORD_HEAD - 4] = 1; /* an owner of 260 bytes */
	ck_assert(!mc_record_get(buf_view(&b), &got));
	b.p[MC_RECORD_HEAD - 4] = 0;
	b.p[4] = MC_LIST; /* with a body that is no list */
	ck_assert(!mc_record_get(buf_view(&b), &got));
	b.p[4] = MC_LOGIN;
	ck_assert(mc_record_get(buf_view(&b), &got));
}
END_TEST

static void digest_of(int n, unsigned char ret[DIGEST_SHA256])
{
	codec_sha256((struct span){ (const char *)&n, sizeof(n) }, ret);
}

START_TEST(keeps_a_list_of_what_has_not_ended)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(MC_LIST_MOST);
	TP_CLEANUP(buf_release) struct buf copy = BUF_INIT(MC_LIST_MOST);
	unsigned char d[4][DIGEST_SHA256];

	for (int i = 0; i < 4; i++) {
		digest_of(i, d[i]);
		if (i < 3)
			mc_list_add(&b, d[i], NOW + i);
	}
	ck_assert_uint_eq(mc_list_count(buf_view(&b), NOW), 2);
	ck_assert_int_eq(mc_list_last(buf_view(&b), NOW), NOW + 2);
	ck_assert_int_eq(mc_list_last(buf_view(&b), NOW + 2), 0);
	ck_assert(!mc_list_has(buf_view(&b), d[0], NOW));
	ck_assert(mc_list_has(buf_view(&b), d[1], NOW));
	ck_assert(!mc_list_has(buf_view(&b), d[3], NOW));
	mc_list_copy(&copy, buf_view(&b), d[1], NOW);
	ck_assert_uint_eq(copy.len, MC_ENTRY);
	ck_assert(mc_list_has(buf_view(&copy), d[2], NOW));
}
END_TEST

/* What others wrote there is counted with: a lifetime must not overflow. */
START_TEST(takes_no_list_with_a_time_that_cannot_be)
{
	static const struct {
		int64_t expiry_s;
		bool taken;
	} rows[] = { { 0, true },
		     { NOW, true },
		     { (int64_t)1 << 40, true },
		     { ((int64_t)1 << 40) + 1, false },
		     { INT64_MAX, false },
		     { -1, false } };
	struct mc_record r = some_record(), got;
	unsigned char d[DIGEST_SHA256];

	digest_of(1, d);
	for (size_t i = 0; i < TP_COUNT(rows); i++) {
		TP_CLEANUP(buf_release) struct buf list = BUF_INIT(MC_LIST_MOST);
		TP_CLEANUP(buf_release) struct buf b = BUF_INIT(1000);

		mc_list_add(&list, d, NOW + 1);
		mc_list_add(&list, d, rows[i].expiry_s);
		r.kind = MC_LIST;
		r.body = buf_view(&list);
		mc_record_put(&b, &r);
		ck_assert_msg(mc_record_get(buf_view(&b), &got) == rows[i].taken, "row %zu", i);
	}
}
END_TEST

START_TEST(lets_the_first_to_end_make_room)
{
	TP_CLEANUP(buf_release) struct buf b = BUF_INIT(MC_LIST_MOST);
	unsigned char d[DIGEST_SHA256], first[DIGEST_SHA256], fresh[DIGEST_SHA256];

	for (int i = 0; i < LIMIT_SESSIONS; i++) {
		digest_of(i, d);
		mc_list_add(&b, d, i == 777 ? NOW + 1 : NOW + 100 + i);
	}
	digest_of(777, first);
	digest_of(-1, fresh);
	ck_assert(mc_list_has(buf_view(&b), first, NOW));
	mc_list_add(&b, fresh, NOW + 50);
	ck_assert_int_eq(b.rc, TP_OK);
	ck_assert_uint_eq(mc_list_count(buf_view(&b), NOW), LIMIT_SESSIONS);
	ck_assert(!mc_list_has(buf_view(&b), first, NOW));
	ck_assert(mc_list_has(buf_view(&b), fresh, NOW));
	ck_assert(mc_list_has(buf_view(&b), d, NOW));
}
END_TEST

START_TEST(reads_a_counter_only_in_its_form)
{
	char bytes[MC_COUNT];
	int64_t n = 0, last_s = 0;

	mc_count_put(bytes, 3, NOW);
	ck_assert(mc_count_get((struct span){ bytes, MC_COUNT }, &n, &last_s));
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(last_s, NOW);
	ck_assert(!mc_count_get((struct span){ bytes, MC_COUNT - 1 }, &n, &last_s));
	mc_count_put(bytes, 0, NOW);
	ck_assert(!mc_count_get((struct span){ bytes, MC_COUNT }, &n, &last_s));
	mc_count_put(bytes, 3, -1);
	ck_assert(!mc_count_get((struct span){ bytes, MC_COUNT }, &n, &last_s));
}
END_TEST

static Suite *mc_item_suite(void)
{
	Suite *s = suite_create("mc_item");
	TCase *tc = tcase_create("mc_item");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, makes_a_key_of_kind_owner_and_item);
	tcase_add_test(tc, writes_a_record_and_reads_it_back);
	tcase_add_test(tc, takes_no_other_bytes_for_a_record);
	tcase_add_test(tc, keeps_a_list_of_what_has_not_ended);
	tcase_add_test(tc, takes_no_list_with_a_time_that_cannot_be);
	tcase_add_test(tc, lets_the_first_to_end_make_room);
	tcase_add_test(tc, reads_a_counter_only_in_its_form);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(mc_item_suite());
}
