/* Bytes with gaps that what names one image fills: the twin of netty/dicom/stencil.py. */

#include "native.h"

#define MOST_PIECES 64
#define LONGEST_NUMBER 24 /* of digits that a whole number, or a time, is written with */

int stencil_from(Stencil *stencil, PyObject *pieces) {
    memset(stencil, 0, sizeof *stencil);
    Py_ssize_t count = PyTuple_Check(pieces) ? PyTuple_Size(pieces) : -1;
    if (count < 0 || count > MOST_PIECES) {
        PyErr_SetString(PyExc_ValueError, "a stencil is to be a tuple of at most 64 pieces");
        return -1;
    }
    stencil->pieces = PyMem_Calloc((size_t)count + 1, sizeof *stencil->pieces);
    if (stencil->pieces == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t number = 0; number < count; number++) {
        StencilPiece *piece = &stencil->pieces[number];
        const char *literal;
        Py_ssize_t size;
        if (!PyArg_ParseTuple(PyTuple_GetItem(pieces, number), "y#iI", &literal, &size, &piece->gap, &piece->base))
            return -1;
        if ((piece->literal = PyMem_Malloc((size_t)size + 1)) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(piece->literal, literal, (size_t)size);
        piece->size = (size_t)size;
        stencil->count++;
    }
    return 0;
}

void stencil_free(Stencil *stencil) {
    for (int number = 0; number < stencil->count; number++)
        PyMem_Free(stencil->pieces[number].literal);
    PyMem_Free(stencil->pieces);
    memset(stencil, 0, sizeof *stencil);
}

static size_t number_filled(uint8_t *at, uint32_t value, size_t bytes, int big) {
    for (size_t each = 0; each < bytes; each++)
        at[big ? bytes - 1 - each : each] = (uint8_t)(value >> 8 * each);
    return bytes;
}

static size_t text_filled(uint8_t *at, const char *format, long long value) {
    char text[LONGEST_NUMBER + 1];
    int size = PyOS_snprintf(text, sizeof text, format, value);
    memcpy(at, text, (size_t)size);
    return (size_t)size;
}

/* Microseconds since the epoch as seconds, with six digits behind the point. */
static size_t time_filled(uint8_t *at, long long microseconds) {
    size_t size = text_filled(at, "%lld", microseconds / 1000000);
    at[size++] = '.';
    return size + text_filled(at + size, "%06lld", microseconds % 1000000);
}

static size_t gap_filled(uint8_t *at, const StencilPiece *piece, const Named *named) {
    size_t padded = named->uid_size + (named->uid_size & 1);
    uint32_t length = piece->base + (uint32_t)padded;
    switch (piece->gap) {
    case GAP_UID:
        memcpy(at, named->uid, named->uid_size);
        memset(at + named->uid_size, 0, padded - named->uid_size);
        return padded;
    case GAP_UID_TEXT:
        memcpy(at, named->uid, named->uid_size);
        return named->uid_size;
    case GAP_UID_LENGTH_16:
        return number_filled(at, length, 2, 0);
    case GAP_UID_LENGTH_32:
        return number_filled(at, length, 4, 0);
    case GAP_UID_LENGTH_32_BIG:
        return number_filled(at, length, 4, 1);
    case GAP_MESSAGE_ID:
        return number_filled(at, named->message_id, 2, 0);
    case GAP_SIZE:
        return text_filled(at, "%lld", named->size);
    case GAP_OFFSET:
        return text_filled(at, "%lld", named->offset);
    case GAP_DIGEST:
        memcpy(at, named->digest, named->digest_size);
        return named->digest_size;
    case GAP_NUMBER:
        memcpy(at, named->number, named->number_size);
        return named->number_size;
    case GAP_TIME:
        return time_filled(at, named->microseconds);
    }
    return 0;
}

Py_ssize_t stencil_filled(const Stencil *stencil, const Named *named, uint8_t *at, size_t room) {
    size_t size = 0;
    for (int number = 0; number < stencil->count; number++) {
        const StencilPiece *piece = &stencil->pieces[number];
        if (piece->size + LONGEST_GAP > room - size)
            return -1;
        memcpy(at + size, piece->literal, piece->size);
        size += piece->size;
        size += gap_filled(at + size, piece, named);
    }
    return (Py_ssize_t)size;
}

size_t stencil_room(const Stencil *stencil) {
    size_t room = 0;
    for (int number = 0; number < stencil->count; number++)
        room += stencil->pieces[number].size + LONGEST_GAP;
    return room;
}

/* filled(pieces, uid, message_id, size, offset, digest, number, microseconds) -> bytes */
PyObject *filled(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *pieces, *result = NULL;
    const char *uid, *digest, *instance_number;
    Py_ssize_t uid_size, digest_size, number_size;
    Named named;
    if (!PyArg_ParseTuple(arguments, "Oy#HLLy#y#L", &pieces, &uid, &uid_size, &named.message_id, &named.size,
                          &named.offset, &digest, &digest_size, &instance_number, &number_size, &named.microseconds))
        return NULL;
    if (uid_size > LONGEST_UID || digest_size > LONGEST_DIGEST || number_size > LONGEST_INSTANCE_NUMBER ||
        named.microseconds < 0) {
        PyErr_SetString(PyExc_ValueError, "what is to fill the gaps is too long");
        return NULL;
    }
    named.uid = (const uint8_t *)uid, named.uid_size = (size_t)uid_size;
    named.digest = digest, named.digest_size = (size_t)digest_size;
    named.number = (const uint8_t *)instance_number, named.number_size = (size_t)number_size;
    Stencil stencil;
    uint8_t *at = NULL;
    if (stencil_from(&stencil, pieces) == 0) {
        size_t room = stencil_room(&stencil);
        if ((at = PyMem_Malloc(room + 1)) == NULL)
            PyErr_NoMemory();
        else
            result = PyBytes_FromStringAndSize((char *)at, stencil_filled(&stencil, &named, at, room));
    }
    PyMem_Free(at);
    stencil_free(&stencil);
    return result;
}
