/* SPDX-License-Identifier: MIT */
/* Owns the form of question and answer. How they travel is the handlers' affair. */
#include "auth/authn_question.h"

#include "base/banned.h"

static bool is_text(struct span s)
{
	return span_is_utf8(s) && !span_has_byte(s, '\0');
}

static void put_value(struct buf *out, const char *key, struct span value)
{
	buf_printf(out, ",\"%s\":", key);
	if (value.p == NULL || !is_text(value))
		buf_str(out, "null");
	else
		jval_quote(value, out);
}

static void put_scopes(struct buf *out, struct span scope)
{
	const char *comma = "";

	buf_str(out, ",\"scopes\":[");
	while (scope.p != NULL) {
		struct span one = span_cut(&scope, ' ');

		if (one.len == 0 || !is_text(one))
			continue;
		buf_str(out, comma);
		jval_quote(one, out);
		comma = ",";
	}
	buf_char(out, ']');
}

static void put_question(struct buf *out, const struct authn_request *r)
{
	struct span user = { NULL, 0 };

	if (r->event == AUTHN_LOGIN) {
		buf_str(out, "{\"event\":\"login\"");
		put_value(out, "username", r->username);
		put_value(out, "password", r->password);
		put_scopes(out, r->scope);
		put_value(out, "client_id", r->client_id);
	} else {
		(void)jval_str(jval_get(r->claims, "user_id"), &user);
		buf_str(out, "{\"event\":\"refresh\"");
		put_value(out, "user_id", user);
		buf_str(out, ",\"claims\":");
		jval_write(r->claims, out);
	}
	put_value(out, "remote_addr", r->remote_addr);
	put_value(out, "request_id", r->request_id);
	buf_str(out, "}\n");
}

enum tp_rc authn_question_put(const struct authn_request *r, struct buf *out, struct tp_err *err)
{
	if (r->event == AUTHN_LOGIN && (!is_text(r->username) || !is_text(r->password)))
		return tp_fail(err, TP_DENIED, "a user name or password that is not UTF-8");
	put_question(out, r);
	return buf_rc(out, "the question to the token handler", err);
}

enum tp_rc authn_answer_parse(struct span answer, struct jval **ret_claims, struct tp_err *err)
{
	struct tp_err inner = { 0 };
	enum tp_rc rc = jval_parse(answer, ret_claims, &inner);

	if (rc == TP_OK)
		return TP_OK;
	return tp_fail(err, rc == TP_NOMEM ? rc : TP_UNAVAILABLE, "the token handler's answer: %s",
		       inner.msg);
}
