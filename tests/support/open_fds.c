/* SPDX-License-Identifier: MIT */
#include "support/open_fds.h"

#include <fcntl.h>
#include <stddef.h>

#include "base/banned.h"

int open_fds(int *ret_inherited)
{
	int n = 0, inherited = 0;

	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0;
		inherited += flags >= 0 && (flags & FD_CLOEXEC) == 0;
	}
	if (ret_inherited != NULL)
		*ret_inherited = inherited;
	return n;
}
