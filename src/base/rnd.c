/* SPDX-License-Identifier: MIT */
/*
 * The one source of randomness. There is no fall-back: a system without getrandom(2) makes no
 * handles.
 */
#include "base/rnd.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/banned.h"

static const char *why(void)
{
	return strerror(errno); /* NOLINT(concurrency-mt-unsafe): there are no threads */
}

enum tp_rc rnd_bytes(void *p, size_t n, struct tp_err *err)
{
	size_t got = 0;

	while (got < n) {
		ssize_t one = getrandom((char *)p + got, n - got, 0);

		if (one < 0 && errno == EINTR)
			continue;
		if (one <= 0)
			return tp_fail(err, TP_UNAVAILABLE, "getrandom: %s", why());
		got += (size_t)one;
	}
	return TP_OK;
}
