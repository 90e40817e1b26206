/* A C-STORE that is like the one before it, from the received bytes to the sealed file (netty/workflow/express.py).

   It takes a message only while all of it is as foretold: the command but for Message ID and SOP Instance UID, the wanted
   values of the data set but for that UID and the Instance Number, the length of the pixels, and nothing behind them.
   Whatever departs from that is left: no byte of the message is used up then, and Python takes it from its beginning.
   So no peer is judged here. */

#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SOP_INSTANCE_UID 0x00080018u
#define INSTANCE_NUMBER 0x00200013u
#define MOST_VALUES 64 /* as many as there are bits to note them in */
#define MOST_PARTS 128 /* of one writev */
#define ENOUGH 16384   /* bytes of a fragment in which the pixels should begin */
#define MANY 65536     /* bytes that are worth waking up for while more are sure to come (netty/network/transport.py) */
#define A_MOMENT 0.004 /* seconds after which a call waits for no more on the wire, as it does a thousandth at a time */
#define TAIL 16        /* behind a receipt: its length, its CRC-32, eight bytes of magic (netty/archive/spool.py) */

enum { LEFT = -1, WAITS = 0, WHOLE = 1 };

typedef struct {
    uint32_t tag;
    uint8_t *value;
    Py_ssize_t size;
} Foretold;

typedef struct {
    PyObject_HEAD
    Stencil command, answer, meta, receipt;
    Py_ssize_t message_id_at, uid_at; /* in the command's PDU */
    uint8_t *space;                   /* room for any of the four, filled */
    size_t room;
    uint8_t magic[8];
    PyObject *new_digest;
    uint8_t *tags; /* as Pass has them */
    Py_ssize_t tag_count;
    Foretold values[MOST_VALUES];
    int value_count;
    int context_id, is_explicit, levels;
    long long maximum_length, most_elements, most_bytes, pixel_length;
    double until; /* of the monotonic clock */
    int descriptor;
    long long came; /* bytes that the last call has read itself */

    /* The message under way. Places count from where it begins. */
    int is_amid, is_walked, is_whole;
    uint8_t uid[LONGEST_UID + 2], number[LONGEST_INSTANCE_NUMBER];
    size_t uid_size, number_size, meta_size;
    unsigned short message_id;
    PyObject *digest, *update;
    int64_t place, left, received, total;
    uint8_t control;
} Express;

/* --- what it is made of ------------------------------------------------------------------------------------------- */

