/* SPDX-License-Identifier: MIT */
/* Functions that this tree does not use, made compile errors. Last include of every .c file. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* Macros in glibc, some by compiler and level of _FORTIFY_SOURCE. */
#undef alloca
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok strtok_r
#pragma GCC poison atoi atol atoll atof strtol strtoul strtoll strtoull
#pragma GCC poison gets gmtime localtime ctime asctime mktemp tmpnam
#pragma GCC poison alloca system popen rand srand random srandom

#endif
