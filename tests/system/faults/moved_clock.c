/* Moves the time of day by the seconds in a file, and no other clock: pauses stay as long.
   The environment's MOVED_CLOCK may name the file. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset(void) {
	char text[24] = "", *path = getenv("MOVED_CLOCK");
	if (!path) path = "/usr/local/share/moved-clock";
	int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || syscall(SYS_read, file, text, sizeof text - 1) < 0) text[0] = 0;
	if (file >= 0) syscall(SYS_close, file);
	return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
	int failed = syscall(SYS_clock_gettime, clock, now);
	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
	int failed = syscall(SYS_gettimeofday, now, zone);
	if (!failed && now) now->tv_sec += offset();
	return failed;
}

time_t time(time_t *out) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (out) *out = now.tv_sec;
	return now.tv_sec;
}
