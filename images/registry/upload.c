/* SPDX-License-Identifier: MIT */
/*
 * One blob on its way to a registry.
 *
 *     POST blobs/uploads/               202: the Location is an upload
 *     PUT LOCATION?digest=D             the whole blob; 201
 *
 * Registries that limit the size of a request answer 413 or 416 to such a PUT. Then it goes on in
 * pieces:
 *
 *     PATCH LOCATION  Content-Range: FIRST-LAST     202, Range: 0-LAST, a new Location
 *     PUT LOCATION?digest=D                         201
 *
 * After each answer the newest Location counts, as it was given. A session that is lost (404, 400,
 * a cut connection) cannot be taken up again everywhere, so that a new one is begun.
 */
#include "images/registry/registry_internal.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/strbuf.h"

#include <string.h>
#include <time.h>

enum {
	MAX_SESSIONS = 4,
	MAX_STEPS_BACK = 8,    /* how often a registry may be behind within one session */
	FIRST_PIECE = 4 << 20, /* the smallest limit that is known of a large registry */
	SMALLEST_PIECE = 64 << 10,
	PAUSE_MS = 500,
	WRONG_PORT_TRIES = 2,
};

struct upload {
	struct registry *registry;
	const struct registry_blob *blob;
	char name[OCI_DIGEST_SIZE];
	char *location;           /* of the session */
	enum http_place named_by; /* where the server is that has named it */
	bool pieces;              /* the registry refuses the whole at once */
	uint64_t piece;           /* bytes in one PATCH */
	uint64_t least;           /* OCI-Chunk-Min-Length, 0 for none */
};

enum step { STEP_DONE, STEP_AGAIN };

static int
take_location(struct upload *upload, const struct http_response *response, struct error *err)
{
	unsigned int allow = registry_allow(upload->registry);
	char *location;

	if (http_response_location(response, allow, &location, err) < 0)
		return error_prefix(err, "blob '%s'", upload->name);
	free(upload->location);
	upload->location = location;
	upload->named_by = response->place;
	return 0;
}

/* A registry behind a proxy may name itself without the port that it is reached at. */
static bool
lacks_port(const struct upload *upload, const char *url)
{
	auto_free char *ours = http_url_name(upload->registry->base);
	auto_free char *there = http_url_name(url);

	return strcmp(ours, there) == 0 && !http_url_same_origin(upload->registry->base, url);
}

/* Opens a session. */
static int
start(struct upload *upload, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	auto_free char *url = registry_url(upload->registry, "blobs/uploads/");
	const struct registry_request request = {
		.method = "POST",
		.url = url,
		.scope = upload->registry->push_scope,
		/* A session that nobody uses costs nothing. */
		.retry = HTTP_RETRY_ALWAYS,
	};
	const char *least;

	if (registry_send(upload->registry, &request, &response, err) < 0)
		return error_prefix(err, "blob '%s'", upload->name);
	if (response.status != 202)
		return registry_refused(&response, "cannot start an upload", err);
	least = http_response_header(&response, "OCI-Chunk-Min-Length");
	if (least != NULL && !parse_uint(least, UINT64_MAX, &upload->least))
		upload->least = 0;
	return take_location(upload, &response, err);
}

static int
send_part(struct upload *upload, const char *method, const char *url, const char *range,
	  uint64_t offset, uint64_t size, struct http_response *response, struct error *err)
{
	const char *headers[] = {"Content-Type: application/octet-stream", range, NULL};
	const struct http_body body = {.fd = upload->blob->fd, .offset = offset, .size = size};
	const struct registry_request request = {
		.method = method,
		.url = url,
		.headers = headers,
		.body = &body,
		.scope = upload->registry->push_scope,
		.named_by = upload->named_by,
		.tries = lacks_port(upload, url) ? WRONG_PORT_TRIES : 0,
		.progress = size != 0 ? upload->blob->progress : NULL,
	};

	if (registry_send(upload->registry, &request, response, err) == 0)
		return 0;
	if (request.tries != 0 && err->code == ERR_NETWORK) {
		auto_free char *host = http_url_host(upload->registry->base);

		/* Another session would be sent to the same place. */
		err->code = ERR_REMOTE;
		return error_prefix(err,
				    "the registry sends uploads to another port than '%s'; the "
				    "proxy in front of it must set the field Host with the port",
				    host);
	}
	return -1;
}

