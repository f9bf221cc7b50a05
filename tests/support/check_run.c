/* SPDX-License-Identifier: MIT */
/*
 * The common end of every check program: run all cases, print the failures, exit non-zero if there
 * was one or if nothing ran at all. A suite that lost its cases must not pass.
 */
#include "support/check_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

int check_run(Suite *s)
{
	SRunner *r = srunner_create(s);
	int ran, failed;

	srunner_run_all(r, CK_NORMAL);
	ran = srunner_ntests_run(r);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	if (ran == 0) {
		fputs("no case ran\n", stderr);
		return EXIT_FAILURE;
	}
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
