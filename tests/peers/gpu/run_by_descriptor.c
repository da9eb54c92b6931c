/* Runs a program as the slot runs its encoder: by an O_PATH descriptor that closes with it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_PATH | O_CLOEXEC) : -1;

	if (fd >= 0)
		syscall(SYS_execveat, fd, "", argv + 1, environ, AT_EMPTY_PATH);
	perror(argc > 1 ? argv[1] : "no program");
	return 127;
}
