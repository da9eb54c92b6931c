/* Why a server's certificate is not accepted: libavformat only says that it is not. */
#ifndef TR_OUTPUT_STREAM_CERTIFICATE_INTERNAL_H
#define TR_OUTPUT_STREAM_CERTIFICATE_INTERNAL_H

#include "output/stream_url.h"

/* Asks the server for its certificate again; blocks at most about 3 * timeout_ms. Into `out` the
 * end of "the certificate of ... ". False when there was no answer, or nothing wrong with it. */
bool tr_stream_certificate_explain(const struct tr_stream_url *where, const char *ca_file,
	int timeout_ms, char *out, size_t size);

#endif
