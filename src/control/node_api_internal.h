/*
 * The node API's own parts see each other here: node_api.c (its doors and what comes through them),
 * node_api_access.c (who may), node_api_query.c (the query and the body), node_api_routes.c (which
 * path is which function), and the functions themselves: node_api_node.c, node_api_recordings.c,
 * node_api_config.c and node_api_events.c.
 */
#ifndef TR_CONTROL_NODE_API_INTERNAL_H
#define TR_CONTROL_NODE_API_INTERNAL_H

#include "control/http_server.h"
#include "control/node_api.h"

#define TR_NODE_API_JSON "application/json"
#define TR_NODE_API_PARAMETERS_MAX 5
#define TR_NODE_API_TEXT_MAX 256

enum { /* HTTP's numbers */
	TR_HTTP_OK = 200,
	TR_HTTP_CREATED = 201,
	TR_HTTP_ACCEPTED = 202,
	TR_HTTP_NO_CONTENT = 204,
	TR_HTTP_BAD_REQUEST = 400,
	TR_HTTP_UNAUTHORIZED = 401,
	TR_HTTP_FORBIDDEN = 403,
	TR_HTTP_NOT_FOUND = 404,
	TR_HTTP_METHOD_NOT_ALLOWED = 405,
	TR_HTTP_CONFLICT = 409,
	TR_HTTP_WRONG_TYPE = 415,
	TR_HTTP_WRONG_RANGE = 416,
	TR_HTTP_UNPROCESSABLE = 422,
	TR_HTTP_TOO_MANY = 429,
	TR_HTTP_INTERNAL_ERROR = 500,
	TR_HTTP_NOT_IMPLEMENTED = 501,
	TR_HTTP_TOO_SLOW = 504,
	TR_HTTP_NO_SPACE = 507,
};

/* ---- node_api_query.c ---- */

/* A parameter of a query. A number has a range and a default; a text a greatest length; a word is
 * one of a list. */
struct tr_node_api_parameter {
	const char *name; /* NULL ends a table */
	const char *const *words;
	bool is_number;
	int64_t min, max, fallback; /* max: also of a text's length */
};

/* What was asked for; in the places of the table. */
struct tr_node_api_query {
	int64_t numbers[TR_NODE_API_PARAMETERS_MAX]; /* of a word: its place from 0, -1 for none */
	char texts[TR_NODE_API_PARAMETERS_MAX][TR_NODE_API_TEXT_MAX];
	bool is_given[TR_NODE_API_PARAMETERS_MAX];
};

void tr_node_api_query_init(
	struct tr_node_api_query *query, const struct tr_node_api_parameter *parameters);

/* -EINVAL with a sentence. */
TR_CHECKED int tr_node_api_query_take(struct tr_node_api_query *query,
	const struct tr_node_api_parameter *parameters, const char *name, const char *value,
	char *why, size_t why_size);

/* A member that a body may have. */
struct tr_node_api_member {
	const char *name; /* NULL ends a table */
	json_type type;	  /* JSON_TRUE for both */
	bool is_needed;
};

/* Gives the object that the body is ({} for an empty one); only with members of the table. -EINVAL
 * with a sentence, and the member's name (or ""). */
TR_CHECKED int tr_node_api_query_read_body(const char *body, size_t size,
	const struct tr_node_api_member *members, json_t **ret_object, char *member,
	size_t member_size, char *why, size_t why_size);

/* ---- node_api_access.c ---- */

/* Whether a Host header names this machine as nobody else can make a name do: by an address,
 * "localhost", or the configured name ("": none). NULL does not. */
bool tr_node_api_access_host_is_ours(const char *host, const char *name);

/* Whether an Authorization header (or NULL) has the token. How long it takes does not tell how much
 * of it is right. */
bool tr_node_api_access_has_token(const char *authorization, const char *token);

/* A numeric address that only this machine reaches, or "localhost". */
bool tr_node_api_access_is_loopback(const char *bind);

/* ---- node_api_routes.c ---- */

struct tr_node_api_call {
	struct tr_node_api *api;
	struct tr_http_request *request;
	const struct tr_node_api_route *route;
	char path[2048];     /* cut at the slashes; arguments lie in it */
	const char *args[2]; /* what stands for the path's stars */
	struct tr_node_api_query query;
	json_t *body; /* an object, or NULL */
};

enum tr_node_api_body {
	TR_NODE_API_NO_BODY,
	TR_NODE_API_JSON_BODY,
	TR_NODE_API_TEXT_BODY,
};

struct tr_node_api_route {
	const char *method;
	const char *path; /* a star stands for one word */
	void (*answer)(struct tr_node_api_call *call);
	const struct tr_node_api_parameter *parameters; /* NULL: none */
	enum tr_node_api_body body;
	const struct tr_node_api_member *members; /* NULL: none */
};

