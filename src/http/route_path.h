/* SPDX-License-Identifier: MIT */
/*
 * The path of an application's route: "/users/{id}/files". A segment {name} stands for exactly one
 * segment, which is not empty, neither "." nor "..", and UTF-8 without control characters. Web
 * servers hand over paths that they have decoded, so nothing is decoded here: a "/" that was
 * encoded separates segments like any other.
 */
#ifndef HTTP_ROUTE_PATH_H
#define HTTP_ROUTE_PATH_H

#include "base/rc.h"
#include "base/str.h"

/* TP_INVALID: it does not begin with "/" or ends in one (but for "/" itself), has an empty segment,
 * a byte that no URL has after decoding, a brace that is not part of {name}, a name that is no
 * identifier of C or is there twice, or is too long. The rest expects one that is good. */
enum tp_rc route_path_check(const char *path, struct tp_err *err) TP_MUSTUSE;

bool route_path_has_params(const char *path);

/* The path of a request is one of those that this stands for. */
bool route_path_fits(const char *path, struct span asked);

/* What stands at {name} in one that fits; false: there is no such name. Borrowed from asked. */
bool route_path_param(const char *path, struct span asked, const char *name, struct span *ret);

/* Both stand for the same paths, whatever their parameters are called. */
bool route_path_same(const char *a, const char *b);

#endif
