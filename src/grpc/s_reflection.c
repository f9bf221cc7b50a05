/* SPDX-License-Identifier: MIT */
/*
 * Server reflection from the descriptors that protoc made at build time. v1 and v1alpha have the
 * same messages on the wire. Our files import nothing, so the answer to a file is that one file.
 */
#include "grpc/services.h"

#include <protobuf-c/protobuf-c.h>
#include <stdio.h>

#include "grpc/names.pb-c.h"
#include "grpc/pb.h"
#include "grpc/reflection.pb-c.h"

#include "base/banned.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

enum { FILES_MOST = 8, SERVICES_MOST = 8, NAME_MOST = 128 };
enum { STRINGS = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 };

/* Symbols ---------------------------------------------------------------------------------------*/

/* *rest begins with name, and ends there or goes on behind a dot; moves *rest past both. */
static bool step(struct span *rest, const char *name)
{
	size_t n = strlen(name);

	if (!span_starts(*rest, name) || (rest->len > n && rest->p[n] != '.'))
		return false;
	n += rest->len > n;
	rest->p += n;
	rest->len -= n;
	return true;
}

static bool is_named(struct span symbol, Names__Named *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is(symbol, v[i]->name))
			return true;
	}
	return false;
}

/* Our messages nest once. */
static bool message_has(const Names__Message *m, struct span symbol)
{
	if (!step(&symbol, m->name))
		return false;
	if (symbol.len == 0)
		return true;
	for (size_t i = 0; i < m->n_message; i++) {
		if (span_is(symbol, m->message[i]->name))
			return true;
	}
	return is_named(symbol, m->enum_, m->n_enum_);
}

static bool service_has(const Names__Service *s, struct span symbol)
{
	return step(&symbol, s->name) &&
	       (symbol.len == 0 || is_named(symbol, s->method, s->n_method));
}

static bool file_has(const Names__File *f, struct span symbol)
{
	if (!step(&symbol, f->package))
		return false;
	for (size_t i = 0; i < f->n_message; i++) {
		if (message_has(f->message[i], symbol))
			return true;
	}
	for (size_t i = 0; i < f->n_service; i++) {
		if (service_has(f->service[i], symbol))
			return true;
	}
	return is_named(symbol, f->enum_, f->n_enum_);
}

/* Answers ---------------------------------------------------------------------------------------*/

struct catalogue {
	Names__Files *files;
	Names__File *file[FILES_MOST];
	size_t n;
};

static void catalogue_release(struct catalogue *c)
{
	for (size_t i = 0; i < c->n; i++)
		names__file__free_unpacked(c->file[i], NULL);
	if (c->files != NULL)
		names__files__free_unpacked(c->files, NULL);
	*c = (struct catalogue){ 0 };
}

static bool catalogue_read(struct catalogue *c)
{
	c->files = names__files__unpack(NULL, grpc_descriptors_len, grpc_descriptors);
	for (size_t i = 0; c->files != NULL && i < c->files->n_file && i < FILES_MOST; i++) {
		c->file[i] =
			names__file__unpack(NULL, c->files->file[i].len, c->files->file[i].data);
		if (c->file[i] == NULL)
			return false;
		c->n++;
	}
	return c->files != NULL;
}

static void put_response(struct grpc_call *c, const Response *response)
{
	size_t n = grpc__reflection__v1__server_reflection_response__get_packed_size(response);
	char *p = buf_room(&c->out, n);

	if (p == NULL)
		return;
	grpc__reflection__v1__server_reflection_response__pack(response, (uint8_t *)p);
	buf_added(&c->out, n);
}

static void say_error(struct grpc_call *c, Response *response, int code, const char *text)
{
	Grpc__Reflection__V1__ErrorResponse error;
	char own[NAME_MOST];

	grpc__reflection__v1__error_response__init(&error);
	snprintf(own, sizeof(own), "%s", text);
	error.error_code = code;
	error.error_message = own;
	response->error_response = &error;
	response->message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
	put_response(c, response);
	response->error_response = NULL;
}

static void say_file(struct grpc_call *c, Response *response, ProtobufCBinaryData *file)
{
	Grpc__Reflection__V1__FileDescriptorResponse files =
		GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;

	files.n_file_descriptor_proto = 1;
	files.file_descriptor_proto = file;
	response->file_descriptor_response = &files;
	response->message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
	put_response(c, response);
	response->file_descriptor_response = NULL;
}

static void say_services(struct grpc_call *c, Response *response, const struct catalogue *all)
{
	Grpc__Reflection__V1__ServiceResponse each[SERVICES_MOST], *list[SERVICES_MOST];
	Grpc__Reflection__V1__ListServiceResponse services =
		GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
	char names[SERVICES_MOST][NAME_MOST];
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		for (size_t k = 0; k < all->file[i]->n_service && n < SERVICES_MOST; k++, n++) {
			TP_CLEANUP(buf_release) struct buf name = BUF_INIT(NAME_MOST - 1);

			buf_printf(&name, "%s.%s", all->file[i]->package,
				   all->file[i]->service[k]->name);
			memcpy(names[n], buf_cstr(&name), name.len + 1);
			grpc__reflection__v1__service_response__init(&each[n]);
			each[n].name = names[n];
			list[n] = &each[n];
		}
	}
	services.n_service = n;
	services.service = list;
	response->list_services_response = &services;
	response->message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
	put_response(c, response);
	response->list_services_response = NULL;
}

static void look_up(struct grpc_call *c, Response *response, const struct catalogue *all,
		    struct span name, bool symbol)
{
	for (size_t i = 0; i < all->n; i++) {
		if (symbol ? file_has(all->file[i], name) : span_is(name, all->file[i]->name)) {
			say_file(c, response, &all->files->file[i]);
			return;
		}
	}
	say_error(c, response, GRPC_NOT_FOUND,
		  symbol ? "there is no such symbol" : "there is no such file");
}

static void answer(struct grpc_call *c, Request *request, const struct catalogue *all)
{
	Response response;

	grpc__reflection__v1__server_reflection_response__init(&response);
	response.valid_host = request->host;
	response.original_request = request;
	switch ((int)request->message_request_case) {
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
		look_up(c, &response, all, span_of(request->file_by_filename), false);
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
		look_up(c, &response, all, span_of(request->file_containing_symbol), true);
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
		say_services(c, &response, all);
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
		say_error(c, &response, GRPC_NOT_FOUND, "there are no extensions");
		break;
	default:
		say_error(c, &response, GRPC_UNIMPLEMENTED, "unknown request");
		break;
	}
}

void s_reflection(void *arg, struct grpc_call *c, struct span message)
{
	TP_CLEANUP(catalogue_release) struct catalogue all = { 0 };
	Request *request = NULL;

	(void)arg;
	if (pb_is_clean(message, STRINGS))
		request = grpc__reflection__v1__server_reflection_request__unpack(
			NULL, message.len, (const uint8_t *)message.p);
	if (request == NULL) {
		grpc_fail(&c->status, GRPC_INVALID_ARGUMENT, "this is no ServerReflectionRequest");
		return;
	}
	if (catalogue_read(&all))
		answer(c, request, &all);
	else
		grpc_fail(&c->status, GRPC_UNAVAILABLE, "out of memory");
	grpc__reflection__v1__server_reflection_request__free_unpacked(request, NULL);
}
