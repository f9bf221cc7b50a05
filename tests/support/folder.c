/* SPDX-License-Identifier: MIT */
/* One folder a process, since a case has a process of its own. What fails here ends the case. */
#include "support/folder.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

static char folder[] = "/tmp/tpauth-check-XXXXXX";

void folder_make(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
}

void folder_remove(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", folder, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	memset(folder + strlen(folder) - 6, 'X', 6); /* for the next one */
}

const char *folder_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s%s%s", folder, name[0] == '\0' ? "" : "/", name);
	return path;
}

void folder_write(const char *name, const char *text)
{
	FILE *f = fopen(folder_path(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}
