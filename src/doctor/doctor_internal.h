/* What the doctor's questions share. Each one adds its findings, and tells what later ones need. */
#ifndef TR_DOCTOR_DOCTOR_INTERNAL_H
#define TR_DOCTOR_DOCTOR_INTERNAL_H

#include "config/config.h"
#include "doctor/doctor.h"
#include "doctor/server_snippets.h"

struct tr_doctor {
	const struct tr_doctor_settings *settings;
	struct tr_findings *findings;
	struct tr_config *config;
	bool has_passwords;	       /* else only what needs none can be asked */
	bool is_machine_ready;	       /* browser, X, encoder, sound are there */
	bool is_node_here;	       /* telerecd runs on this machine */
	char room[160];		       /* for the meeting to join */
	const char *secrets_path;      /* where the passwords are or should be */
	char secrets_beside[PATH_MAX]; /* for it */
};

/* One server of an environment, from its name to what is behind it. */
struct tr_doctor_server {
	const struct tr_config_environment *environment;
	const char *entry; /* as configured */
	char host[TR_CONFIG_HOST_MAX];
	int port;
	char fingerprint[128]; /* of the certificate that was found good; "" without TLS */
};

/* Of this area from now on. */
void tr_doctor_enter(struct tr_doctor *doctor, const char *area,
	const struct tr_config_environment *environment);
/* Is it asked for? */
bool tr_doctor_wants(const struct tr_doctor *doctor, const char *area);

/* A failure whose cure is a setting of telerec.conf, and the line to put there. */
void tr_doctor_fail_setting(struct tr_doctor *doctor, const char *meaning, const char *cause,
	const char *setting, const char *line, const char *sentence);

/* A finding whose cure is one of the server's snippets. */
void tr_doctor_add_with_snippet(struct tr_doctor *doctor, struct tr_finding *finding,
	const struct tr_config_environment *environment, enum tr_server_piece piece,
	const char *format, ...) TR_PRINTF(5, 6);

/* The questions, each in a file of its name; true: what builds on it can be asked. */
bool tr_ask_config(struct tr_doctor *doctor, struct tr_config_complaints *complaints);
bool tr_ask_network_name(struct tr_doctor *doctor, struct tr_doctor_server *server);
bool tr_ask_network_port(struct tr_doctor *doctor, struct tr_doctor_server *server);
bool tr_ask_tls(struct tr_doctor *doctor, struct tr_doctor_server *server);
struct tr_visit;
void tr_ask_brewery(
	struct tr_doctor *doctor, struct tr_visit *visit, const struct tr_doctor_server *server);
void tr_ask_accounts(struct tr_doctor *doctor, struct tr_doctor_server *server);
void tr_ask_node(struct tr_doctor *doctor);
void tr_ask_kernel(struct tr_doctor *doctor);
void tr_ask_machine(struct tr_doctor *doctor);
void tr_ask_disk(struct tr_doctor *doctor);
void tr_ask_finalize(struct tr_doctor *doctor);
void tr_ask_streams(struct tr_doctor *doctor);
void tr_ask_webhooks(struct tr_doctor *doctor);
void tr_ask_uploads(struct tr_doctor *doctor);
bool tr_ask_page(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *room);
void tr_ask_meeting(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *room);

#endif
