/* SPDX-License-Identifier: MIT */
/* Where requests meet the hooks of auth_ctx, each with the request as they may see it. */
#ifndef HTTP_CONSULT_H
#define HTTP_CONSULT_H

#include "http/router.h"

/* access_consult() about a session that this request has proved. */
enum tp_rc consult_access(struct http_call *c, struct access *x, struct tp_err *err) TP_MUSTUSE;

/* The session of these claims has ended by this request. What the hook says is logged. */
void consult_logout(struct http_call *c, const struct jval *claims);

/* TP_OK: nothing against it. Anything else: not healthy. */
enum tp_rc consult_health(struct http_call *c, struct tp_err *err) TP_MUSTUSE;

#endif
