/* SPDX-License-Identifier: MIT */
/* Words for terminals: what a terminal would obey comes from here or not at all. */
#include "ctl/text.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

const char *text_time(int64_t t, char room[TEXT_TIME])
{
	time_t when = (time_t)t;
	struct tm tm;

	if (t <= 0 || gmtime_r(&when, &tm) == NULL ||
	    strftime(room, TEXT_TIME, "%Y-%m-%d %H:%M:%SZ", &tm) == 0)
		return "-";
	return room;
}

void text_put(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool c1 = c == 0xc2 && i + 1 < s.len && (s.p[i + 1] & 0xe0) == 0x80;

		buf_char(out, c1 || c < 0x20 || c == 0x7f ? '?' : s.p[i]);
		i += c1;
	}
}

bool text_colours(int fd)
{
	const char *no = getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe): no threads */
	const char *term = getenv("TERM");   /* NOLINT(concurrency-mt-unsafe): no threads */

	return isatty(fd) == 1 && (no == NULL || no[0] == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

void text_mark(enum text_colour c, bool colours, const char *word, struct buf *out)
{
	static const char *const marks[] = { [TEXT_GOOD] = "\033[32m", [TEXT_BAD] = "\033[1;31m" };

	buf_str(out, colours ? marks[c] : "");
	buf_str(out, word);
	buf_str(out, colours ? "\033[0m" : "");
}
