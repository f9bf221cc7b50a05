/* SPDX-License-Identifier: MIT */
/*
 * A real OpenLDAP server with a small directory, in the folder of support/folder.h. It listens on
 * 127.0.0.1 and on a unix socket, and dies with the process that started it. Its certificate is
 * server.pem of the authority ca.pem there (support/certs.h), for 127.0.0.1 and 0.0.0.0,
 * of which the last is a way here that does not look like one.
 */
#ifndef SUPPORT_SLAPD_H
#define SUPPORT_SLAPD_H

#include <stdbool.h>

bool slapd_is_installed(void);

/* data: LDIF. */
void slapd_start(const char *data, bool tls);
void slapd_stop(void);
void slapd_freeze(void); /* until the stop */

int slapd_port(void);	       /* of ldap:// */
int slapd_tls_port(void);      /* of ldaps:// */
const char *slapd_ldapi(void); /* the path, percent-encoded */

#endif
