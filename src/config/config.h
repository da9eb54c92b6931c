/*
 * The configuration file: text in, checked settings or a list of complaints out.
 *
 * Tables in config.c name every key with its type, bounds and default; the parser, the example
 * file's test and the manual's test all walk them. Nothing is half accepted: with one complaint
 * there are no settings, and all complaints are collected before anybody hears of one. No complaint
 * and no warning ever holds a password.
 *
 * The struct is large (some 600 KiB): allocate it. Every default is filled in, also those that
 * follow from other keys, so readers need no rules of their own.
 */
#ifndef TR_CONFIG_CONFIG_H
#define TR_CONFIG_CONFIG_H

#include "core/cleanup.h"
#include "storage/upload_target.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_CONFIG_DEFAULT_PATH "/etc/telerec/telerec.conf"
#define TR_CONFIG_WORD_MAX 160
#define TR_CONFIG_HOST_MAX 256
#define TR_CONFIG_COMPLAINTS_MAX 64
#define TR_CONFIG_WARNINGS_MAX 16
#define TR_CONFIG_ENVIRONMENTS_MAX 16
#define TR_CONFIG_SERVERS_MAX 8
#define TR_CONFIG_HOSTS_MAX 32
#define TR_CONFIG_SLOTS_MAX 16
#define TR_CONFIG_SIZE_MIN 64 /* pixels, of either side */
#define TR_CONFIG_SIZE_MAX 4096
#define TR_CONFIG_RATE_MAX 60
#define TR_CONFIG_PATTERN_MAX 512
#define TR_CONFIG_PATTERNS_MAX 32
#define TR_CONFIG_REWRITES_MAX 16
#define TR_CONFIG_ROOMS_MAX 32
#define TR_CONFIG_SUBSCRIBERS_MAX 8
#define TR_CONFIG_STREAM_URL_MAX 1024
#define TR_CONFIG_KEEPS_MAX 32
#define TR_CONFIG_ROOM_STREAMS_MAX 7 /* besides the one that is asked for */

/* A stream to what `match` matches goes to `to` instead, see output/stream_url.h. */
struct tr_config_rewrite {
	char match[TR_CONFIG_PATTERN_MAX]; /* unique */
	char to[TR_CONFIG_STREAM_URL_MAX]; /* may hold a secret */
	int line;
};

/* What holds for the rooms whose JID or address `match` matches as a whole. */
struct tr_config_room {
	char match[TR_CONFIG_PATTERN_MAX]; /* unique */
	unsigned stream_count;
	char streams[TR_CONFIG_ROOM_STREAMS_MAX][TR_CONFIG_STREAM_URL_MAX]; /* secrets */
	bool record_too;						    /* what is streamed */
	int line;
};

/* How long the recordings of the rooms that `match` matches, as above, are kept; 0: no limit. The
 * first rule that matches a recording is the only one for it. */
struct tr_config_keep {
	char match[TR_CONFIG_PATTERN_MAX];
	int64_t min_age_ms;	/* younger ones stay */
	int64_t max_age_ms;	/* older ones go */
	int64_t max_bytes;	/* of all together: the oldest ones go */
	int64_t min_free_bytes; /* on the disk: the oldest ones go, also to let a recording start */
	bool uploaded_only;	/* only those that the script or all targets have taken over */
	int line;
};

/* Where finished recordings are uploaded to. */
struct tr_config_upload {
	struct tr_upload_target target; /* its name is unique */
	int line;
};

/* One Jitsi installation: what xmpp.h's tr_xmpp_server wants, for each of its servers. */
struct tr_config_environment {
	char name[TR_CONFIG_WORD_MAX];				 /* unique */
	unsigned server_count;					 /* at least 1 */
	char servers[TR_CONFIG_SERVERS_MAX][TR_CONFIG_HOST_MAX]; /* "host", "host:port" */
	char xmpp_domain[TR_CONFIG_HOST_MAX];
	char base_url[1024]; /* "https://...", no slash at its end */
	char strip[TR_CONFIG_HOST_MAX];
	struct {
		char domain[TR_CONFIG_HOST_MAX], username[TR_CONFIG_WORD_MAX], password[256];
		int port; /* for servers that name none; 0: the usual one */
	} control;
	struct {
		char domain[TR_CONFIG_HOST_MAX], room[TR_CONFIG_WORD_MAX];
		char nickname[TR_CONFIG_WORD_MAX]; /* of the first slot */
	} brewery;
	struct {
		char domain[TR_CONFIG_HOST_MAX], username[TR_CONFIG_WORD_MAX], password[256];
		bool randomize;
	} call;
	char focus_jid[512];		   /* "": every occupant of the brewery may start */
	int64_t usage_timeout_ms;	   /* 0: none */
	char security[TR_CONFIG_WORD_MAX]; /* "starttls", "tls", "ifpossible", "plain" */
	bool trust_all_certificates;
	char ca_file[PATH_MAX], fingerprint[128]; /* or "" */
};

