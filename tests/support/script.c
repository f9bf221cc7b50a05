/* SPDX-License-Identifier: MIT */
/* What is not as it should be ends the case. */
#include "support/script.h"

#include "base/clock.h"
#include "base/str.h"
#include "support/folder.h"

#include <check.h>
#include <stdio.h>

#include "base/banned.h"

void script_left(const char *name, const char *text)
{
	char got[8192];
	FILE *f = fopen(folder_path(name), "r");
	size_t n;

	ck_assert_msg(f != NULL, "%s", name);
	n = fread(got, 1, sizeof(got) - 1, f);
	fclose(f);
	got[n] = '\0';
	ck_assert_str_eq(got, text);
}

pid_t script_pid(const char *name)
{
	char line[32] = "";
	int64_t pid = 0;
	FILE *f = fopen(folder_path(name), "r");

	ck_assert_msg(f != NULL, "%s", name);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	ck_assert(span_int(span_of(line), 2, INT32_MAX, &pid));
	return (pid_t)pid;
}

bool script_is_dead(pid_t pid)
{
	char path[64], state = '\0';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return true;
	ck_assert_int_eq(fscanf(f, "%*d %*s %c", &state), 1);
	fclose(f);
	return state == 'Z' || state == 'X';
}

void script_dies(pid_t pid)
{
	for (int i = 0; i < 500 && !script_is_dead(pid); i++)
		clock_pause_us(10000);
	ck_assert(script_is_dead(pid));
}
