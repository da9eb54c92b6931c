/* Prints the metrics of a node on which all there can be is: for promtool and the dashboard's test.
 */
#include "sample_snapshot.h"

#include "control/metrics.h"

#include <stdio.h>

int main(void)
{
	struct tr_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	char *text = NULL;

	if (!snapshot)
		return 1;
	sample_snapshot_fill(snapshot);
	int rc = tr_metrics_print(snapshot, &text);
	free(snapshot);
	if (rc == 0 && fputs(text, stdout) == EOF)
		rc = -1;
	free(text);
	return rc < 0;
}
