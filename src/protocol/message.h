/*
 * What a slot process and whoever started it say to each other.
 *
 * A message is a value: strings lie in it, nothing is to be freed. On the wire it is a JSON object
 * with "type" and exactly the members below; a missing key, an unknown one, a wrong type or a
 * string that does not fit is -EPROTO, with a sentence that names the key.
 */
#ifndef TR_PROTOCOL_MESSAGE_H
#define TR_PROTOCOL_MESSAGE_H

#include "protocol/line.h"
#include "protocol/reason.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_MESSAGE_NAME_MAX 160	     /* names of files and devices, short words */
#define TR_MESSAGE_SENTENCE_MAX 1024 /* cut when sending, never refused */
#define TR_MESSAGE_URL_MAX 16384
#define TR_MESSAGE_HOSTS_MAX 4096
#define TR_MESSAGE_ECONOMY_MAX 3  /* the strictest level, see session/video_track.h */
#define TR_MESSAGE_JSON_MAX 65536 /* JSON as text, for somebody else to read */

enum tr_message_type {
	/* parent -> slot */
	TR_MESSAGE_CONFIGURE, /* once, first */
	TR_MESSAGE_START,     /* with the descriptor of the recording's folder */
	TR_MESSAGE_STOP,      /* end the recording: stopped comes, then finished or failed */
	TR_MESSAGE_FINISH, /* with the descriptor of a folder whose recorder died: make its files */
	TR_MESSAGE_ECONOMIZE, /* while it records: the disk gets full, or is no more */
	TR_MESSAGE_PREVIEW,   /* show me the screen: picture comes */
	TR_MESSAGE_QUIT,      /* end the process (finishes a recording first) */
	/* both ways */
	TR_MESSAGE_ENCODERS, /* to the slot: what there is, or that it shall look; from it: what it
				found */
	/* slot -> parent */
	TR_MESSAGE_READY, /* after configure: it can record */
	TR_MESSAGE_STATE,
	TR_MESSAGE_STARTED,  /* once: the first pictures and sound are on the disk */
	TR_MESSAGE_MEETING,  /* what the meeting's page says of itself, after each change */
	TR_MESSAGE_PROGRESS, /* about twice a second while it records */
	TR_MESSAGE_STREAM,   /* of one target: after each change, and with every progress */
	TR_MESSAGE_STOPPED,  /* nothing more comes into the file: the next may start when idle */
	TR_MESSAGE_FINISHED, /* the recording is complete on disk; maybe long after stopped */
	TR_MESSAGE_FAILED,   /* it is not; or the slot cannot be made ready */
	TR_MESSAGE_WARNING,
	TR_MESSAGE_PICTURE, /* the answer to preview, with the descriptor of a JPEG, or without one
			     */
	TR_MESSAGE_COUNT_,
};

struct tr_message_configure {
	int slot;			/* from 1 */
	char runtime_dir[PATH_MAX];	/* private to the slot, exists, owned by its user */
	char user[TR_MESSAGE_NAME_MAX]; /* to become: a name, or "UID:GID"; "": stay who you are */
	int width;
	int height;
	int frame_rate;
	char sound[TR_MESSAGE_NAME_MAX]; /* "auto", "plugin", "loopback", "pcm", "none" */
	char sound_capture_pcm[TR_MESSAGE_NAME_MAX]; /* ALSA names for "pcm", else "" */
	char sound_player_pcm[TR_MESSAGE_NAME_MAX];
	char browser[PATH_MAX];		   /* "": find one */
	char encoder[TR_MESSAGE_NAME_MAX]; /* as video.encoder in the settings */
	/* The only names the browser may resolve, between commas, "*." for all below; "": any. */
	char hosts[TR_MESSAGE_HOSTS_MAX];
	bool ignore_certificate_errors; /* of the pages */
	bool is_told_encoders;		/* encoders comes; else the slot asks the machine itself */
	char display[TR_MESSAGE_NAME_MAX]; /* an X server that runs already; "": one of its own */
	char xauthority[PATH_MAX];	   /* the key to it, or "" */
	bool has_zero_copy;		   /* tries it */
	int ready_ms; /* how long it is given until `ready`; 0: as long as usual */
};

