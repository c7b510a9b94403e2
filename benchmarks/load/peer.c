/* Both ends of the way, quick enough that the gateway between them is what is measured.

     peer carrier PORT [delay-ms]
         An SMSC: takes every bind and every submit_sm, and sends a DELIVRD receipt delay-ms later (0: at once).
         Prints one line of JSON at SIGINT or SIGTERM.
     peer esme PORT SYSTEM_ID PASSWORD SESSIONS WINDOW COUNT RATE TEXTS SOURCE [FIRST]
         An ESME: COUNT texts over SESSIONS transceivers with WINDOW unanswered each, RATE a second over all of
         them (0: as fast as it goes). TEXTS is a file of lines "data_coding number hex", used in turn: the n-th
         text goes to its line's number + FIRST (0) + n / 2, so that lines of two countries may take turns. Each
         # in a text becomes a letter or Han character of the message's own code, so that no two are the same.
         Ends when every accepted text has its final receipt, or nothing has moved for 30 seconds. Prints one line
         of JSON; latencies in milliseconds. With PEER_TLS=1 in the environment over TLS, the certificate unseen.

   One thread, epoll, no allocation in a message's way. SMPP 3.4, sections 4 and 5. Loopback only. TLS where it is
   built with -DTLS and linked with OpenSSL. */
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
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef TLS
#include <openssl/ssl.h>
#endif

enum { BIND_TRX = 9, SUBMIT = 4, DELIVER = 5, UNBIND = 6, ENQUIRE = 0x15, RESP = 0x80000000u };
enum { IN = 1 << 18, OUT = 1 << 20, PENDING = 1 << 20, SENT = 1 << 16 };

typedef struct {
    int fd, bound, receives, unanswered, armed;
    uint32_t sequence;
    uint8_t *in, *out;
    size_t held, from, to;
    uint64_t *sent; /* by sequence_number modulo SENT, when it was submitted */
    void *tls;
} Peer;

static int epoll;
static volatile sig_atomic_t stopping;

static void fail(const char *what) { perror(what); exit(1); }
static void on_signal(int number) { (void)number; stopping = 1; }

static uint64_t now(void) { /* microseconds, monotonic */
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000u + (uint64_t)at.tv_nsec / 1000u;
}

/* As recv and send; over TLS where the peer has it. */
#ifdef TLS
static SSL_CTX *context;

static ssize_t told(Peer *peer, int done) {
    int why = done > 0 ? SSL_ERROR_NONE : SSL_get_error(peer->tls, done);
    if (why == SSL_ERROR_NONE) return done;
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
    return -1;
}

static ssize_t hear(Peer *peer, void *into, size_t room) {
    return peer->tls ? told(peer, SSL_read(peer->tls, into, (int)room)) : recv(peer->fd, into, room, 0);
}

static ssize_t say(Peer *peer, const void *what, size_t length) {
    if (!peer->tls) return send(peer->fd, what, length, MSG_NOSIGNAL);
    return told(peer, SSL_write(peer->tls, what, length > 16384 ? 16384 : (int)length));
}

static void shake_hands(Peer *peer) { /* the socket still waits */
    if (!getenv("PEER_TLS")) return;
    if (!context) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    peer->tls = SSL_new(context);
    SSL_set_fd(peer->tls, peer->fd);
    if (SSL_connect(peer->tls) != 1) { fprintf(stderr, "no TLS there\n"); exit(1); }
}
#else
static ssize_t hear(Peer *peer, void *into, size_t room) { return recv(peer->fd, into, room, 0); }
static ssize_t say(Peer *peer, const void *what, size_t length) {
    return send(peer->fd, what, length, MSG_NOSIGNAL);
}
static void shake_hands(Peer *peer) {
    (void)peer;
    if (getenv("PEER_TLS")) { fprintf(stderr, "built without TLS\n"); exit(1); }
}
#endif

static uint32_t get32(const uint8_t *at) { uint32_t value; memcpy(&value, at, 4); return ntohl(value); }
static void put32(uint8_t *at, uint32_t value) { value = htonl(value); memcpy(at, &value, 4); }

static Peer *peer_of(int fd, int asks) {
    int one = 1;
    Peer *peer = calloc(1, sizeof *peer);
    peer->fd = fd;
    if (asks) shake_hands(peer);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    peer->in = malloc(IN);
    peer->out = malloc(OUT);
    peer->sent = calloc(SENT, sizeof *peer->sent);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    return peer;
}