static int
send_closing(struct upload *upload, uint64_t size, struct http_response *response,
	     struct error *err)
{
	auto_free char *url = http_url_with_query(upload->location, "digest", upload->name);

	return send_part(upload, "PUT", url, NULL, 0, size, response, err);
}

/*
 * A refused PATCH or PUT: ERR_NETWORK where a new session may mend it, because this one is lost or
 * its bytes were damaged on the way.
 */
static int
part_refused(const struct upload *upload, const struct http_response *response, struct error *err)
{
	static const char *const codes[] = {"BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN",
					    "DIGEST_INVALID", "SIZE_INVALID"};
	bool lost = response->status == 404 || response->status == 409;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		lost = lost || registry_has_code(response, codes[i]);
	(void)registry_refused(response, upload->name, err);
	if (lost)
		err->code = ERR_NETWORK;
	return -1;
}

/* What an answer to the closing PUT means. */
static int
judge_closing(struct upload *upload, const struct http_response *response, enum step *ret_step,
	      struct error *err)
{
	if (response->status >= 200 && response->status <= 299) {
		const char *stored = http_response_header(response, "Docker-Content-Digest");

		*ret_step = STEP_DONE;
		return stored == NULL || strcmp(stored, upload->name) == 0
			       ? 0
			       : error_set(err, ERR_VERIFY,
					   "the registry stored blob '%s' as %.80s", upload->name,
					   stored);
	}
	*ret_step = STEP_AGAIN;
	if (!upload->pieces && (response->status == 413 || response->status == 416)) {
		upload->pieces = true;
		upload->piece = FIRST_PIECE;
		log_debug("'%s' refused a whole blob (%d); uploading it in chunks",
			  upload->registry->reference->registry, response->status);
		return 0;
	}
	return part_refused(upload, response, err);
}

static int
send_whole(struct upload *upload, enum step *ret_step, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;

	if (send_closing(upload, upload->blob->descriptor->size, &response, err) < 0)
		return error_prefix(err, "blob '%s'", upload->name);
	return judge_closing(upload, &response, ret_step, err);
}

/* How much of the blob the registry says it holds: "Range: 0-LAST"; "0-0" is nothing as well. */
static bool
held_bytes(const struct http_response *response, uint64_t *ret_held)
{
	const char *range = http_response_header(response, "Range");
	uint64_t last;

	if (range == NULL || !text_starts_with(range, "0-") ||
	    !parse_uint(range + 2, UINT64_MAX, &last) || last == UINT64_MAX)
		return false;
	*ret_held = last == 0 ? 0 : last + 1;
	return true;
}

/* Sends one piece. `*offset` becomes what the registry then holds. */
static int
send_piece(struct upload *upload, uint64_t *offset, uint64_t *ret_sent, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	uint64_t left = upload->blob->descriptor->size - *offset, held;
	uint64_t size = upload->piece < left ? upload->piece : left;
	auto_free char *range = xasprintf("Content-Range: %llu-%llu", (unsigned long long)*offset,
					  (unsigned long long)(*offset + size - 1));

	*ret_sent = size;
	if (send_part(upload, "PATCH", upload->location, range, *offset, size, &response, err) < 0)
		return error_prefix(err, "blob '%s'", upload->name);
	if (response.status == 413 || response.status == 416) {
		if (upload->piece / 2 < SMALLEST_PIECE || upload->piece / 2 < upload->least)
			return part_refused(upload, &response, err);
		upload->piece /= 2;
		*ret_sent = 0;
		if (held_bytes(&response, &held))
			*offset = held;
		return http_response_header(&response, "Location") != NULL
			       ? take_location(upload, &response, err)
			       : 0;
	}
	if (response.status != 202 && response.status != 201 && response.status != 204)
		return part_refused(upload, &response, err);
	if (take_location(upload, &response, err) < 0)
		return -1;
	/* Without the field it holds what was sent. */
	held = *offset + size;
	(void)held_bytes(&response, &held);
	if (held > *offset + size)
		return error_set(err, ERR_NETWORK,
				 "the registry reports more bytes than were uploaded");
	*offset = held;
	return 0;
}

