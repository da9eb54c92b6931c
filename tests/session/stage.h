/* What the session's tests with real parts share: a runtime folder with an X server in it, a client
 * that draws, and the recording program's settings. */
#ifndef TR_TESTS_SESSION_STAGE_H
#define TR_TESTS_SESSION_STAGE_H

#include "display/xserver.h"
#include "session/video_track.h"

#define STAGE_WIDTH 320
#define STAGE_HEIGHT 240
#define STAGE_RATE 30

struct stage {
	char dir[64];
	struct tr_xserver server;
};

/* Exit code 77 of main() when there is no Xvfb here; 0 when the tests can run. */
int stage_check(void);

void stage_open(struct stage *stage);
void stage_close(struct stage *stage);

/* Fills the whole screen; a client that comes, draws and goes. */
void stage_fill(const struct stage *stage, unsigned long colour);

/* The display is none of the server's when `server` is NULL: ":63999". */
struct tr_video_track_settings stage_video(const struct tr_xserver *server);

/* The only encoder process that we have now. */
pid_t stage_find_encoder(void);

/* Descriptors, threads and children of this process: what a failed start must leave as it was. */
struct stage_count {
	int fds, threads, children;
};
struct stage_count stage_count(void);

/* Until `at_ns` of CLOCK_MONOTONIC. */
void stage_sleep_until(int64_t at_ns);

#endif
