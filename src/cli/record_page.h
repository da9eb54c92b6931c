/* The address of a page: whether it can be recorded, and what a recording of it is called. */
#ifndef TR_CLI_RECORD_PAGE_H
#define TR_CLI_RECORD_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is wrong with the address, as a sentence into `why`; true when nothing is. */
bool tr_record_page_check(const char *url, char *why, size_t size);

/* "meet.example.org_2026-11-21-22-05-00" of a page there at that time; always a file's name. */
void tr_record_page_name(const char *url, int64_t wall_ns, char *out, size_t size);

#endif