static void gone(Peer *peer) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, peer->fd, NULL);
    close(peer->fd);
    peer->fd = -1;
    peer->bound = 0;
}

static void flush_out(Peer *peer) {
    while (peer->fd >= 0 && peer->from < peer->to) {
        ssize_t wrote = say(peer, peer->out + peer->from, peer->to - peer->from);
        if (wrote < 0) {
            if (errno != EAGAIN) { gone(peer); return; }
            break;
        }
        peer->from += (size_t)wrote;
    }
    if (peer->from == peer->to) peer->from = peer->to = 0;
    int wanted = peer->to > 0;
    if (peer->fd >= 0 && wanted != peer->armed) {
        struct epoll_event event = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0), .data.ptr = peer};
        epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
        peer->armed = wanted;
    }
}

/* Room for a PDU; its header is filled in by close_pdu. */
static uint8_t *open_pdu(Peer *peer) {
    if (peer->to + 4096 > OUT) {
        memmove(peer->out, peer->out + peer->from, peer->to - peer->from);
        peer->to -= peer->from;
        peer->from = 0;
        if (peer->to + 4096 > OUT) return NULL;
    }
    return peer->out + peer->to + 16;
}

static void close_pdu(Peer *peer, const uint8_t *end, uint32_t command, uint32_t status, uint32_t sequence) {
    uint8_t *start = peer->out + peer->to;
    put32(start, (uint32_t)(end - start));
    put32(start + 4, command);
    put32(start + 8, status);
    put32(start + 12, sequence);
    peer->to += (size_t)(end - start);
}

static uint8_t *text(uint8_t *at, const char *value) {
    size_t length = strlen(value) + 1;
    memcpy(at, value, length);
    return at + length;
}

static void answer(Peer *peer, uint32_t command, uint32_t sequence, const char *id) {
    uint8_t *at = open_pdu(peer);
    if (!at) return;
    if (id) at = text(at, id);
    close_pdu(peer, at, command | RESP, 0, sequence);
}

typedef void Handler(Peer *, uint32_t, uint32_t, uint32_t, const uint8_t *, const uint8_t *);

static void take(Peer *peer, Handler *handle) {
    for (;;) {
        ssize_t got = hear(peer, peer->in + peer->held, IN - peer->held);
        if (got == 0 || (got < 0 && errno != EAGAIN)) { gone(peer); return; }
        if (got < 0) break;
        peer->held += (size_t)got;
        size_t at = 0;
        while (peer->held - at >= 16) {
            uint32_t length = get32(peer->in + at);
            if (length < 16 || length > IN) { gone(peer); return; }
            if (peer->held - at < length) break;
            const uint8_t *pdu = peer->in + at;
            handle(peer, get32(pdu + 4), get32(pdu + 8), get32(pdu + 12), pdu + 16, pdu + length);
            at += length;
        }
        memmove(peer->in, peer->in + at, peer->held - at);
        peer->held -= at;
        if (got < 4096 && !peer->tls) break; /* a TLS record may be short and not the last */
    }
}

static const uint8_t *after(const uint8_t *at, const uint8_t *end) { /* behind a C-octet string */
    while (at < end && *at) at++;
    return at < end ? at + 1 : end;
}

/* -- the carrier ------------------------------------------------------------------------------------------ */

typedef struct { uint64_t due; Peer *peer; uint32_t id; char from[24], to[24]; } Owed;
static Owed *owed;
static size_t owed_from, owed_to;
static uint64_t submits, receipts, delay;
static Peer *receiver;

static void receipt(const Owed *what) {
    Peer *peer = what->peer->fd >= 0 && what->peer->receives ? what->peer : receiver;
    if (!peer || peer->fd < 0) return;
    uint8_t *at = open_pdu(peer);
    if (!at) { flush_out(peer); at = open_pdu(peer); }
    if (!at) return;
    char body[160], id[16];
    snprintf(id, sizeof id, "%u", what->id);
    int length = snprintf(body, sizeof body,
        "id:%s sub:001 dlvrd:001 submit date:2611220600 done date:2611220600 stat:DELIVRD err:000 text:", id);
    *at++ = 0;
    *at++ = 1; *at++ = 1;
    at = text(at, what->to);
    *at++ = 1; *at++ = 1;
    at = text(at, what->from);
    *at++ = 4; *at++ = 0; *at++ = 0;
    *at++ = 0; *at++ = 0;
    *at++ = 0; *at++ = 0; *at++ = 0; *at++ = 0;
    *at++ = (uint8_t)length;
    memcpy(at, body, (size_t)length);
    at += length;
    close_pdu(peer, at, DELIVER, 0, ++peer->sequence & 0x7fffffff);
    receipts++;
}

