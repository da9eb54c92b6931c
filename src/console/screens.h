/* The tables of all screens; tr_console_push() shows them. */
#ifndef TR_CONSOLE_SCREENS_H
#define TR_CONSOLE_SCREENS_H

#include "console/screen.h"

extern const struct tr_screen tr_screen_home;
extern const struct tr_screen tr_screen_wall;
extern const struct tr_screen tr_screen_slot;	   /* argument: const unsigned *, its number */
extern const struct tr_screen tr_screen_setup;	   /* the menu of pages */
extern const struct tr_screen tr_screen_first_run; /* the guide through them */
extern const struct tr_screen tr_screen_disk;
extern const struct tr_screen tr_screen_kernel;
extern const struct tr_screen tr_screen_recordings;
extern const struct tr_screen tr_screen_recording; /* argument: const char *, its id */
extern const struct tr_screen tr_screen_system;
extern const struct tr_screen tr_screen_doctor;
extern const struct tr_screen tr_screen_logs;

/* By name, for --screen; NULL: none. */
const struct tr_screen *tr_screens_find(const char *name);

#endif