struct tr_config {
	char id[TR_CONFIG_WORD_MAX]; /* never "": from the machine's id when the file has none */
	char recordings[PATH_MAX];   /* the folder of all sessions */
	int slots;		     /* 0: as many as the machine can do, see system/capacity.h */
	char processes[TR_CONFIG_WORD_MAX]; /* who starts slots: "auto", "own", "systemd" */
	bool single_use;
	bool stop_on_control_loss;
	char secrets[PATH_MAX];		    /* the file that was read, or "" */
	char log_level[TR_CONFIG_WORD_MAX]; /* "error", "warning", "info", "debug" */
	struct {
		int width, height; /* even, TR_CONFIG_SIZE_MIN..MAX */
		int frame_rate;
		bool constant_rate;
		int quality;	/* like CRF */
		int video_kbps; /* 0: by quality */
		char encoder[TR_CONFIG_WORD_MAX];
		char display[TR_CONFIG_WORD_MAX]; /* "xvfb", or the first slot's X server, ":0" */
		char xauthority[PATH_MAX];	  /* the key to that server, or "" */
		bool is_zero_copy_off;
	} video;
	struct {
		char source[TR_CONFIG_WORD_MAX]; /* "auto", "plugin", "loopback", "pcm", "none" */
		char capture_pcm[TR_CONFIG_WORD_MAX];
		char player_pcm[TR_CONFIG_WORD_MAX];
		int audio_kbps;
	} sound;
	struct {
		char path[PATH_MAX]; /* "": find one */
		int64_t page_timeout_ms;
		unsigned allowed_host_count; /* 0: the environments' own, tr_config_list_hosts() */
		char allowed_hosts[TR_CONFIG_HOSTS_MAX][TR_CONFIG_HOST_MAX]; /* also "*.host" */
		bool ignore_certificate_errors;
	} browser;
	struct {
		int64_t join_ms, empty_ms, no_media_ms, all_muted_ms, ice_ms;
		int64_t start_ms; /* from the request to the first fragment on disk */
	} checks;
	struct {
		char bind[64];
		int external_port, internal_port; /* 0: any free one; -1: off */
	} jibri_http;
	struct {		       /* the node API */
		char socket[PATH_MAX]; /* "": none */
		char bind[64];
		int port;				   /* 0: any free one; -1: off */
		char certificate[PATH_MAX], key[PATH_MAX]; /* PEM files, or "" */
		char token[256];			   /* a secret, or "" */
	} api;
	struct {
		char statsd[TR_CONFIG_HOST_MAX]; /* "host" or "host:port"; "": none */
		bool prometheus;		 /* /metrics also on Jibri's external port */
	} stats;
	struct {
		unsigned subscriber_count;			   /* 0: no webhooks */
		char subscribers[TR_CONFIG_SUBSCRIBERS_MAX][1024]; /* base URLs */
		int64_t timeout_ms, interval_ms, retry_for_ms;
		char ca_file[PATH_MAX];	 /* "": the system's */
		char key_file[PATH_MAX]; /* "": no token; else the next three are given, too */
		char key_id[TR_CONFIG_WORD_MAX], issuer[TR_CONFIG_WORD_MAX];
		char audience[TR_CONFIG_WORD_MAX];
		int64_t token_lifetime_ms;
	} webhooks;
	struct {
		char script[PATH_MAX]; /* "": none */
		int64_t timeout_ms;    /* 0: none */
		int attempts;
	} finalize;
	struct {
		unsigned allowed_count; /* 0: nothing may be streamed to */
		char allowed[TR_CONFIG_PATTERNS_MAX][TR_CONFIG_PATTERN_MAX];
		unsigned rewrite_count;
		struct tr_config_rewrite rewrites[TR_CONFIG_REWRITES_MAX];
		int video_kbps;	 /* at most; 0: by quality */
		int buffer_kbit; /* 0: two seconds of it */
		int64_t key_interval_ms;
		bool record_too;
		char ca_file[PATH_MAX]; /* "": the system's */
	} stream;
	struct {
		char folder[TR_CONFIG_WORD_MAX]; /* templates, see placeholder.h */
		char file[TR_CONFIG_WORD_MAX];
		char reserve[40]; /* tr_config_read_reserve() */
		int64_t warn_ms;  /* of recording left */
		unsigned keep_count;
		struct tr_config_keep keep[TR_CONFIG_KEEPS_MAX];
		unsigned upload_count;
		struct tr_config_upload uploads[TR_UPLOAD_TARGETS_MAX];
		bool upload_while_recording;
	} storage;
	unsigned room_count;
	struct tr_config_room rooms[TR_CONFIG_ROOMS_MAX];
	unsigned environment_count;
	struct tr_config_environment environments[TR_CONFIG_ENVIRONMENTS_MAX];
};