/* The route, with path and args of the call filled; a HEAD is a GET. NULL: `allow` has the methods
 * that there are at this path, "" when the path is none. */
const struct tr_node_api_route *tr_node_api_routes_find(const char *method, const char *path,
	struct tr_node_api_call *call, char *allow, size_t allow_size);

/* What may stand in a star's place: the name of a file or a folder that is neither hidden nor
 * somewhere else. */
bool tr_node_api_routes_is_name(const char *word);

/* ---- node_api_reply.c ---- */

/* An error's answer. `parameter` NULL: none is to blame. */
void tr_node_api_reply_error(struct tr_http_request *request, unsigned status,
	const char *parameter, const char *format, ...) TR_PRINTF(4, 5);

/* By -errno; `why` "": in general words. */
void tr_node_api_reply_failure(struct tr_http_request *request, int rc, const char *why);

/* Takes the object; NULL: no memory. */
void tr_node_api_reply_json(struct tr_http_request *request, unsigned status, json_t *object);

/* 501, when the daemon does not offer it. */
void tr_node_api_reply_missing(struct tr_http_request *request);

/* 429 with the time to come back. */
void tr_node_api_reply_too_many(struct tr_http_request *request, const char *seconds);

/* For a path or a header: what is not a letter, digit or one of "-._~" as %XX. Cut. */
void tr_node_api_reply_escape(const char *text, char *out, size_t size);

/* ---- node_api_shape.c ---- */

/* What an object of the daemon's looks like outside. */
struct tr_node_api_shape {
	const char *name;		       /* NULL ends a table */
	json_type type;			       /* JSON_TRUE for both; JSON_REAL: any number */
	const struct tr_node_api_shape *items; /* of an array of objects; NULL: of strings */
};

/* A new object with exactly these members: copies of the object's, or empty ones. */
json_t *tr_node_api_shape_object(const json_t *object, const struct tr_node_api_shape *shape);
json_t *tr_node_api_shape_array(const json_t *array, const struct tr_node_api_shape *shape);

/* ---- the functions ---- */

void tr_node_api_read_node(struct tr_node_api_call *call);
void tr_node_api_list_slots(struct tr_node_api_call *call);
void tr_node_api_read_slot(struct tr_node_api_call *call);
void tr_node_api_preview_slot(struct tr_node_api_call *call);
void tr_node_api_pictures_end(struct tr_node_api *api);
void tr_node_api_restart_slot(struct tr_node_api_call *call);
void tr_node_api_drain(struct tr_node_api_call *call);
void tr_node_api_end_drain(struct tr_node_api_call *call);
void tr_node_api_read_metrics(struct tr_node_api_call *call);
void tr_node_api_read_document(struct tr_node_api_call *call);

void tr_node_api_list_sessions(struct tr_node_api_call *call);
void tr_node_api_start_session(struct tr_node_api_call *call);
void tr_node_api_read_session(struct tr_node_api_call *call);
void tr_node_api_stop_session(struct tr_node_api_call *call);

void tr_node_api_list_recordings(struct tr_node_api_call *call);
void tr_node_api_read_recording(struct tr_node_api_call *call);
void tr_node_api_remove_recording(struct tr_node_api_call *call);
void tr_node_api_finish_recording(struct tr_node_api_call *call);
void tr_node_api_upload_recording(struct tr_node_api_call *call);
void tr_node_api_read_file(struct tr_node_api_call *call);

void tr_node_api_read_logs(struct tr_node_api_call *call);
void tr_node_api_read_config(struct tr_node_api_call *call);
void tr_node_api_write_config(struct tr_node_api_call *call);
void tr_node_api_check_config(struct tr_node_api_call *call);

void tr_node_api_listen(struct tr_node_api_call *call);
void tr_node_api_events_end(struct tr_node_api *api);
TR_CHECKED int tr_node_api_events_begin(struct tr_node_api *api);

/* ---- node_api.c ---- */

struct tr_node_api {
	sd_event *event;
	const struct tr_node_api_source *source;
	struct tr_node_api_door {
		struct tr_node_api *api;
		struct tr_http_server *server;
		bool is_tcp;
	} socket, tcp;
	char *token, *name;
	struct tr_snapshot *snapshot; /* of the last look */
	struct tr_node_api_refusal *refusals;
	unsigned refusal_count;
	sd_event_source *refusal_timer;
	struct tr_node_api_picture *pictures; /* that are being made */
	unsigned picture_count;
	struct tr_node_api_listener *listeners;
	unsigned listener_count;
	uint64_t lost_count; /* events that listeners have not got */
	int heartbeat_ms;
	sd_event_source *heartbeat;
};

extern const char tr_node_api_document[]; /* conf/openapi.yaml */

/* A new look at the node. */
const struct tr_snapshot *tr_node_api_look(struct tr_node_api *api);

#endif
