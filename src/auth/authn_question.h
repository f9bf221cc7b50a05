/* SPDX-License-Identifier: MIT */
/*
 * What a token handler outside this process is asked, as one JSON object:
 *   {"event":"login","username":,"password":,"scopes":[],"client_id":,"remote_addr":,"request_id":}
 *   {"event":"refresh","user_id":,"claims":{},"remote_addr":,"request_id":}
 * (null for what is not known), and the claims that it answers, as one JSON object.
 */
#ifndef AUTH_AUTHN_QUESTION_H
#define AUTH_AUTHN_QUESTION_H

#include "auth/authn.h"

/* With a newline behind it; at most LIMIT_AUTHN_QUESTION. TP_DENIED: a login with a name or a
 * password that JSON cannot say, so that nobody can know it. */
enum tp_rc authn_question_put(const struct authn_request *r, struct buf *out,
			      struct tp_err *err) TP_MUSTUSE;

/* TP_UNAVAILABLE: no JSON, or not strictly so. What is in it authn_ask() judges. */
enum tp_rc authn_answer_parse(struct span answer, struct jval **ret_claims,
			      struct tp_err *err) TP_MUSTUSE;

#endif