static int copied(uint8_t **copy, const char *from, Py_ssize_t size) {
    if ((*copy = PyMem_Malloc((size_t)size + 1)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(*copy, from, (size_t)size);
    return 0;
}

/* Where the gaps of the command are: those before them have fixed sizes. */
static int find_gaps(Express *self) {
    Py_ssize_t at = 0;
    for (int number = 0; number < self->command.count; number++) {
        const StencilPiece *piece = &self->command.pieces[number];
        at += (Py_ssize_t)piece->size;
        switch (piece->gap) {
        case GAP_UID:
            self->uid_at = at;
            return self->message_id_at && at >= HEADERS + 4 ? 0 : -1;
        case GAP_MESSAGE_ID:
            self->message_id_at = at;
            at += 2;
            break;
        case GAP_UID_LENGTH_32:
        case GAP_UID_LENGTH_32_BIG:
            at += 4;
            break;
        default:
            return -1;
        }
    }
    return -1;
}

static int take_values(Express *self, PyObject *values) {
    Py_ssize_t count = PyTuple_Check(values) ? PyTuple_Size(values) : -1;
    for (Py_ssize_t each = 0; each < count && each < MOST_VALUES; each++) {
        Foretold *one = &self->values[each];
        const char *value;
        if (!PyArg_ParseTuple(PyTuple_GetItem(values, each), "Iy#", &one->tag, &value, &one->size) ||
            copied(&one->value, value, one->size))
            return -1;
        self->value_count++;
    }
    if (count < 0 || count > MOST_VALUES) {
        PyErr_SetString(PyExc_ValueError, "a tuple of at most 64 values is to be foretold");
        return -1;
    }
    return 0;
}

static int express_init(PyObject *object, PyObject *arguments, PyObject *keywords) {
    Express *self = (Express *)object;
    static char *names[] = {"command", "answer",     "meta",   "receipt",        "magic",         "digest",
                            "tags",    "values",     "pixels", "context_id",     "is_explicit",   "levels",
                            "until",   "max_length", "bytes",  "elements",       NULL};
    PyObject *command, *answer, *meta, *receipt, *values, *digest;
    const char *magic, *tags;
    Py_ssize_t magic_size, tags_size;
    self->descriptor = -1;
    if (self->new_digest != NULL) {
        PyErr_SetString(PyExc_TypeError, "an Express is made once");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOOOy#Oy#OLipidLLL", names, &command, &answer, &meta, &receipt,
                                     &magic, &magic_size, &digest, &tags, &tags_size, &values, &self->pixel_length,
                                     &self->context_id, &self->is_explicit, &self->levels, &self->until,
                                     &self->maximum_length, &self->most_bytes, &self->most_elements) ||
        stencil_from(&self->command, command) || stencil_from(&self->answer, answer) ||
        stencil_from(&self->meta, meta) || stencil_from(&self->receipt, receipt) || take_values(self, values) ||
        copied(&self->tags, tags, tags_size))
        return -1;
    if (magic_size != sizeof self->magic || tags_size % 4 || self->pixel_length < 0 || find_gaps(self)) {
        PyErr_SetString(PyExc_ValueError, "a message like this cannot be foretold");
        return -1;
    }
    memcpy(self->magic, magic, sizeof self->magic);
    self->tag_count = tags_size / 4;
    self->levels = self->levels < DEEPEST ? self->levels : DEEPEST;
    const Stencil *all[] = {&self->command, &self->answer, &self->meta, &self->receipt};
    for (size_t each = 0; each < 4; each++)
        self->room = stencil_room(all[each]) > self->room ? stencil_room(all[each]) : self->room;
    self->room += TAIL;
    if ((self->space = PyMem_Malloc(self->room)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(digest);
    self->new_digest = digest;
    return 0;
}

static void forget_message(Express *self) {
    Py_CLEAR(self->update);
    Py_CLEAR(self->digest);
    self->is_amid = self->is_walked = self->is_whole = 0;
    self->place = self->left = self->received = self->total = 0;
}

static void express_dealloc(PyObject *object) {
    Express *self = (Express *)object;
    PyTypeObject *type = Py_TYPE(object);
    forget_message(self);
    Py_CLEAR(self->new_digest);
    stencil_free(&self->command);
    stencil_free(&self->answer);
    stencil_free(&self->meta);
    stencil_free(&self->receipt);
    for (int each = 0; each < self->value_count; each++)
        PyMem_Free(self->values[each].value);
    PyMem_Free(self->tags);
    PyMem_Free(self->space);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static Named named(const Express *self) {
    Named one = {.uid = self->uid, .uid_size = self->uid_size, .message_id = self->message_id,
                 .size = self->received, .offset = (long long)self->meta_size, .number = self->number,
                 .number_size = self->number_size};
    return one;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* A UID of at least two characters that everybody takes for one: digits, and single dots between them. */
static int is_uid(const uint8_t *at, size_t size) {
    for (size_t each = 0; each < size; each++) {
        int is_dot = at[each] == '.';
        if (!is_dot && (at[each] < '0' || at[each] > '9'))
            return 0;
        if (is_dot && (each == 0 || each == size - 1 || at[each - 1] == '.'))
            return 0;
    }
    return size > 1;
}

/* Whether `data` begins with the command of the message under way, and with nothing else. */
static int begins_with_command(const Express *self, const uint8_t *data, int64_t size) {
    Named one = named(self);
    Py_ssize_t length = stencil_filled(&self->command, &one, self->space, self->room);
    return length > 0 && length <= size && memcmp(self->space, data, (size_t)length) == 0 &&
           PDU_HEADER + (int64_t)read_32_big(data + 2) == length;
}

/* The PDU at `data` with the command that was foretold: WHOLE, then its values are known, and its length is the message's
   first place; WAITS where it may become that, for DCMTK writes header and body one after the other; or LEFT. */
static int take_command(Express *self, const uint8_t *data, int64_t available) {
    if (available && data[0] != DATA_TF)
        return LEFT;
    if (available < PDU_HEADER)
        return WAITS;
    int64_t size = PDU_HEADER + (int64_t)read_32_big(data + 2);
    if (size <= self->uid_at || size > (int64_t)stencil_room(&self->command) || size > PDU_HEADER + self->maximum_length)
        return LEFT;
    if (available < size)
        return WAITS;
    uint32_t uid_size = read_32_little(data + self->uid_at - 4);
    if (uid_size > LONGEST_UID || uid_size % 2 || uid_size == 0 || self->uid_at + (int64_t)uid_size > size)
        return LEFT;
    memcpy(self->uid, data + self->uid_at, uid_size);
    self->uid_size = self->uid[uid_size - 1] ? uid_size : uid_size - 1;
    self->message_id = read_16_little(data + self->message_id_at);
    self->place = size;
    return is_uid(self->uid, self->uid_size) && begins_with_command(self, data, size) ? WHOLE : LEFT;
}

/* --- the data set up to its pixels -------------------------------------------------------------------------------- */

typedef struct {
    Express *express;
    uint64_t seen; /* of the values, by their number */
    int uid_is_seen;
} Comparison;

/* The Instance Number, in the form that everybody writes: digits, padded with one space at most. */
static int is_number(Express *self, const uint8_t *value, int64_t size) {
    int64_t digits = 0;
    while (digits < size && value[digits] >= '0' && value[digits] <= '9')
        digits++;
    if (self->number_size || digits == 0 || digits > LONGEST_INSTANCE_NUMBER ||
        !(digits == size || (digits + 1 == size && value[digits] == ' ')))
        return 0;
    memcpy(self->number, value, (size_t)digits);
    self->number_size = (size_t)digits;
    return 1;
}

static int is_as_foretold(void *taker, uint32_t tag, const uint8_t *value, int64_t size) {
    Comparison *comparison = taker;
    Express *self = comparison->express;
    if (tag == SOP_INSTANCE_UID) {
        int64_t padded = (int64_t)(self->uid_size + (self->uid_size & 1));
        if (comparison->uid_is_seen++ || size != padded || memcmp(value, self->uid, self->uid_size))
            return 0;
        return (size_t)size == self->uid_size || value[size - 1] == 0;
    }
    if (tag == INSTANCE_NUMBER)
        return is_number(self, value, size);
    for (int each = 0; each < self->value_count; each++) {
        const Foretold *one = &self->values[each];
        if (one->tag != tag)
            continue;
        uint64_t bit = (uint64_t)1 << each;
        if (comparison->seen & bit || size != one->size || memcmp(value, one->value, (size_t)size))
            return 0;
        comparison->seen |= bit;
        return 1;
    }
    return 0;
}

/* Where the value of the pixel data begins whose header is at `at`, or LEFT. */
static int64_t pixels_at(const Express *self, const uint8_t *data, int64_t at) {
    int64_t header = 8;
    const uint8_t *length = data + at + 4;
    if ((uint32_t)read_16_little(data + at) << 16 != (PIXEL_DATA & 0xFFFF0000u) || read_16_little(data + at + 2) != 0x0010)
        return LEFT;
    if (self->is_explicit) {
        if (length[0] != 'O' || (length[1] != 'W' && length[1] != 'B'))
            return LEFT;
        header = 12;
        length = data + at + 8;
    }
    uint32_t size = read_32_little(length);
    return size == UNDEFINED || size != self->pixel_length ? LEFT : at + header;
}

/* Walks the beginning of a fragment up to the pixels. WAITS where they may begin behind what has come. */
static int walk(Express *self, const uint8_t *data, int64_t size) {
    int64_t here = self->left < size ? self->left : size;
    int is_all = here == self->left;
    if (!is_all && here < ENOUGH)
        return WAITS;
    if (here < ELEMENT_HEADER || (!self->is_explicit && header_size(data + 4)))
        return LEFT; /* two letters where the first length is tell a wrong transfer syntax */
    Comparison comparison = {self, 0, 0};
    Pass pass = {data, here - ELEMENT_HEADER, self->is_explicit, self->tags, self->tag_count, is_as_foretold, &comparison};
    int64_t passed = 0;
    self->number_size = 0;
    int64_t stopped = pass_elements(&pass, 0, here, self->most_elements, self->levels, 1, &passed);
    if (stopped > here - ELEMENT_HEADER)
        return is_all ? LEFT : WAITS;
    int64_t pixels = pixels_at(self, data, stopped);
    if (pixels < 0 || !comparison.uid_is_seen || !self->number_size ||
        comparison.seen != (self->value_count == MOST_VALUES ? ~(uint64_t)0 : ((uint64_t)1 << self->value_count) - 1))
        return is_all || here >= 4 * ENOUGH ? LEFT : WAITS;
    self->total = pixels + self->pixel_length;
    self->is_walked = 1;
    return self->total > self->most_bytes ? LEFT : WHOLE;
}

/* --- its bytes, into the file ------------------------------------------------------------------------------------- */

static int write_all(int descriptor, struct iovec *parts, int count) {
    while (count) {
        ssize_t written = writev(descriptor, parts, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        while (count && (size_t)written >= parts->iov_len) {
            written -= (ssize_t)parts->iov_len;
            parts++, count--;
        }
        if (count) {
            parts->iov_base = (uint8_t *)parts->iov_base + written;
            parts->iov_len -= (size_t)written;
        }
    }
    return 0;
}

/* Hashes the parts from `first` on, and writes all: 0; LEFT where the disk does not take them; -2: exception. */
static int put(Express *self, struct iovec *parts, int first, int count) {
    for (int each = first; each < count; each++) {
        PyObject *view = PyMemoryView_FromMemory(parts[each].iov_base, (Py_ssize_t)parts[each].iov_len, PyBUF_READ);
        PyObject *nothing = view == NULL ? NULL : PyObject_CallFunctionObjArgs(self->update, view, NULL);
        Py_XDECREF(view);
        if (nothing == NULL)
            return -2;
        Py_DECREF(nothing);
    }
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = write_all(self->descriptor, parts, count);
    Py_END_ALLOW_THREADS
    return failed ? LEFT : 0;
}

/* Whether the next fragment of the data set begins at `header`; then it is entered. */
static int enter_fragment(Express *self, const uint8_t *header) {
    uint32_t pdu_length = read_32_big(header + 2), length = read_32_big(header + 6);
    if (header[0] != DATA_TF || pdu_length != (uint64_t)length + LENGTH_FIELD || pdu_length > self->maximum_length ||
        length < PDV_OVERHEAD || header[10] != self->context_id || header[11] & IS_COMMAND)
        return 0;
    self->left = length - PDV_OVERHEAD;
    self->control = header[11];
    self->place += HEADERS;
    return 1;
}

/* What has come of the data set: LEFT, WAITS, WHOLE, or -2: exception. */
static int take_fragments(Express *self, const uint8_t *data, int64_t available) {
    struct iovec parts[MOST_PARTS];
    int count = 0, first = 0, outcome = WAITS, failed;
    if (!self->received && !self->left) { /* nothing of it is taken yet */
        if (available - self->place < HEADERS)
            return WAITS;
        if (!enter_fragment(self, data + self->place))
            return LEFT;
    }
    if (!self->is_walked) {
        int walked = walk(self, data + self->place, available - self->place);
        if (walked != WHOLE)
            return walked;
        Named one = named(self);
        Py_ssize_t size = stencil_filled(&self->meta, &one, self->space, self->room);
        self->meta_size = (size_t)size;
        parts[count++] = (struct iovec){self->space, (size_t)size};
        first = 1;
    }
    for (;;) {
        int64_t here = self->left < available - self->place ? self->left : available - self->place;
        if (self->received + here > self->total)
            return LEFT;
        if (here) {
            parts[count++] = (struct iovec){(uint8_t *)data + self->place, (size_t)here};
            self->place += here;
            self->left -= here;
            self->received += here;
        }
        if (count == MOST_PARTS) {
            if ((failed = put(self, parts, first, count)))
                return failed;
            count = first = 0;
        }
        if (self->left)
            break;
        if (self->control & IS_LAST) {
            if (self->received != self->total)
                return LEFT;
            outcome = WHOLE;
            break;
        }
        if (available - self->place < HEADERS)
            break;
        if (!enter_fragment(self, data + self->place))
            return LEFT;
    }
    if (count && (failed = put(self, parts, first, count)))
        return failed;
    return outcome;
}

/* --- past the event loop ------------------------------------------------------------------------------------------ */

static double monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Being woken for so many bytes at once. Where the peer has gone, the next read tells. */
static void wake_for(int wire, int size) {
    (void)setsockopt(wire, SOL_SOCKET, SO_RCVLOWAT, &size, sizeof size);
}

/* Reads what comes within a thousandth of a second: how many bytes, or 0. What else may have happened to the connection
   is not looked at: whoever watches it finds it as it is. */
static int64_t read_soon(int wire, uint8_t *at, int64_t room) {
    struct pollfd one = {wire, POLLIN | POLLRDHUP, 0};
    ssize_t size = 0;
    Py_BEGIN_ALLOW_THREADS
    if (poll(&one, 1, 1) == 1 && one.revents == POLLIN)
        size = recv(wire, at, (size_t)room, MSG_DONTWAIT);
    Py_END_ALLOW_THREADS
    return size > 0 ? size : 0;
}

static int take_message(Express *self, const uint8_t *data, int64_t available) {
    if (!self->is_amid) {
        int command = self->descriptor < 0 || monotonic() >= self->until ? LEFT : take_command(self, data, available);
        if (command != WHOLE)
            return command;
        if ((self->digest = PyObject_CallNoArgs(self->new_digest)) == NULL ||
            (self->update = PyObject_GetAttrString(self->digest, "update")) == NULL)
            return -2;
        self->is_amid = 1;
    } else if (!begins_with_command(self, data, available)) {
        return LEFT; /* not where this message began: whoever used it up has forgotten to say so */
    }
    return take_fragments(self, data, available);
}

/* Goes on with a message that waits, by what comes on `wire` right now, into the buffer from `end` on. */
static int read_on(Express *self, const Py_buffer *view, long long start, long long end, int wire) {
    double until = monotonic() + A_MOMENT;
    int outcome = WAITS, woken_for = 1;
    while (outcome == WAITS && end < view->len && monotonic() < until) {
        int64_t came = read_soon(wire, (uint8_t *)view->buf + end, view->len - end);
        if (!came)
            break;
        end += came;
        self->came += came;
        outcome = take_message(self, (const uint8_t *)view->buf + start, end - start);
        int wanted = self->total - self->received >= MANY && came < MANY ? MANY : 1;
        if (outcome == WAITS && wanted != woken_for)
            wake_for(wire, woken_for = wanted);
    }
    if (woken_for != 1)
        wake_for(wire, 1);
    return outcome;
}

/* take(view, start, end, wire) -> int */
static PyObject *express_take(PyObject *object, PyObject *arguments) {
    Express *self = (Express *)object;
    Py_buffer view;
    long long start, end;
    int wire;
    self->came = 0;
    if (!PyArg_ParseTuple(arguments, "w*LLi", &view, &start, &end, &wire))
        return NULL;
    int outcome = -2;
    if (start < 0 || end < start || end > view.len || self->is_whole || (self->is_amid && self->place > end - start))
        PyErr_SetString(PyExc_ValueError, "the buffer does not hold this message");
    else
        outcome = take_message(self, (const uint8_t *)view.buf + start, end - start);
    if (outcome == WAITS && wire >= 0)
        outcome = read_on(self, &view, start, end, wire);
    PyBuffer_Release(&view);
    self->is_whole = outcome == WHOLE;
    if (outcome < 0) {
        forget_message(self);
        self->descriptor = -1;
    }
    return outcome < LEFT ? NULL : PyLong_FromLongLong(outcome == WHOLE ? self->place : outcome);
}

/* --- its receipt -------------------------------------------------------------------------------------------------- */

static uint32_t crc32_of(const uint8_t *data, size_t size) {
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t rest = byte;
            for (int bit = 0; bit < 8; bit++)
                rest = rest & 1 ? rest >> 1 ^ 0xEDB88320u : rest >> 1;
            table[byte] = rest;
        }
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t each = 0; each < size; each++)
        crc = table[(crc ^ data[each]) & 0xFF] ^ crc >> 8;
    return ~crc;
}

/* The receipt and its tail into `space`; how long they are, or -1: exception. */
static Py_ssize_t fill_receipt(Express *self) {
    PyObject *text = PyObject_GetAttrString(self->digest, "text");
    Py_ssize_t digest_size = 0, size = -1;
    const char *digest = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &digest_size);
    if (digest != NULL && digest_size <= LONGEST_DIGEST) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        Named one = named(self);
        one.digest = digest, one.digest_size = (size_t)digest_size;
        one.microseconds = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
        size = stencil_filled(&self->receipt, &one, self->space, self->room - TAIL);
    } else if (digest != NULL) {
        PyErr_SetString(PyExc_ValueError, "the digest is too long");
    }
    Py_XDECREF(text);
    if (size < 0)
        return -1;
    uint32_t numbers[] = {(uint32_t)size, crc32_of(self->space, (size_t)size)};
    for (int each = 0; each < 8; each++)
        self->space[size + each] = (uint8_t)(numbers[each / 4] >> (24 - each % 4 * 8));
    memcpy(self->space + size + 8, self->magic, sizeof self->magic);
    return size + TAIL;
}

static int sync_all(int (*sync)(int), int descriptor) {
    int failed;
    do
        failed = sync(descriptor);
    while (failed && errno == EINTR);
    return failed;
}

/* seal(synced, folder, wire) -> bytes: the file gets its receipt, is safe if that is asked for (and its name, where
   `folder` is a descriptor), and the answer goes, or what `wire` does not take of it may go. Raises OSError. */
static PyObject *express_seal(PyObject *object, PyObject *arguments) {
    Express *self = (Express *)object;
    int synced, folder, wire, failed;
    if (!PyArg_ParseTuple(arguments, "pii", &synced, &folder, &wire))
        return NULL;
    if (!self->is_whole) {
        PyErr_SetString(PyExc_ValueError, "there is no whole message to be sealed");
        return NULL;
    }
    Py_ssize_t size = fill_receipt(self);
    if (size < 0)
        return NULL;
    struct iovec part = {self->space, (size_t)size};
    Py_BEGIN_ALLOW_THREADS
    struct stat state;
    failed = write_all(self->descriptor, &part, 1) || (synced && sync_all(fdatasync, self->descriptor)) ||
             (synced && folder >= 0 && sync_all(fsync, folder)) || fstat(self->descriptor, &state);
    if (!failed && !state.st_nlink) { /* somebody has removed it while it was being written */
        errno = ENOENT;
        failed = 1;
    }
    Py_END_ALLOW_THREADS
    PyObject *answer = NULL;
    Named one = named(self);
    if (failed)
        PyErr_SetFromErrno(PyExc_OSError);
    else if ((size = stencil_filled(&self->answer, &one, self->space, self->room)) >= 0) {
        ssize_t sent = wire < 0 ? 0 : send(wire, self->space, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent = sent < 0 ? 0 : sent;
        answer = PyBytes_FromStringAndSize((char *)self->space + sent, size - sent);
    }
    forget_message(self);
    self->descriptor = -1;
    return answer;
}

/* use(descriptor): the file, new and empty, of the next message. */
static PyObject *express_use(PyObject *object, PyObject *argument) {
    Express *self = (Express *)object;
    long descriptor = PyLong_AsLong(argument);
    if (descriptor == -1 && PyErr_Occurred())
        return NULL;
    if (self->is_amid || descriptor < 0 || descriptor > INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "a descriptor is to be given between messages");
        return NULL;
    }
    self->descriptor = (int)descriptor;
    return Py_NewRef(Py_None);
}

static PyObject *get_amid(PyObject *object, void *closure) {
    (void)closure;
    const Express *self = (Express *)object;
    return PyBool_FromLong(self->is_amid && !self->is_whole);
}

static PyObject *get_ahead(PyObject *object, void *closure) {
    (void)closure;
    return PyLong_FromLongLong(((Express *)object)->total - ((Express *)object)->received);
}

static PyObject *get_came(PyObject *object, void *closure) {
    (void)closure;
    return PyLong_FromLongLong(((Express *)object)->came);
}

static PyObject *get_uid(PyObject *object, void *closure) {
    (void)closure;
    const Express *self = (Express *)object;
    return PyUnicode_DecodeLatin1((const char *)self->uid, (Py_ssize_t)self->uid_size, NULL);
}

static PyObject *get_message_id(PyObject *object, void *closure) {
    (void)closure;
    return PyLong_FromLong(((Express *)object)->message_id);
}

static PyMethodDef METHODS[] = {
    {"take", express_take, METH_VARARGS, "The bytes of a whole message that was taken; 0 while it waits; -1: left."},
    {"seal", express_seal, METH_VARARGS, "Make the message safe; gives of its answer what is left to be sent."},
    {"use", express_use, METH_O, "Take the file of the next message."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef GETTERS[] = {
    {"is_amid", get_amid, NULL, "Whether a message is under way that is not there as a whole.", NULL},
    {"ahead", get_ahead, NULL, "How many bytes of its data set are still to come.", NULL},
    {"came", get_came, NULL, "How many bytes the last `take` has read itself.", NULL},
    {"sop_instance_uid", get_uid, NULL, "Of that message, or of the last one.", NULL},
    {"message_id", get_message_id, NULL, "Likewise.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot SLOTS[] = {
    {Py_tp_doc, "Takes C-STOREs that are like one before."},
    {Py_tp_init, express_init},
    {Py_tp_dealloc, express_dealloc},
    {Py_tp_methods, METHODS},
    {Py_tp_getset, GETTERS},
    {0, NULL},
};

static PyType_Spec SPEC = {"netty_native.Express", sizeof(Express), 0, Py_TPFLAGS_DEFAULT, SLOTS};

int add_express(PyObject *module) {
    PyObject *type = PyType_FromSpec(&SPEC);
    int failed = type == NULL || PyModule_AddObjectRef(module, "Express", type);
    Py_XDECREF(type);
    return failed ? -1 : 0;
}
