/* Prometheus' text format: heads, samples and labels. */
#ifndef TR_CONTROL_METRICS_TEXT_INTERNAL_H
#define TR_CONTROL_METRICS_TEXT_INTERNAL_H

#include <stdio.h>

#define TR_METRICS_LABELS_MAX 4096

void tr_metrics_text_head(FILE *out, const char *name, const char *type, const char *help);

/* `labels` as they stand between the braces; NULL or "": none. */
void tr_metrics_text_sample(FILE *out, const char *name, const char *labels, double value);

/* A sample with the further label state="WORD": 1 when it is that word. */
void tr_metrics_text_flag(
	FILE *out, const char *name, const char *labels, const char *word, const char *is_word);

/* Appends a label to `labels`, of TR_METRICS_LABELS_MAX bytes. The text is escaped, and what is no
 * UTF-8 made such. */
void tr_metrics_text_add_label(char *labels, const char *name, const char *text);
void tr_metrics_text_add_number(char *labels, const char *name, unsigned number);

#endif