struct tr_message_start {
	char session_id[TR_MESSAGE_NAME_MAX];
	char name[TR_MESSAGE_NAME_MAX]; /* of the files, without ending and folder */
	char url[TR_MESSAGE_URL_MAX];
	bool constant_rate;
	int quality;	/* like x264's CRF, 0..51 */
	int video_kbps; /* 0: by quality */
	int audio_kbps;
	int64_t duration_ms; /* 0: until stop */
	int64_t page_timeout_ms;
	bool sound_expected; /* nobody playing is worth a warning */
	bool is_resume;	     /* the slot died: go on in the same folder with a new part */
	char hosts[TR_MESSAGE_HOSTS_MAX]; /* as in configure; other ones cost a new browser */

	/* of a Jitsi meeting; with mode "page" the rest means nothing */
	char room[3072]; /* its JID, for metadata.json; "" when unknown */
	char mode[16];	 /* "page": any page; "file", "stream": a meeting, as the room is told */
	char call_jid[TR_MESSAGE_SENTENCE_MAX];	     /* the hidden participant's account, or "" */
	char call_password[TR_MESSAGE_SENTENCE_MAX]; /* a secret */
	char call_name[TR_MESSAGE_NAME_MAX];	     /* callStatsUserName */
	char view_url[TR_MESSAGE_URL_MAX];	     /* where a stream is watched, or "" */
	char url_parameters[TR_MESSAGE_URL_MAX];     /* further ones for the fragment, or "" */
	int rtcstats;				     /* 0, 1; -1: not said */
	char metadata[TR_MESSAGE_JSON_MAX]; /* object for metadata.json, or ""; may hold secrets */
	int64_t join_timeout_ms;	    /* from the page's load */
	int64_t empty_timeout_ms;
	int64_t no_media_timeout_ms;
	int64_t all_muted_timeout_ms;
	int64_t ice_timeout_ms;

	/* JSON array of {"name", "url"}, or "": where else it goes; the URLs are secrets */
	char streams[TR_MESSAGE_JSON_MAX];
	char stream_ca_file[PATH_MAX]; /* trusted besides the system's, or "" */
	bool is_without_file;	       /* only to the streams */
	int64_t key_interval_ms;       /* 0: as a file needs it */
	int buffer_kbit;	       /* of the players, for video_kbps; 0: two seconds */
};

struct tr_message_finish {
	char session_id[TR_MESSAGE_NAME_MAX];
};

struct tr_message_economize {
	int level; /* 0: as good as asked for; to TR_MESSAGE_ECONOMY_MAX */
};

struct tr_message_encoders {
	char found[TR_MESSAGE_JSON_MAX]; /* as encode/probe.h has it; to the slot "": look, and say
					  */
};

struct tr_message_preview {
	int width; /* of the picture in pixels; never more than the screen's */
};

struct tr_message_ready {
	char sound[TR_MESSAGE_NAME_MAX]; /* the way that works: "plugin", ... "none" */
	char encoder[TR_MESSAGE_NAME_MAX];
	char display[TR_MESSAGE_NAME_MAX]; /* ":99" */
	char browser_version[TR_MESSAGE_NAME_MAX];
};

struct tr_message_state {
	char state[TR_MESSAGE_NAME_MAX];
};

struct tr_message_started {
	char session_id[TR_MESSAGE_NAME_MAX];
	int64_t join_ms; /* from the start to the joined meeting (or loaded page) */
	int64_t took_ms; /* from the start until now */
};

struct tr_message_meeting {
	bool is_joined;
	int participants; /* the others that count: no hidden ones */
	int muted;	  /* of them, picture and sound; telephones count as muted */
	bool is_connected;
	int64_t download_kbps;
};

