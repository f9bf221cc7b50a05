/* SPDX-License-Identifier: MIT */
/* A module of a version that is not known here. */
#include <tpauth.h>

const struct tpauth_module tpauth_module = { .version = 99 };
