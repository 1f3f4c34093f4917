// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * reference: a clock that no step or slew of CLOCK_REALTIME moves, so that a
 * test may do both to it and still know how wrong it then is.
 *
 * The reference is CLOCK_MONOTONIC_RAW plus a constant, the origin, which is
 * chosen once ("origin") so that the two clocks agree, and is then found in
 * the environment as REFERENCE. Offsets are reference minus CLOCK_REALTIME,
 * the sign of clockfit.
 *
 * It steers a clock, and therefore runs in the emulated machine only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>

#define SECOND 1000000000LL
/* Seconds from 1900, where NTP counts from, to 1970 (RFC 5905 section 6). */
#define NTP_TO_UNIX 2208988800LL

static void fail(const char *what)
{
	fprintf(stderr, "reference: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		fail("clock_gettime");
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

/*
 * CLOCK_REALTIME - CLOCK_MONOTONIC_RAW, within *error. Of several readings
 * the one in the smallest window: others were interrupted.
 */
static int64_t realtime_ahead_of_raw(int64_t *error)
{
	int64_t ahead = 0;

	*error = INT64_MAX;
	for (int i = 0; i < 50; i++) {
		int64_t before = read_clock(CLOCK_MONOTONIC_RAW);
		int64_t real = read_clock(CLOCK_REALTIME);
		int64_t window = read_clock(CLOCK_MONOTONIC_RAW) - before;

		if ((window + 1) / 2 < *error) {
			*error = (window + 1) / 2;
			ahead = real - (before + window / 2);
		}
	}
	return ahead;
}

static int64_t number(const char *text)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno == 0 && (end == text || *end != '\0'))
		errno = EINVAL;
	if (errno != 0)
		fail(text);
	return value;
}

static int64_t origin(void)
{
	const char *text = getenv("REFERENCE");

	if (text == NULL) {
		errno = ENOENT;
		fail("REFERENCE is not in the environment");
	}
	return number(text);
}

/* The 64 bits of an NTP timestamp, in network order; era 0 and 1 alike. */
static uint64_t ntp_timestamp(int64_t unix_ns)
{
	uint64_t seconds = unix_ns / SECOND + NTP_TO_UNIX;
	uint64_t fraction = ((uint64_t)(unix_ns % SECOND) << 32) / SECOND;

	return htobe64(seconds << 32 | fraction);
}

/* The header of RFC 5905 section 7.3. */
struct packet {
	uint8_t leap_version_mode;
	uint8_t stratum;
	int8_t poll;
	int8_t precision;
	uint32_t root_delay;
	uint32_t root_dispersion;
	char refid[4];
	uint64_t reference;
	uint64_t origin;
	uint64_t receive;
	uint64_t transmit;
};

_Static_assert(sizeof(struct packet) == 48, "an NTP header has 48 bytes");

/*
 * Answers requests for ever. The receive stamp is read late and the transmit
 * stamp early, here in user space: that widens what the client may conclude,
 * and never makes it wrong.
 */
static void serve(const char *address)
{
	int64_t ahead = origin();
	struct sockaddr_in bound = {
		.sin_family = AF_INET,
		.sin_port = htons(123),
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (inet_pton(AF_INET, address, &bound.sin_addr) != 1) {
		errno = EINVAL;
		fail(address);
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&bound, sizeof(bound)) < 0)
		fail(address);
	/* For the script that waits for it. */
	puts("serving");
	fflush(stdout);
	for (;;) {
		struct packet packet;
		struct sockaddr_in from;
		socklen_t from_length = sizeof(from);
		ssize_t length = recvfrom(fd, &packet, sizeof(packet), 0,
					  (struct sockaddr *)&from, &from_length);
		int64_t received = read_clock(CLOCK_MONOTONIC_RAW) + ahead;

		/* A request of a client (mode 3) of version 4. */
		if (length != sizeof(packet) || (packet.leap_version_mode & 0x3f) != 0x23)
			continue;
		packet.leap_version_mode = 0x24;
		packet.stratum = 1;
		/* 2^-25 s are 30 ns, rather more than reading the clock twice differs by. */
		packet.precision = -25;
		packet.root_delay = 0;
		/* In 2^-16 s; none at all is the mark of a server that was never set. */
		packet.root_dispersion = htonl(1);
		memcpy(packet.refid, "RAW", 4);
		packet.reference = ntp_timestamp(received);
		packet.origin = packet.transmit;
		packet.receive = ntp_timestamp(received);
		packet.transmit = ntp_timestamp(read_clock(CLOCK_MONOTONIC_RAW) + ahead);
		/* A lost answer is an answer the client does not get. */
		(void)!sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&from,
			      from_length);
	}
}

/* The real machine's clock is nobody's to steer, whoever calls this there. */
static void only_in_guest(void)
{
	char line[4096] = "";
	FILE *file = fopen("/proc/cmdline", "r");
	bool inside;

	inside = file != NULL && fgets(line, sizeof(line), file) != NULL &&
		 strstr(line, "clockfit.guest") != NULL;
	if (file != NULL)
		fclose(file);
	if (!inside) {
		errno = EPERM;
		fail("this is not the emulated machine");
	}
}

static void step(int64_t ns)
{
	/* The microseconds count nanoseconds here, and must not be negative. */
	struct timex change = {
		.modes = ADJ_SETOFFSET | ADJ_NANO,
		.time.tv_sec = ns / SECOND,
		.time.tv_usec = ns % SECOND,
	};

	if (change.time.tv_usec < 0) {
		change.time.tv_sec -= 1;
		change.time.tv_usec += SECOND;
	}
	if (clock_adjtime(CLOCK_REALTIME, &change) < 0)
		fail("step");
}

/* From now on CLOCK_REALTIME is faster by this; the kernel takes up to 500 ppm. */
static void slew(int64_t ppb)
{
	/* The kernel counts in 2^-16 ppm. */
	struct timex change = {
		.modes = ADJ_FREQUENCY,
		.freq = ppb * 65536 / 1000,
	};

	if (clock_adjtime(CLOCK_REALTIME, &change) < 0)
		fail("slew");
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	int64_t error, ahead;

	if (argc == 2 && strcmp(command, "origin") == 0) {
		printf("%lld\n", (long long)realtime_ahead_of_raw(&error));
	} else if (argc == 2 && strcmp(command, "offset") == 0) {
		ahead = origin() - realtime_ahead_of_raw(&error);
		printf("%lld %lld\n", (long long)ahead, (long long)error);
	} else if (argc == 3 && strcmp(command, "serve") == 0) {
		serve(argv[2]);
	} else if (argc == 3 && strcmp(command, "step") == 0) {
		only_in_guest();
		step(number(argv[2]));
	} else if (argc == 3 && strcmp(command, "slew") == 0) {
		only_in_guest();
		slew(number(argv[2]));
	} else {
		fputs("Usage: reference origin         print the constant to put into REFERENCE\n"
		      "       reference offset         print reference - CLOCK_REALTIME and its error, ns\n"
		      "       reference serve ADDRESS  answer NTP requests from the reference\n"
		      "       reference step NS        step CLOCK_REALTIME forward by NS\n"
		      "       reference slew PPB       run CLOCK_REALTIME PPB parts per 10^9 fast\n",
		      stderr);
		return 2;
	}
	return 0;
}