struct tr_message_progress {
	int64_t time_ms; /* recorded so far */
	int64_t frames_grabbed;
	int64_t frames_encoded;
	int64_t frames_dropped;
	double video_kbps; /* of late */
	int64_t bytes;	   /* on disk */
	double peak_db;	   /* dB full scale since the last one; silence and not finite: -200 */
	double rms_db;
	int64_t free_bytes;
	double drift_ppm;     /* the sound card's clock against ours; 0 until known */
	int64_t sound_gap_ms; /* holes filled with silence, so far */
	int64_t encoder_restarts;
	char encoder[TR_MESSAGE_NAME_MAX]; /* that works now */
	char note[TR_MESSAGE_NAME_MAX];	   /* what a person should know now, or "" */
};

struct tr_message_stream {
	char session_id[TR_MESSAGE_NAME_MAX];
	char name[TR_MESSAGE_NAME_MAX];	 /* as in the start; of one without: its host */
	char state[TR_MESSAGE_NAME_MAX]; /* "connecting", "streaming", "waiting", "refused", ... */
	char problem[TR_MESSAGE_SENTENCE_MAX]; /* or "" */
	int64_t kbps;
	int64_t queued_ms;
	int64_t reconnects;
	int64_t dropped; /* pictures */
	int64_t bytes;
};

struct tr_message_stopped {
	char session_id[TR_MESSAGE_NAME_MAX];
	enum tr_reason reason; /* none: as asked, or the time was over */
	char sentence[TR_MESSAGE_SENTENCE_MAX];
	bool has_files; /* finished or failed comes when they are made; else nothing was recorded */
};

struct tr_message_finished {
	char session_id[TR_MESSAGE_NAME_MAX];
	char file[NAME_MAX + 1]; /* names in the folder; "" when there is none */
	char poster[NAME_MAX + 1];
	char report[NAME_MAX + 1];
	char grade[8];
	int64_t duration_ms;
	int64_t bytes;
};

struct tr_message_failed {
	char session_id[TR_MESSAGE_NAME_MAX];	/* "": of the slot itself */
	enum tr_reason reason;			/* travels by its name */
	char sentence[TR_MESSAGE_SENTENCE_MAX]; /* "": the reason's own */
	int exit_code;
	char file[NAME_MAX + 1]; /* what there is, or "" */
};

struct tr_message_warning {
	char sentence[TR_MESSAGE_SENTENCE_MAX];
};

struct tr_message_picture {
	int width;				/* as asked for */
	int64_t bytes;				/* of the JPEG; 0: there is none, */
	char sentence[TR_MESSAGE_SENTENCE_MAX]; /* because of this */
};

struct tr_message {
	enum tr_message_type type;
	union {
		struct tr_message_configure configure;
		struct tr_message_start start;
		struct tr_message_finish finish;
		struct tr_message_economize economize;
		struct tr_message_encoders encoders;
		struct tr_message_preview preview;
		struct tr_message_picture picture;
		struct tr_message_ready ready;
		struct tr_message_state state;
		struct tr_message_started started;
		struct tr_message_meeting meeting;
		struct tr_message_progress progress;
		struct tr_message_stream stream;
		struct tr_message_stopped stopped;
		struct tr_message_finished finished;
		struct tr_message_failed failed;
		struct tr_message_warning warning;
	};
};

/* "configure". */
const char *tr_message_type_name(enum tr_message_type type);

/* Gives a new object. Bytes that are no UTF-8 become '?'. -EINVAL for no such type, -ENOMEM. */
TR_CHECKED int tr_message_pack(const struct tr_message *message, json_t **ret_object);

/* Borrows the object. -EPROTO with a sentence in `why`. */
TR_CHECKED int tr_message_unpack(
	const json_t *object, struct tr_message *ret_message, char *why, size_t why_size);

/* Packs and sends by tr_line_send(). */
TR_CHECKED int tr_message_send(struct tr_line *line, const struct tr_message *message, int fd);

/* tr_line_receive() and unpacks: the same errors, and `why` filled for -EPROTO. */
TR_CHECKED int tr_message_receive(struct tr_line *line, struct tr_message *ret_message, int *ret_fd,
	char *why, size_t why_size);

#endif
