/* The setting video.encoder: which encoders to use, in this order. */
#ifndef TR_CONFIG_ENCODER_WORDS_H
#define TR_CONFIG_ENCODER_WORDS_H

/* NULL when it is well-formed, else what it must be, after "must be". Whether this machine has such
 * a device is not asked. */
const char *tr_encoder_words_fault(const char *text);

#endif
