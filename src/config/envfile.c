/* SPDX-License-Identifier: MIT */
/*
 * Owns the syntax of one line of the settings file: comments, quotes, escapes. Which names exist
 * and what values mean is not known here. Lines hold secrets, so no message shows any of their
 * text.
 */
#include "config/envfile.h"

#include "base/limits.h"

#include "base/banned.h"

void envfile_init(struct envfile *f, struct span text)
{
	*f = (struct envfile){ text, 0, BUF_INIT(LIMIT_CONFIG_LINE) };
}

void envfile_release(struct envfile *f)
{
	buf_release(&f->value);
	f->rest = (struct span){ NULL, 0 };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span behind(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.len - n };
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return s.len > 0;
}

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

/* The next line, trimmed, that is neither empty nor a comment. */
static enum tp_rc next_line(struct envfile *f, struct span *ret, struct tp_err *err)
{
	while (f->rest.p != NULL) {
		struct span line = span_cut(&f->rest, '\n');

		f->line++;
		if (line.len > LIMIT_CONFIG_LINE)
			return tp_fail(err, TP_INVALID, "a line has more than %d bytes",
				       LIMIT_CONFIG_LINE);
		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		if (has_control(line))
			return tp_fail(err, TP_INVALID, "a line has a control character");
		line = span_trim(line);
		if (line.len > 0 && line.p[0] != '#') {
			*ret = line;
			return TP_OK;
		}
	}
	return tp_fail(err, TP_NOT_FOUND, "end of file");
}

/* What the escape stands for, or 0 where the backslash stands for itself. */
static char escaped(char quote, char c)
{
	if (c == '\\' || c == '\'')
		return c;
	if (quote == '\'')
		return '\0';
	switch (c) {
	case '"':
		return '"';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

static enum tp_rc quoted(struct envfile *f, struct span text, struct span *ret, struct tp_err *err)
{
	char quote = text.p[0];
	size_t i = 1;

	buf_reset(&f->value);
	while (i < text.len && text.p[i] != quote) {
		char c = text.p[i++];

		if (c == '\\' && i < text.len && escaped(quote, text.p[i]) != '\0')
			c = escaped(quote, text.p[i++]);
		buf_char(&f->value, c);
	}
	if (i >= text.len)
		return tp_fail(err, TP_INVALID, "a quote is not closed on its line");
	text = span_trim(behind(text, i + 1));
	if (text.len > 0 && text.p[0] != '#')
		return tp_fail(err, TP_INVALID, "there is text behind a closing quote");
	*ret = buf_view(&f->value);
	return buf_rc(&f->value, "a value", err);
}

static enum tp_rc unquoted(struct span text, struct span *ret, struct tp_err *err)
{
	if (span_starts(text, "#"))
		return tp_fail(err, TP_INVALID, "a value that begins with # needs quotes");
	for (size_t i = 1; i < text.len; i++) {
		if (text.p[i] == '#' && is_blank(text.p[i - 1]))
			text.len = i;
	}
	*ret = span_trim(text);
	return TP_OK;
}

enum tp_rc envfile_next(struct envfile *f, struct envfile_entry *ret, struct tp_err *err)
{
	struct span line = { NULL, 0 }, value = line, name;
	enum tp_rc rc = next_line(f, &line, err);

	if (rc != TP_OK)
		return rc;
	if (span_starts(line, "export") && line.len > 6 && is_blank(line.p[6]))
		line = span_trim(behind(line, 6));
	name = span_trim(span_cut(&line, '='));
	if (line.p == NULL || !is_name(name))
		return tp_fail(err, TP_INVALID, "a line is not of the form NAME = value");
	line = span_trim(line);
	if (span_starts(line, "\"") || span_starts(line, "'"))
		rc = quoted(f, line, &value, err);
	else
		rc = unquoted(line, &value, err);
	if (rc == TP_OK)
		*ret = (struct envfile_entry){ name, value };
	return rc;
}
