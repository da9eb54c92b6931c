#include "supervisor/slotjob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int tr_slotjob_add(struct tr_slotjob **list, uint64_t number, const char *session_id, int folder,
	struct tr_slotjob **ret_job)
{
	TR_CLEANUP(tr_freep) struct tr_slotjob *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->number = number;
	snprintf(job->session_id, sizeof(job->session_id), "%s", session_id);
	job->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (job->folder < 0)
		return -errno;
	while (*list)
		list = &(*list)->next;
	*ret_job = *list = tr_take(job);
	return 0;
}

void tr_slotjob_remove(struct tr_slotjob **list, struct tr_slotjob *job)
{
	while (*list && *list != job)
		list = &(*list)->next;
	if (!*list)
		return;
	*list = job->next;
	close(job->folder);
	free(job);
}

struct tr_slotjob *tr_slotjob_running(struct tr_slotjob *list)
{
	while (list && !list->is_running)
		list = list->next;
	return list;
}

struct tr_slotjob *tr_slotjob_finishing(struct tr_slotjob *list, const char *session_id)
{
	while (list && (list->is_running || !list->is_with_slot ||
			       strcmp(list->session_id, session_id) != 0))
		list = list->next;
	return list;
}
