// Preloaded into a server that would listen on every address: what it binds to
// all of them is bound to 127.0.0.1 instead.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int bind(int socket, const struct sockaddr *address, socklen_t size) {
	struct sockaddr_storage local;
	if (size > sizeof local)
		return syscall(SYS_bind, socket, address, size);
	memcpy(&local, address, size);
	if (local.ss_family == AF_INET) {
		struct sockaddr_in *four = (struct sockaddr_in *)&local;
		if (four->sin_addr.s_addr == INADDR_ANY)
			four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (local.ss_family == AF_INET6) {
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)&local;
		if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
			inet_pton(AF_INET6, "::ffff:127.0.0.1", &six->sin6_addr);
	}
	return syscall(SYS_bind, socket, &local, size);
}
