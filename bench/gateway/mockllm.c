/* mockllm: a fast pretend upstream that speaks OpenAI chat completions, for gateway benchmarks (Linux).
 *
 * One thread, epoll, HTTP/1.1 keep-alive. Any POST gets a chat completion of about 1 KB; a body with "stream":true
 * gets an SSE answer (chunked transfer encoding, one event per HTTP chunk, a usage event, then [DONE]).
 *
 *   cc -O2 -o mockllm mockllm.c
 *   ./mockllm --port 0 [--chunks 50] [--answer-bytes 700]
 *
 * Port 0 takes a free one. The port is printed on the first line.
 *
 *   PUT /set?delay_ms=200&gap_ms=0   time to the answer's first byte; time between events (0: all in one write)
 *   GET /stats                       {"answers":N,"connections":N} since the start, to prove that nobody cached
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 65536
#define ID "\"id\":\"chatcmpl-mock0001\",\"created\":1760000000,\"model\":\"mock-model\""

enum state { READING, WAITING, STREAMING };

struct conn {
    int fd;
    enum state state;
    char *in; /* request bytes so far */
    size_t in_len, in_cap;
    int stream;     /* is this answer a stream? */
    int next_event; /* index of the next event to send */
    double due;     /* when the next thing is to be sent, ms */
    char *out;      /* bytes that the socket did not take yet */
    size_t out_len, out_off;
    int timed_at; /* position in `timed`, or -1 */
};

struct text {
    char *at;
    size_t len;
};

static struct conn *conns[MAX_FD], *timed[MAX_FD];
static int n_timed, epfd, port, n_chunks = 50, answer_bytes = 700, n_events;
static double delay_ms, gap_ms;
static long answers, connections;
static struct text json_answer, sse_head, sse_all, *events; /* `events` are framed, each as one HTTP chunk */

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

__attribute__((format(printf, 1, 2))) static struct text print(const char *format, ...) {
    struct text made;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&made.at, format, args);
    va_end(args);
    if (n < 0) abort();
    made.len = n;
    return made;
}

static void add_event(const char *payload) {
    size_t framed = strlen(payload) + strlen("data: \n\n");
    events[n_events++] = print("%zx\r\ndata: %s\n\n\r\n", framed, payload);
}

