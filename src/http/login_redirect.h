/* SPDX-License-Identifier: MIT */
/* In the place of a 401: the way to the login page, for those who can go there. */
#ifndef HTTP_LOGIN_REDIRECT_H
#define HTTP_LOGIN_REDIRECT_H

#include "http/router.h"

/*
 * In the authorizer role (c->route says so), answers 303 to LOGIN_URL with return_to in it, when a
 * browser came to show a page, and returns true. Else false, and nothing is changed: no LOGIN_URL,
 * an API client, another method than GET and HEAD, a request to LOGIN_URL itself (it would go round
 * in circles), or a web server that sends its own 401 whatever it is told (mod_fcgid).
 */
bool login_redirect(struct http_call *c);

/* A browser navigates: by its Sec-Fetch-Mode and Sec-Fetch-Dest (Fetch Metadata) or, where it sends
 * neither, by text/html among what it accepts (RFC 9110 12.5.1). */
bool login_redirect_is_navigation(const struct http_req *r);

#endif
