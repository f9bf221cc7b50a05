/* SPDX-License-Identifier: MIT */
/* Claims of grpc/grpc_backoff.h: how long a service that failed is left alone. */
#include "grpc/grpc_backoff.h"

#include "base/rc.h"
#include "support/check_run.h"

#include "base/banned.h"

START_TEST(doubles_from_a_second_to_half_a_minute)
{
	static const int64_t pauses_ms[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
	struct grpc_backoff b = { 0 };
	int64_t now_ms = 5;

	ck_assert(grpc_backoff_passes(&b, now_ms));
	for (size_t i = 0; i < TP_COUNT(pauses_ms); i++) {
		grpc_backoff_failed(&b, now_ms);
		ck_assert(!grpc_backoff_passes(&b, now_ms));
		ck_assert(!grpc_backoff_passes(&b, now_ms + pauses_ms[i] - 1));
		now_ms += pauses_ms[i];
		ck_assert(grpc_backoff_passes(&b, now_ms));
	}
}
END_TEST

START_TEST(begins_anew_after_a_success)
{
	struct grpc_backoff b = { 0 };

	grpc_backoff_failed(&b, 0);
	grpc_backoff_failed(&b, 1000);
	grpc_backoff_worked(&b);
	ck_assert(grpc_backoff_passes(&b, 1001));
	grpc_backoff_failed(&b, 2000);
	ck_assert(grpc_backoff_passes(&b, 3000));
}
END_TEST

static Suite *grpc_backoff_suite(void)
{
	Suite *s = suite_create("grpc_backoff");
	TCase *tc = tcase_create("grpc_backoff");

	tcase_add_test(tc, doubles_from_a_second_to_half_a_minute);
	tcase_add_test(tc, begins_anew_after_a_success);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_run(grpc_backoff_suite());
}
