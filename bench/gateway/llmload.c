/* llmload: a load generator for gateways that speak OpenAI chat completions (Linux). One thread, epoll.
 *
 *   cc -O2 -o llmload llmload.c
 *   ./llmload --port 8080 --body FILE [--conns 64] [--seconds 5] [--warmup 1] [--rate 200] [--key sk-test]
 *             [--path /v1/chat/completions] [--header "name: value"]... [--expect TEXT]... [--events 54]
 *
 * Without --rate: closed loop, every connection sends its next request as soon as the answer is complete. With --rate:
 * open loop at evenly spaced times; a request waits when no connection is free, and its latency counts from the time
 * it was due, so that a stall is not hidden. Every answer is checked: one that is not a 200, that lacks an --expect
 * text (at most 60 bytes, up to 8 of them), or that has fewer than --events events, is an error. Prints one
 * line of JSON, times in ms; the first wrong answer goes to standard error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNS 16384
#define MAX_EXPECT 8
#define TAIL 60

enum chunk_state { SIZE_LINE, DATA, AFTER_DATA, TRAILER };

struct conn {
    int fd, busy, in_body, status, chunked, sse, keep, wants_out;
    unsigned seen;    /* a bit for each expected text */
    double start;     /* when the request was due, s */
    double first;     /* when the first event came, or 0 */
    long long left;   /* bytes left of the body or of the HTTP chunk; -1: until the connection closes */
    enum chunk_state chunk_state;
    char line[64], head[8192], tail[TAIL]; /* `tail`: end of the body so far, to find text across reads */
    int line_len, head_len, tail_len;
    size_t sent;
    long events;
};

static struct conn conns[MAX_CONNS];
static int idle[MAX_CONNS], n_idle, epfd, port = 8080, n_conns = 64, n_expect;
static const char *expect[MAX_EXPECT], *path = "/v1/chat/completions", *key = "sk-test", *body_file;
static char *request, *extra = "", first_error[1024];
static size_t request_len, n_lat, n_ttft, cap = 1 << 16;
static double seconds = 5, warmup = 1, rate, t_measure, t_end;
static float *lat, *ttft;
static long errors, events, min_events, reconnects, in_flight, total, reads;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void conn_open(struct conn *c) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&a, sizeof a)) { perror("connect"); exit(1); }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->wants_out = 0;
    struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)(c - conns)};
    epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev);
}

static void send_more(struct conn *c) {
    ssize_t n = send(c->fd, request + c->sent, request_len - c->sent, MSG_NOSIGNAL);
    if (n > 0) c->sent += n;
    int wants_out = c->sent < request_len;
    if (wants_out == c->wants_out) return;
    c->wants_out = wants_out;
    struct epoll_event ev = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0), .data.u32 = (uint32_t)(c - conns)};
    epoll_ctl(epfd, EPOLL_CTL_MOD, c->fd, &ev);
}

static void begin(struct conn *c, double due) {
    c->in_body = c->head_len = c->status = c->chunked = c->sse = c->tail_len = c->line_len = 0;
    c->chunk_state = SIZE_LINE;
    c->seen = c->events = c->sent = c->first = 0;
    c->busy = c->keep = 1;
    c->start = due;
    in_flight++;
    send_more(c);
}

static void count(struct conn *c, double t, int ok) {
    if (t < t_measure || t >= t_end) return;
    if (!ok) { errors++; return; }
    if (n_lat == cap) {
        cap *= 2;
        lat = realloc(lat, cap * sizeof *lat);
        ttft = realloc(ttft, cap * sizeof *ttft);
    }
    lat[n_lat++] = (float)((t - c->start) * 1e3);
    if (c->first) ttft[n_ttft++] = (float)((c->first - c->start) * 1e3);
}

static void finish(struct conn *c, int whole) {
    int ok = whole && c->status == 200 && c->seen == (1u << n_expect) - 1 && c->events >= min_events;
    total++;
    if (!ok && !first_error[0])
        snprintf(first_error, sizeof first_error, "status %d, %s, %ld events, texts seen %x: %.400s %.*s", c->status,
                 whole ? "whole" : "cut off", c->events, c->seen, c->head, c->tail_len, c->tail);
    count(c, now_s(), ok);
    c->busy = 0;
    in_flight--;
    idle[n_idle++] = (int)(c - conns);
    if (c->keep && ok) return;
    close(c->fd);
    reconnects++;
    conn_open(c);
}

