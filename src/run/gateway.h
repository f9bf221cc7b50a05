/* SPDX-License-Identifier: MIT */
/* The two ways in which a web server talks to us. Both end in http_serve(). */
#ifndef RUN_GATEWAY_H
#define RUN_GATEWAY_H

#include "run/boot.h"

/* True when descriptor 0 is not a FastCGI socket and the environment is that of a CGI request. */
bool gateway_is_cgi(char *const *envp);

/* One request from the environment and descriptor 0, answered on descriptor 1. An exit status. */
int gateway_cgi(struct app *app, char *const *envp);

/* The answer of a CGI request when the program could not start: 503, and the reason in the log
 * only. */
int gateway_cgi_refuse(char *const *envp, const struct tp_err *why);

/* Serves requests on a listening FastCGI socket until asked to stop, and then those whose
 * connection is there already; SIGHUP reloads. Closes the socket. An exit status. */
int gateway_fcgi(struct app *app, int listen_fd);

#endif
