/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_qemu.c - QEMU's command line and its life. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/emulate_qemu.h"

#define ARGS_MAX 48u
#define ARG_SIZE 160u

/* A command line; longer texts are borrowed. */
struct args {
    const char *argv[ARGS_MAX];
    size_t count;
    char texts[16][ARG_SIZE];
    size_t texts_count;
};

static void add(struct args *args, const char *first, const char *second)
{
    args->argv[args->count++] = first;
    args->argv[args->count++] = second;
}

static void add_text(struct args *args, const char *first, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add_text(struct args *args, const char *first, const char *format, ...)
{
    char *text = args->texts[args->texts_count++];
    va_list values;
    va_start(values, format);
    (void)vsnprintf(text, ARG_SIZE, format, values);
    va_end(values);
    add(args, first, text);
}

static void make_args(struct args *args, const struct emulate *emulate, int monitor)
{
    const struct board_kind *board = emulate->board;
    const struct emulate_options *options = &emulate->options;
    *args = (struct args){.argv = {EMULATE_QEMU}, .count = 1};
    add_text(args, "-M", "%s,memory-backend=flash", board->machine);
    add_text(args, "-object", "memory-backend-file,id=flash,mem-path=/dev/fd/%d,size=%u,share=on", emulate->flash.fd,
             BOARD_FLASH_FILE_SIZE);
    add(args, "-kernel", emulate->bootloader);
    add_text(args, "-device", "loader,file=/dev/fd/%d,addr=0x%x,force-raw=on", emulate->settings_fd, board->otp_addr);
    add(args, "-nic", "user,net=192.0.2.0/24,host=192.0.2.2");
    add(args, "-semihosting-config", "enable=on,target=native"); /* random bytes and the wall clock */
    add(args, "-display", "none");
    add(args, "-serial", "stdio");
    add(args, "-trace", "led_change_intensity");
    add_text(args, "-chardev", "socket,id=monitor,fd=%d", monitor);
    add(args, "-mon", "chardev=monitor,mode=control");
    if (options->icount) {
        add_text(args, "-icount", "shift=%s", options->icount);
    }
    if (options->gdb_port > 0) {
        add_text(args, "-gdb", "tcp:127.0.0.1:%d", options->gdb_port);
        args->argv[args->count++] = "-S";
    }
}

int emulate_qemu_installed(void)
{
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at;) {
        size_t len = strcspn(at, ":");
        char file[4096];
        int n = snprintf(file, sizeof file, "%.*s/" EMULATE_QEMU, (int)len, at);
        if (n > 0 && n < (int)sizeof file && access(file, X_OK) == 0) {
            return 0;
        }
        at += len;
        at += *at == ':';
    }
    return tool_refuse(EMULATE_QEMU " is not installed: run scripts/setup.sh boards");
}

/* ---- life ---- */

struct ends {
    int uart[2], errors[2], monitor[2], failed[2]; /* [0] is ours */
};

static void close_ends(const struct ends *ends, int which)
{
    const int fds[] = {ends->uart[which], ends->errors[which], ends->monitor[which], ends->failed[which]};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
}

static bool open_ends(struct ends *ends)
{
    *ends = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    if (pipe2(ends->uart, O_CLOEXEC) == 0 && pipe2(ends->errors, O_CLOEXEC) == 0 && pipe2(ends->failed, O_CLOEXEC) == 0 &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends->monitor) == 0) {
        const int ours[] = {ends->uart[0], ends->errors[0], ends->monitor[0]};
        for (size_t i = 0; i < 3; i++) {
            (void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
        }
        return true;
    }
    close_ends(ends, 0);
    close_ends(ends, 1);
    return false;
}

static _Noreturn void become_qemu(const struct ends *ends, const struct args *args, pid_t otter)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ready = getppid() == otter && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
                 dup2(ends->uart[1], STDOUT_FILENO) >= 0 && dup2(ends->errors[1], STDERR_FILENO) >= 0 &&
                 fcntl(ends->monitor[1], F_SETFD, 0) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
    if (ready) {
        union {
            const char *const *from;
            char *const *to;
        } argv = {.from = args->argv};
        (void)execvp(EMULATE_QEMU, argv.to);
    }
    int error = errno;
    (void)!write(ends->failed[1], &error, sizeof error);
    _exit(1);
}

/* The child closes `failed` by becoming QEMU, or says why it could not. */
static int await_start(const struct ends *ends)
{
    int error = 0;
    ssize_t n;
    do {
        n = read(ends->failed[0], &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error ? tool_refuse("cannot start " EMULATE_QEMU ": %s", strerror(error)) : 0;
}

int emulate_qemu_on(struct emulate_qemu *qemu, const struct emulate *emulate)
{
    struct args args;
    struct ends ends;
    static const char capabilities[] = "{\"execute\":\"qmp_capabilities\"}\n";
    if (!open_ends(&ends)) {
        return tool_refuse("cannot start " EMULATE_QEMU ": %s", strerror(errno));
    }
    make_args(&args, emulate, ends.monitor[1]);
    (void)fflush(NULL);
    pid_t otter = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_qemu(&ends, &args, otter);
    }
    int error = errno;
    close_ends(&ends, 1);
    int rc = pid < 0 ? tool_refuse("cannot start " EMULATE_QEMU ": %s", strerror(error)) : await_start(&ends);
    (void)close(ends.failed[0]);
    *qemu = (struct emulate_qemu){.pid = pid, .uart = ends.uart[0], .errors = ends.errors[0], .monitor = ends.monitor[0]};
    if (rc != 0) {
        emulate_qemu_off(qemu);
        emulate_qemu_close(qemu);
        return rc;
    }
    (void)send(qemu->monitor, capabilities, sizeof capabilities - 1, MSG_NOSIGNAL);
    return 0;
}

void emulate_qemu_off(struct emulate_qemu *qemu)
{
    if (qemu->pid <= 0) {
        return;
    }
    (void)kill(qemu->pid, SIGKILL);
    while (waitpid(qemu->pid, &qemu->status, 0) < 0 && errno == EINTR) {
    }
    qemu->pid = 0;
}

void emulate_qemu_close(struct emulate_qemu *qemu)
{
    int *const fds[] = {&qemu->uart, &qemu->errors, &qemu->monitor};
    for (size_t i = 0; i < 3; i++) {
        if (*fds[i] >= 0) {
            (void)close(*fds[i]);
        }
        *fds[i] = -1;
    }
}