static void pay(uint64_t at) {
    while (owed_from < owed_to && owed[owed_from % PENDING].due <= at) receipt(&owed[owed_from++ % PENDING]);
}

static void carrier(Peer *peer, uint32_t command, uint32_t status, uint32_t sequence, const uint8_t *body,
                    const uint8_t *end) {
    (void)status;
    if (command == SUBMIT) {
        Owed *entry = &owed[owed_to % PENDING];
        const uint8_t *at = after(body, end) + 2;
        snprintf(entry->from, sizeof entry->from, "%s", (const char *)at);
        at = after(at, end) + 2;
        snprintf(entry->to, sizeof entry->to, "%s", (const char *)at);
        entry->id = (uint32_t)++submits;
        entry->peer = peer;
        entry->due = now() + delay;
        char id[16];
        snprintf(id, sizeof id, "%u", entry->id);
        answer(peer, SUBMIT, sequence, id);
        if (delay && owed_to - owed_from < PENDING) owed_to++;
        else receipt(entry);
    } else if (command == 1 || command == 2 || command == BIND_TRX) {
        uint8_t *at = open_pdu(peer);
        at = text(at, "peer");
        memcpy(at, "\x02\x10\x00\x01\x34", 5);
        close_pdu(peer, at + 5, command | RESP, 0, sequence);
        peer->receives = command != 2;
        if (peer->receives) receiver = peer;
    } else if (command == ENQUIRE || command == UNBIND) {
        answer(peer, command, sequence, NULL);
    }
}

static int run_carrier(int port, uint64_t delay_ms) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&where, sizeof where) || listen(listener, 64)) fail("listen");
    owed = malloc(sizeof *owed * PENDING);
    delay = delay_ms * 1000;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!stopping) {
        int count = epoll_wait(epoll, events, 256, owed_from < owed_to ? 1 : 200);
        for (int i = 0; i < count; i++) {
            Peer *peer = events[i].data.ptr;
            if (!peer) {
                int fd = accept(listener, NULL, NULL);
                if (fd >= 0) peer_of(fd, 0);
                continue;
            }
            if (peer->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) take(peer, carrier);
            flush_out(peer);
        }
        uint64_t at = now();
        if (owed_from < owed_to && owed[owed_from % PENDING].due <= at) {
            pay(at);
            if (receiver) flush_out(receiver);
            for (int i = 0; i < count; i++) if (events[i].data.ptr) flush_out(events[i].data.ptr);
        }
    }
    printf("{\"submits\": %lu, \"receipts\": %lu}\n", submits, receipts);
    return 0;
}

/* -- the ESME --------------------------------------------------------------------------------------------- */

typedef struct { uint8_t coding, length; uint8_t octets[254]; uint64_t number; int marks; uint8_t mark[32]; } Text;
static Text *texts;
static size_t text_count;
static uint64_t window, asked, sent_count, answered, accepted, ended, delivered, first;
static uint64_t last_moved, final_at;
static const char *source;
static float *response_ms, *receipt_ms;
static uint64_t statuses[256];

enum { SLOTS = 1 << 23 };
typedef struct { uint64_t id, at; } Known; /* hash of a message id, when it was submitted; at 0: free */
static Known *known;

static uint64_t hashed(const uint8_t *at, const uint8_t *end) {
    uint64_t hash = 1469598103934665603u;
    while (at < end && *at) hash = (hash ^ *at++) * 1099511628211u;
    return hash | 1;
}

static Known *slot_of(uint64_t id) {
    size_t at = id & (SLOTS - 1);
    while (known[at].id && known[at].id != id) at = (at + 1) & (SLOTS - 1);
    return &known[at];
}