static void build_json(void) {
    static const char words[] = "The quick brown fox jumps over the lazy dog and then some. ";
    char *content = malloc(answer_bytes + 1);
    for (int i = 0; i < answer_bytes; i++) content[i] = words[i % (sizeof words - 1)];
    content[answer_bytes] = 0;
    struct text body = print(
        "{" ID ",\"object\":\"chat.completion\",\"system_fingerprint\":\"fp_mock\",\"choices\":[{\"index\":0,"
        "\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},\"logprobs\":null,"
        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":123,\"completion_tokens\":45,\"total_tokens\":168,"
        "\"prompt_tokens_details\":{\"cached_tokens\":0}}}", content);
    json_answer = print("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                        "x-request-id: req_mock\r\n\r\n%s", body.len, body.at);
}

static void build_stream(void) {
    sse_head = print("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
                     "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
    events = calloc(n_chunks + 4, sizeof *events); /* role, the chunks, stop, usage, [DONE] */
    for (int i = 0; i <= n_chunks + 1; i++) {
        const char *delta = i == 0 ? "{\"role\":\"assistant\",\"content\":\"\"}"
                            : i <= n_chunks ? "{\"content\":\" token\"}" : "{}";
        struct text p = print("{" ID ",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s,"
                              "\"logprobs\":null,\"finish_reason\":%s}]}",
                              delta, i == n_chunks + 1 ? "\"stop\"" : "null");
        add_event(p.at);
    }
    add_event("{" ID ",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{\"prompt_tokens\":123,"
              "\"completion_tokens\":50,\"total_tokens\":173}}");
    add_event("[DONE]");
    /* the end of the chunked body travels with [DONE] */
    events[n_events - 1] = print("%s0\r\n\r\n", events[n_events - 1].at);
    sse_all = sse_head;
    for (int i = 0; i < n_events; i++) sse_all = print("%s%s", sse_all.at, events[i].at);
}

static void timed_add(struct conn *c) {
    if (c->timed_at >= 0) return;
    c->timed_at = n_timed;
    timed[n_timed++] = c;
}

static void timed_remove(struct conn *c) {
    if (c->timed_at < 0) return;
    struct conn *last = timed[--n_timed];
    timed[c->timed_at] = last;
    last->timed_at = c->timed_at;
    c->timed_at = -1;
}

static void conn_close(struct conn *c) {
    timed_remove(c);
    conns[c->fd] = NULL;
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

/* Send bytes; keep what the socket does not take. Returns -1 when the peer is gone. */
static int conn_send(struct conn *c, struct text t) {
    if (c->out_len == 0) {
        ssize_t n = send(c->fd, t.at, t.len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return -1;
        if (n < 0) n = 0;
        t.at += n;
        t.len -= n;
        if (t.len == 0) return 0;
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.fd = c->fd};
        epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
    }
    c->out = realloc(c->out, c->out_len + t.len);
    memcpy(c->out + c->out_len, t.at, t.len);
    c->out_len += t.len;
    return 0;
}

static int conn_flush(struct conn *c) {
    while (c->out_off < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        c->out_off += n;
    }
    c->out_len = c->out_off = 0;
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = c->fd};
    epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
    return 0;
}

/* Length of the first whole request in the buffer, or 0. */
static size_t request_end(struct conn *c, size_t *body_at) {
    char *head_end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!head_end) return 0;
    size_t head = head_end + 4 - c->in, length = 0;
    int chunked = 0;
    *body_at = head;
    for (char *p = c->in; p < head_end;) {
        char *e = memmem(p, head_end + 2 - p, "\r\n", 2);
        if (!strncasecmp(p, "content-length:", 15)) length = strtoul(p + 15, NULL, 10);
        if (!strncasecmp(p, "transfer-encoding:", 18) && memmem(p, e - p, "chunked", 7)) chunked = 1;
        p = e + 2;
    }
    if (chunked) {
        char *end = memmem(c->in + head, c->in_len - head, "0\r\n\r\n", 5);
        while (end && !(end == c->in + head || (end[-1] == '\n' && end[-2] == '\r')))
            end = memmem(end + 1, c->in + c->in_len - end - 1, "0\r\n\r\n", 5);
        return end ? (size_t)(end + 5 - c->in) : 0;
    }
    return c->in_len >= head + length ? head + length : 0;
}

static int whole_answer(struct conn *c, struct text answer) {
    c->state = READING;
    timed_remove(c);
    answers++;
    return conn_send(c, answer);
}

/* Send what is due; returns -1 when the connection is gone. */
static int advance(struct conn *c, double now) {
    if (c->state == WAITING) {
        if (now < c->due) return 0;
        if (!c->stream) return whole_answer(c, json_answer);
        if (gap_ms <= 0) return whole_answer(c, sse_all);
        c->state = STREAMING;
        c->next_event = 0;
        c->due = now;
        if (conn_send(c, sse_head) < 0) return -1;
    }
    while (c->state == STREAMING && now >= c->due) {
        int i = c->next_event++;
        c->due += gap_ms;
        if (c->next_event == n_events) {
            if (whole_answer(c, events[i]) < 0) return -1;
        } else if (conn_send(c, events[i]) < 0) return -1;
    }
    return 0;
}

/* PUT /set and GET /stats. */
static int on_control(struct conn *c, size_t len) {
    char *end = memmem(c->in, len, "\r\n", 2), *p, body[96];
    *end = 0;
    if ((p = strstr(c->in, "delay_ms="))) delay_ms = atof(p + 9);
    if ((p = strstr(c->in, "gap_ms="))) gap_ms = atof(p + 7);
    int n = snprintf(body, sizeof body, "{\"answers\":%ld,\"connections\":%ld}", answers, connections);
    memmove(c->in, c->in + len, c->in_len - len);
    c->in_len -= len;
    struct text t = print("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, body);
    int sent = conn_send(c, t);
    free(t.at);
    return sent;
}

static int on_request(struct conn *c, size_t len, size_t body_at, double now) {
    if (memcmp(c->in, "POST ", 5)) return on_control(c, len);
    c->stream = memmem(c->in + body_at, len - body_at, "\"stream\":true", 13) ||
                memmem(c->in + body_at, len - body_at, "\"stream\": true", 14);
    memmove(c->in, c->in + len, c->in_len - len);
    c->in_len -= len;
    c->state = WAITING;
    c->due = now + delay_ms;
    if (delay_ms > 0 || (c->stream && gap_ms > 0)) timed_add(c);
    return advance(c, now);
}

static void accept_all(int listener) {
    int s, one = 1;
    while ((s = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        if (s >= MAX_FD) { close(s); continue; }
        setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct conn *c = conns[s] = calloc(1, sizeof *c);
        c->fd = s;
        c->timed_at = -1;
        connections++;
        struct epoll_event ev = {.events = EPOLLIN, .data.fd = s};
        epoll_ctl(epfd, EPOLL_CTL_ADD, s, &ev);
    }
}

/* Read what has come and answer it; returns -1 when the connection is gone. */
static int on_readable(struct conn *c, double now) {
    for (;;) {
        if (c->in_cap - c->in_len < 16384) c->in = realloc(c->in, c->in_cap = c->in_cap * 2 + 32768);
        size_t room = c->in_cap - c->in_len;
        ssize_t r = recv(c->fd, c->in + c->in_len, room, 0);
        if (r == 0 || (r < 0 && errno != EAGAIN)) return -1;
        if (r < 0) break;
        c->in_len += r;
        if ((size_t)r < room) break;
    }
    size_t len, body_at;
    while (c->state == READING && (len = request_end(c, &body_at)))
        if (on_request(c, len, body_at, now) < 0) return -1;
    return 0;
}

/* Time to wait for the first thing that is due, or NULL when nothing is. */
static struct timespec *next_due(struct timespec *wait) {
    if (!n_timed) return NULL;
    double first = timed[0]->due;
    for (int i = 1; i < n_timed; i++)
        if (timed[i]->due < first) first = timed[i]->due;
    double ms = first - now_ms();
    if (ms < 0) ms = 0;
    wait->tv_sec = (time_t)(ms / 1e3);
    wait->tv_nsec = (long)((ms - wait->tv_sec * 1e3) * 1e6);
    return wait;
}

static int listen_on(int wanted) {
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(wanted)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    if (bind(s, (void *)&a, sizeof a) || listen(s, 4096) || getsockname(s, (void *)&a, &size)) {
        perror("bind");
        exit(1);
    }
    printf("%d\n", ntohs(a.sin_port));
    fflush(stdout);
    return s;
}

static void serve(int listener) {
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = listener}, evs[512];
    epoll_ctl(epfd, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        struct timespec wait;
        int n = epoll_pwait2(epfd, evs, 512, next_due(&wait), NULL);
        double now = now_ms();
        for (int i = 0; i < n; i++) {
            if (evs[i].data.fd == listener) { accept_all(listener); continue; }
            struct conn *c = conns[evs[i].data.fd];
            if (!c) continue;
            int gone = (evs[i].events & EPOLLOUT) && conn_flush(c) < 0;
            if (!gone && (evs[i].events & ~EPOLLOUT)) gone = on_readable(c, now) < 0;
            if (gone) conn_close(c);
        }
        if (n_timed) now = now_ms();
        for (int i = n_timed - 1; i >= 0; i--) /* backwards: a removal moves the last one, already seen, here */
            if (timed[i]->due <= now) {
                struct conn *c = timed[i];
                if (advance(c, now) < 0) conn_close(c);
            }
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--port")) port = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--chunks")) n_chunks = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--answer-bytes")) answer_bytes = atoi(argv[i + 1]);
        else { fprintf(stderr, "unknown option %s\n", argv[i]); return 2; }
    }
    signal(SIGPIPE, SIG_IGN);
    build_json();
    build_stream();
    epfd = epoll_create1(0);
    serve(listen_on(port));
}