struct tr_config_complaints {
	unsigned count; /* also of those that had no room */
	char lines[TR_CONFIG_COMPLAINTS_MAX]
		  [512];	/* "file:line: what is wrong and what is right" */
	unsigned warning_count; /* of lines below; the settings are taken all the same */
	char warnings[TR_CONFIG_WARNINGS_MAX][512];
};

/* What holds without a file. */
void tr_config_set_defaults(struct tr_config *config);

/*
 * Reads the file and the passwords: the file that the key "secrets" names, else the service
 * manager's credential "secrets.conf", else "secrets.conf" beside the file; a file of secrets that
 * others can read is refused. -EINVAL with complaints; for a file that cannot be read -errno with
 * one.
 */
TR_CHECKED int tr_config_load(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints);

/* The same for those who need no password: none is read, and none is missed. */
TR_CHECKED int tr_config_load_public(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints);

/* tr_config_load() for text (NUL-terminated) without other files; `path` is what complaints call
 * it. */
TR_CHECKED int tr_config_parse(const char *text, const char *path, struct tr_config *ret_config,
	struct tr_config_complaints *complaints);

/* Whether the text would be taken if it stood in the file `path`: with its file of secrets and the
 * files that it names. Complaints and warnings as by tr_config_load(). -EINVAL, -ENOMEM. */
TR_CHECKED int tr_config_check_text(
	const char *text, const char *path, struct tr_config_complaints *complaints);

/* What only the machine can tell, for `telerecd --check` and before a start: files that are named
 * but cannot be read or run. Complaints are added; -EINVAL when there are any. */
TR_CHECKED int tr_config_check_files(
	const struct tr_config *config, const char *path, struct tr_config_complaints *complaints);

/* Takes an entry of `servers` apart: "host", "host:port", "[::1]:5222". The port is 0 when there is
 * none. -EINVAL for what is neither (never for an entry that was loaded). */
TR_CHECKED int tr_config_split_server(
	const char *entry, char *host, size_t host_size, int *ret_port);

/* What must be left on the disk for a recording to start: bytes, or percent of the disk, or both 0
 * for "auto". -EINVAL (never for a reserve that was loaded). */
TR_CHECKED int tr_config_read_reserve(
	const struct tr_config *config, int64_t *ret_bytes, int *ret_percent);

/* The names that the browser may look up, between commas: allowed_hosts, or the hosts of all
 * environments' pages and domains with those below them. "" when there is neither. -ENAMETOOLONG.
 */
TR_CHECKED int tr_config_list_hosts(const struct tr_config *config, char *out, size_t size);

/* The key in row `index` of the table, "video.size"; NULL behind the last. Keys of an environment
 * are called "environments.name", those in other lists of groups "rooms.match" in the same way. */
const char *tr_config_key(unsigned index);

/* Its default as the file would say it, for example "\"1280x720\"", into `out`; in those of an
 * environment "{xmpp_domain}" and the like stand for another key's value; "" when the key must be
 * given. */
void tr_config_key_default(unsigned index, char *out, size_t size);

/* Whether its value is never to be shown. */
bool tr_config_key_is_secret(unsigned index);

/* The settings in effect, in the file's own structure and without secrets: a reference. NULL: no
 * memory. */
json_t *tr_config_show(const struct tr_config *config);

/* What is wrong with a picture of this size, as the end of a sentence; NULL when nothing is. */
const char *tr_config_size_fault(int width, int height);

#endif
