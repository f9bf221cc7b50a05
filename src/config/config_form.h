/* SPDX-License-Identifier: MIT */
/* Forms that a text in a setting may have. */
#ifndef CONFIG_CONFIG_FORM_H
#define CONFIG_CONFIG_FORM_H

#include "base/str.h"

/* HOST:PORT, [V6]:PORT or unix:/PATH. */
bool config_form_is_address(struct span s);

/* An address that nobody but this machine reaches: unix:, a loopback address, or localhost. */
bool config_form_is_local(struct span address);

/* A path of a URL: "/" and characters that need no quoting there, nor in a cookie's Path. */
bool config_form_is_route(struct span s);

/* http://HOST[:PORT] or https://..., and nothing behind it. */
bool config_form_is_origin(struct span s);

/* A path of the file system that does not depend on the current folder. */
bool config_form_is_path(struct span s);

#endif