static int
send_pieces(struct upload *upload, enum step *ret_step, struct error *err)
{
	AUTO(http_response_clear) struct http_response response = HTTP_RESPONSE_INIT;
	uint64_t offset = 0, sent;
	int back = 0;

	if (upload->piece < upload->least)
		upload->piece = upload->least;
	while (offset < upload->blob->descriptor->size) {
		uint64_t before = offset;

		if (interrupt_check(err) < 0 || send_piece(upload, &offset, &sent, err) < 0)
			return -1;
		progress_set(upload->blob->progress, offset);
		if (offset < before + sent && ++back > MAX_STEPS_BACK)
			return error_set(err, ERR_NETWORK,
					 "the registry keeps losing parts of blob '%s'",
					 upload->name);
	}
	if (send_closing(upload, 0, &response, err) < 0)
		return error_prefix(err, "blob '%s'", upload->name);
	return judge_closing(upload, &response, ret_step, err);
}

static void
pause_before_session(int session)
{
	(void)interrupt_pause((uint64_t)PAUSE_MS * (unsigned int)session);
}

static int
one_session(struct upload *upload, enum step *ret_step, struct error *err)
{
	if (start(upload, err) < 0)
		return -1;
	return upload->pieces ? send_pieces(upload, ret_step, err)
			      : send_whole(upload, ret_step, err);
}

/* Sessions until the blob is there. */
static int
run_sessions(struct upload *upload, enum step *ret_step, struct error *err)
{
	const struct oci_descriptor *descriptor = upload->blob->descriptor;

	for (int session = 1;; session++) {
		int result = one_session(upload, ret_step, err);

		if (result == 0 && *ret_step != STEP_AGAIN)
			return 0;
		if (result < 0 && (err->code != ERR_NETWORK || session >= MAX_SESSIONS))
			return -1;
		if (result == 0 && session >= MAX_SESSIONS)
			return error_set(err, ERR_REMOTE, "the registry does not accept blob '%s'",
					 upload->name);
		if (interrupt_check(err) < 0)
			return -1;
		progress_set(upload->blob->progress, 0);
		if (result == 0)
			continue;
		log_debug("upload lost; restarting it: %s", err->message);
		pause_before_session(session);
		/* The answer may have been lost, and not the blob. */
		result = registry_head_blob(upload->registry, &descriptor->digest, descriptor->size,
					    err);
		if (result == REGISTRY_FAILED)
			return -1;
		if (result == REGISTRY_THERE) {
			*ret_step = STEP_DONE;
			return 0;
		}
	}
}

int
registry_push_blob(struct registry *registry, const struct registry_blob *blob, struct error *err)
{
	const struct oci_descriptor *descriptor = blob->descriptor;
	struct upload upload = {.registry = registry, .blob = blob};
	enum step step = STEP_AGAIN;
	int result;

	(void)oci_digest_text(&descriptor->digest, upload.name);
	result = run_sessions(&upload, &step, err);
	free(upload.location);
	if (result < 0)
		return -1;
	/* "Created" is a promise; some registries show a blob a moment later. */
	for (unsigned int look = 1;; look++) {
		result = registry_head_blob(registry, &descriptor->digest, descriptor->size, err);
		if (result != REGISTRY_ABSENT ||
		    look >= http_again_tries(HTTP_AGAIN_WRITTEN, 404) || interrupt_pending())
			break;
		pause_before_session((int)look);
	}
	if (result == REGISTRY_FAILED)
		return -1;
	if (result == REGISTRY_ABSENT)
		return error_set(err, ERR_NETWORK, "'%s' accepted blob '%s' but does not have it",
				 registry->reference->registry, upload.name);
	return 0;
}
