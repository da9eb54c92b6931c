#include "cli/verbs.h"

int main(int argc, char **argv)
{
	return tr_verbs_run(argc, argv);
}
