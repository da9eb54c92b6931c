/* curl(1) as a client of a server on the test's own loop. */
#ifndef TR_TESTS_CURL_H
#define TR_TESTS_CURL_H

#include <systemd/sd-event.h>

/* Runs "curl -sS ..." (the list ends with NULL), turning the loop until it has ended. Its exit
 * code; 127 when there is no curl. */
int curl_run(sd_event *event, const char *const *args);

/* The same for any program, by PATH. */
int curl_run_program(sd_event *event, const char *const *argv);

/* A certificate of 127.0.0.1 and its key into these files, by openssl(1); skips the test when there
 * is none. */
void curl_make_certificate(sd_event *event, const char *certificate, const char *key);

#endif