/* Text of the body: look for events and for the expected texts. */
static void body_text(struct conn *c, const char *p, size_t n) {
    static char joined[1 << 20];
    memcpy(joined, c->tail, c->tail_len);
    memcpy(joined + c->tail_len, p, n); /* n is at most one read, smaller than `joined` */
    size_t all = c->tail_len + n;
    if (c->sse) {
        double t = now_s();
        /* counted when "data:" has been seen at a line's start; 4 bytes back, so that one cut in two counts once */
        char *e = joined + (c->tail_len > 4 ? c->tail_len - 4 : 0);
        for (; (e = memmem(e, joined + all - e, "data:", 5)); e += 5) {
            if (e != joined && e[-1] != '\n') continue;
            c->events++;
            if (!c->first) c->first = t;
            if (t >= t_measure && t < t_end) events++;
        }
    }
    for (int i = 0; i < n_expect; i++)
        if (!(c->seen >> i & 1) && memmem(joined, all, expect[i], strlen(expect[i]))) c->seen |= 1u << i;
    c->tail_len = all < TAIL ? (int)all : TAIL;
    memcpy(c->tail, joined + all - c->tail_len, c->tail_len);
}

static int header_has(const char *line, const char *name, const char *word) {
    const char *end = strstr(line, "\r\n"), *at;
    return !strncasecmp(line, name, strlen(name)) && (at = strcasestr(line, word)) && at < end;
}

/* Takes the head from what came; returns how much of it was head, or 0 when it is not complete. */
static size_t take_head(struct conn *c, const char *p, size_t n) {
    size_t room = sizeof c->head - 1 - c->head_len, take = n < room ? n : room;
    int before = c->head_len;
    memcpy(c->head + c->head_len, p, take);
    c->head_len += take;
    c->head[c->head_len] = 0;
    char *e = strstr(c->head, "\r\n\r\n");
    if (!e) return 0;
    c->status = atoi(c->head + 9);
    c->left = -1;
    for (char *h = strstr(c->head, "\r\n") + 2; h < e + 2; h = strstr(h, "\r\n") + 2) {
        if (!strncasecmp(h, "content-length:", 15)) c->left = atoll(h + 15);
        if (header_has(h, "transfer-encoding:", "chunked")) c->chunked = 1;
        if (header_has(h, "connection:", "close")) c->keep = 0;
        if (header_has(h, "content-type:", "text/event-stream")) c->sse = 1;
    }
    e[2] = 0; /* what follows is body: keep it out of a reported head */
    c->in_body = 1;
    return e + 4 - c->head - before;
}

static void take_chunks(struct conn *c, const char *p, size_t n) {
    while (n) {
        if (c->chunk_state == DATA) {
            size_t take = (long long)n < c->left ? n : (size_t)c->left;
            body_text(c, p, take);
            p += take;
            n -= take;
            if ((c->left -= take) == 0) c->chunk_state = AFTER_DATA;
            continue;
        }
        char ch = *p++;
        n--;
        if (ch != '\n') {
            if (ch != '\r' && c->line_len < 60) c->line[c->line_len++] = ch;
            continue;
        }
        c->line[c->line_len] = 0;
        int empty = c->line_len == 0;
        c->line_len = 0;
        if (c->chunk_state == AFTER_DATA) c->chunk_state = SIZE_LINE;
        else if (c->chunk_state == SIZE_LINE) {
            c->left = strtoll(c->line, NULL, 16);
            c->chunk_state = c->left ? DATA : TRAILER;
        } else if (empty) {
            finish(c, 1);
            return;
        }
    }
}

static void feed(struct conn *c, const char *p, size_t n) {
    if (!c->busy) return;
    if (!c->in_body) {
        size_t used = take_head(c, p, n);
        if (!used) return;
        p += used;
        n -= used;
        if (!c->chunked && c->left == 0) { finish(c, 1); return; }
    }
    if (c->chunked) { take_chunks(c, p, n); return; }
    body_text(c, p, n);
    if (c->left >= 0 && (c->left -= n) <= 0) finish(c, 1);
}

static void on_closed(struct conn *c) {
    if (!c->busy) {
        close(c->fd);
        reconnects++;
        conn_open(c);
        return;
    }
    c->keep = 0;
    finish(c, c->in_body && !c->chunked && c->left < 0); /* a body may be delimited by the close */
}