/* Each mark of a text becomes one of sixteen letters or names: the number of the message, scattered. */
static void own_code(uint8_t *at, const Text *what, uint64_t number) {
    static const char letters[] = "BCDFGHJKLMNPQRST";
    static const uint16_t names[] = {0x738b, 0x674e, 0x5f20, 0x5218, 0x9648, 0x6768, 0x9ec4, 0x8d75,
                                     0x5468, 0x5434, 0x5f90, 0x5b59, 0x6731, 0x80e1, 0x90ed, 0x6797};
    uint32_t code = (uint32_t)number * 2654435761u;
    for (int i = 0; i < what->marks; i++, code = code >> 4 | code << 28) {
        uint8_t *place = at + what->mark[i];
        if (what->coding == 8) { place[0] = (uint8_t)(names[code & 15] >> 8); place[1] = (uint8_t)names[code & 15]; }
        else *place = (uint8_t)letters[code & 15];
    }
}

static int submit(Peer *peer) {
    uint8_t *at = open_pdu(peer);
    if (!at) return 0;
    const Text *what = &texts[sent_count % text_count];
    char number[24];
    snprintf(number, sizeof number, "%lu", what->number + first + sent_count / 2);
    *at++ = 0;
    *at++ = 0; *at++ = 0;
    at = text(at, source);
    *at++ = 1; *at++ = 1;
    at = text(at, number);
    *at++ = 0; *at++ = 0; *at++ = 0;
    *at++ = 0; *at++ = 0;
    *at++ = 1; *at++ = 0; *at++ = what->coding; *at++ = 0;
    *at++ = what->length;
    memcpy(at, what->octets, what->length);
    own_code(at, what, first + sent_count);
    at += what->length;
    uint32_t sequence = ++peer->sequence;
    close_pdu(peer, at, SUBMIT, 0, sequence);
    peer->sent[sequence % SENT] = now();
    peer->unanswered++;
    sent_count++;
    return 1;
}

static void esme(Peer *peer, uint32_t command, uint32_t status, uint32_t sequence, const uint8_t *body,
                 const uint8_t *end) {
    uint64_t at = now();
    if (command == (SUBMIT | RESP)) {
        uint64_t began = peer->sent[sequence % SENT];
        peer->unanswered--;
        response_ms[answered++] = (float)(at - began) / 1000;
        statuses[status < 255 ? status : 255]++;
        last_moved = at;
        if (status) return;
        accepted++;
        Known *entry = slot_of(hashed(body, end));
        if (entry->id) { /* its receipt has come before */
            receipt_ms[ended - 1] = (float)(at - began) / 1000;
        } else {
            entry->id = hashed(body, end);
            entry->at = began;
        }
    } else if (command == DELIVER) {
        const char *found = memmem(body, (size_t)(end - body), "id:", 3);
        const char *stat = memmem(body, (size_t)(end - body), "stat:", 5);
        answer(peer, DELIVER, sequence, "");
        if (!found || !stat) return;
        const uint8_t *from = (const uint8_t *)found + 3, *to = from;
        while (to < end && *to != ' ') to++;
        Known *entry = slot_of(hashed(from, to));
        uint64_t began = entry->at;
        if (!entry->id) entry->id = hashed(from, to);
        receipt_ms[ended++] = began ? (float)(at - began) / 1000 : 0;
        delivered += !memcmp(stat + 5, "DELIVRD", 7);
        last_moved = final_at = at;
    } else if (command == (BIND_TRX | RESP)) {
        if (status) { fprintf(stderr, "bind refused: 0x%x\n", status); exit(1); }
        peer->bound = 1;
    } else if (command == ENQUIRE) {
        answer(peer, ENQUIRE, sequence, NULL);
    }
}

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void print_latency(const char *name, float *values, uint64_t count) {
    qsort(values, count, sizeof *values, by_value);
    if (!count) { printf("\"%s\": null, ", name); return; }
    printf("\"%s\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"most\": %.2f}, ", name, values[count / 2],
           values[count * 9 / 10], values[count * 99 / 100], values[count - 1]);
}

static void read_texts(const char *path) {
    FILE *file = fopen(path, "r");
    char hex[512];
    unsigned coding;
    unsigned long number;
    if (!file) fail(path);
    texts = calloc(4096, sizeof *texts);
    while (text_count < 4096 && fscanf(file, "%u %lu %510s", &coding, &number, hex) == 3) {
        Text *what = &texts[text_count++];
        what->number = number;
        what->coding = (uint8_t)coding;
        what->length = (uint8_t)(strlen(hex) / 2);
        for (int i = 0; i < what->length; i++) sscanf(hex + 2 * i, "%2hhx", &what->octets[i]);
        int wide = coding == 8;
        for (int i = 0; i + wide < what->length && what->marks < 32; i += 1 + wide)
            if (what->octets[i + wide] == '#' && !(wide && what->octets[i])) what->mark[what->marks++] = (uint8_t)i;
    }
    fclose(file);
}

