/* SPDX-License-Identifier: MIT */
/* Goes by /proc, since whoever freezes a server need not be its parent. */
#include "support/freeze.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#include "base/banned.h"

enum { TRIES = 5000, PAUSE_US = 1000 };

/* The state comes behind the name, which is in brackets and may hold any. */
static bool stands(int tasks_fd, const char *task)
{
	char path[300], line[512] = "";
	const char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s/stat", tasks_fd, task);
	f = fopen(path, "re");
	if (f == NULL)
		return true; /* it has ended */
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	end = strrchr(line, ')');
	return end != NULL && strncmp(end, ") T", 3) == 0;
}

static bool all_stand(pid_t pid)
{
	bool all = true;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (tasks == NULL)
		return true;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there are no threads */
	for (const struct dirent *d = readdir(tasks); d != NULL; d = readdir(tasks))
		if (d->d_name[0] != '.')
			all = stands(dirfd(tasks), d->d_name) && all;
	closedir(tasks);
	return all;
}

void freeze(pid_t pid)
{
	kill(pid, SIGSTOP);
	for (int i = 0; i < TRIES && !all_stand(pid); i++)
		clock_pause_us(PAUSE_US);
}
