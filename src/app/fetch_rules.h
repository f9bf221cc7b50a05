/* SPDX-License-Identifier: MIT */
/*
 * What may be said in a request to another service, so that it goes to the named host, once, as
 * one request, and as the user of the call. All of them: TP_INTERNAL with a reason that holds none
 * of the text, since it is the program that says it.
 */
#ifndef APP_FETCH_RULES_H
#define APP_FETCH_RULES_H

#include "base/rc.h"

/* Any token (RFC 9110 5.6.2) but CONNECT and TRACE, which are not for a service behind its URL. */
enum tp_rc fetch_rules_method(const char *method, struct tp_err *err) TP_MUSTUSE;

/* http or https, a host, no user or password before it; printable ASCII without blank, quotes,
 * backslash and angle brackets (RFC 3986 2: the rest comes percent-encoded). */
enum tp_rc fetch_rules_url(const char *url, struct tp_err *err) TP_MUSTUSE;

/* A name that is a token and not ours or the connection's to set, compared as CGI would ('_' is
 * '-'), and a value as below. */
enum tp_rc fetch_rules_header(const char *name, const char *value, struct tp_err *err) TP_MUSTUSE;

/* RFC 9110 5.5: no control characters but tabs. */
enum tp_rc fetch_rules_value(const char *value, struct tp_err *err) TP_MUSTUSE;

#endif