static void bind_to(Peer *peer, const char *system_id, const char *password) {
    uint8_t *at = open_pdu(peer);
    at = text(at, system_id);
    at = text(at, password);
    at = text(at, "");
    *at++ = 0x34; *at++ = 0; *at++ = 0;
    at = text(at, "");
    close_pdu(peer, at, BIND_TRX, 0, ++peer->sequence);
    flush_out(peer);
}

static void serve(Peer **peers, int wait, Handler *handle) {
    struct epoll_event events[256];
    (void)peers;
    int count = epoll_wait(epoll, events, 256, wait);
    for (int i = 0; i < count; i++) {
        Peer *peer = events[i].data.ptr;
        if (peer->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) take(peer, handle);
        if (peer->fd < 0) { fprintf(stderr, "a session was closed\n"); exit(1); }
        flush_out(peer);
    }
}

static int run_esme(char **argument, int count) {
    int port = atoi(argument[0]), sessions = atoi(argument[3]);
    window = (uint64_t)atoi(argument[4]);
    asked = strtoull(argument[5], NULL, 10);
    double rate = atof(argument[6]);
    read_texts(argument[7]);
    source = argument[8];
    if (count > 9) first = strtoull(argument[9], NULL, 10);
    known = calloc(SLOTS, sizeof *known);
    response_ms = malloc(sizeof *response_ms * (asked + 1));
    receipt_ms = malloc(sizeof *receipt_ms * (2 * asked + 1));
    Peer **peers = calloc((size_t)sessions, sizeof *peers);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < sessions; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&where, sizeof where)) fail("connect");
        peers[i] = peer_of(fd, 1);
        bind_to(peers[i], argument[1], argument[2]);
        for (int turn = 0; !peers[i]->bound && turn < 1000; turn++) serve(peers, 20, esme);
        if (!peers[i]->bound) { fprintf(stderr, "no answer to a bind\n"); return 1; }
    }
    uint64_t began = now();
    last_moved = final_at = began;
    int next = 0;
    while (!stopping && (answered < asked || ended < accepted)) {
        uint64_t at = now();
        uint64_t allowed = rate > 0 ? (uint64_t)((double)(at - began) * rate / 1e6) + 1 : asked;
        if (allowed > asked) allowed = asked;
        for (int full = 0; full < sessions && sent_count < allowed; next = (next + 1) % sessions) {
            Peer *peer = peers[next];
            if (peer->unanswered < (int)window && submit(peer)) { full = 0; if (rate > 0) flush_out(peer); }
            else full++;
        }
        for (int i = 0; i < sessions; i++) if (peers[i]->to && !peers[i]->armed) flush_out(peers[i]);
        serve(peers, rate > 0 && sent_count < asked ? 1 : 100, esme);
        if (now() - last_moved > 30000000u) break;
    }
    double seconds = (double)(final_at - began) / 1e6;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"submitted\": %lu, \"accepted\": %lu, \"receipts\": %lu, \"delivered\": %lu, \"seconds\": %.3f, ",
           sent_count, accepted, ended, delivered, seconds);
    print_latency("response", response_ms, answered);
    print_latency("receipt", receipt_ms, ended);
    printf("\"statuses\": {");
    for (int i = 0, some = 0; i < 256; i++)
        if (statuses[i]) printf("%s\"%d\": %lu", some++ ? ", " : "", i, statuses[i]);
    printf("}, \"own_cpu_seconds\": %.3f}\n", (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6 +
           (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6);
    return 0;
}

int main(int count, char **argument) {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    epoll = epoll_create1(0);
    if (count >= 3 && !strcmp(argument[1], "carrier"))
        return run_carrier(atoi(argument[2]), count > 3 ? strtoull(argument[3], NULL, 10) : 0);
    if (count >= 11 && !strcmp(argument[1], "esme")) return run_esme(argument + 2, count - 2);
    fprintf(stderr, "see the head of peer.c\n");
    return 2;
}