static void on_ready(struct epoll_event *ev) {
    static char buf[1 << 18];
    struct conn *c = &conns[ev->data.u32];
    if ((ev->events & EPOLLOUT) && c->busy) send_more(c);
    if (!(ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    ssize_t r = recv(c->fd, buf, sizeof buf, 0);
    if (r > 0) {
        reads++;
        feed(c, buf, r);
    } else if (r == 0 || errno != EAGAIN) on_closed(c);
}

static void run(void) {
    double t0 = now_s(), next = t0;
    struct epoll_event evs[256];
    t_measure = t0 + warmup;
    t_end = t_measure + seconds;
    for (double t; (t = now_s()) < t_end;) {
        if (rate > 0)
            for (; next <= t && n_idle; next += 1 / rate) begin(&conns[idle[--n_idle]], next);
        else
            while (n_idle) begin(&conns[idle[--n_idle]], now_s());
        double wait = t_end - t;
        if (rate > 0 && n_idle && next - t < wait) wait = next - t;
        if (wait < 0) wait = 0;
        struct timespec ts = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
        int n = epoll_pwait2(epfd, evs, 256, &ts, NULL);
        for (int i = 0; i < n; i++) on_ready(&evs[i]);
    }
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double pct(float *v, size_t n, double q) { return n ? v[(size_t)(q * (n - 1) + 0.5)] : 0; }

static void report(void) {
    qsort(lat, n_lat, sizeof *lat, by_value);
    qsort(ttft, n_ttft, sizeof *ttft, by_value);
    printf("{\"answers\":%zu,\"errors\":%ld,\"rps\":%.1f,\"p50\":%.3f,\"p99\":%.3f,\"ttft_p50\":%.3f,\"ttft_p99\":%.3f,"
           "\"events_per_s\":%.1f,\"reconnects\":%ld,\"unfinished\":%ld,\"total\":%ld,\"reads\":%ld}\n",
           n_lat, errors, n_lat / seconds, pct(lat, n_lat, .5), pct(lat, n_lat, .99), pct(ttft, n_ttft, .5),
           pct(ttft, n_ttft, .99), events / seconds, reconnects, in_flight, total, reads);
    if (first_error[0]) fprintf(stderr, "%s\n", first_error);
}

static void build_request(void) {
    FILE *f = fopen(body_file, "rb");
    if (!f) { perror(body_file); exit(1); }
    fseek(f, 0, SEEK_END);
    size_t body_len = ftell(f);
    rewind(f);
    request = malloc(body_len + 2048 + strlen(extra));
    request_len = sprintf(request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"
        "Accept: */*\r\nUser-Agent: llmload\r\n%sContent-Length: %zu\r\n\r\n", path, port, key, extra, body_len);
    if (fread(request + request_len, 1, body_len, f) != body_len) { perror(body_file); exit(1); }
    request_len += body_len;
    fclose(f);
}

static int option(const char *k, char *v) {
    if (!strcmp(k, "--port")) port = atoi(v);
    else if (!strcmp(k, "--conns")) n_conns = atoi(v);
    else if (!strcmp(k, "--seconds")) seconds = atof(v);
    else if (!strcmp(k, "--warmup")) warmup = atof(v);
    else if (!strcmp(k, "--rate")) rate = atof(v);
    else if (!strcmp(k, "--path")) path = v;
    else if (!strcmp(k, "--key")) key = v;
    else if (!strcmp(k, "--body")) body_file = v;
    else if (!strcmp(k, "--events")) min_events = atol(v);
    else if (!strcmp(k, "--expect") && n_expect < MAX_EXPECT && strlen(v) <= TAIL) expect[n_expect++] = v;
    else if (!strcmp(k, "--header")) { if (asprintf(&extra, "%s%s\r\n", extra, v) < 0) abort(); }
    else return 0;
    return 1;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !option(argv[i], argv[i + 1])) {
            fprintf(stderr, "cannot use option %s\n", argv[i]);
            return 2;
        }
    if (!body_file || n_conns < 1 || n_conns > MAX_CONNS) {
        fprintf(stderr, "needs --body and 1 to %d --conns\n", MAX_CONNS);
        return 2;
    }
    build_request();
    lat = malloc(cap * sizeof *lat);
    ttft = malloc(cap * sizeof *ttft);
    signal(SIGPIPE, SIG_IGN);
    epfd = epoll_create1(0);
    for (int i = 0; i < n_conns; i++) {
        conn_open(&conns[i]);
        idle[n_idle++] = i;
    }
    run();
    report();
    return 0;
}
