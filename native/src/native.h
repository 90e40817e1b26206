/* What the files of this module share. Each function here is the twin of one in netty that is written in Python: it
   gives the same for every input, or leaves what is odd to it. So does the type Express (express.c) with whole messages:
   it takes those that are as foretold, and leaves all others. Nothing here decides anything about a peer. */

#ifndef NETTY_NATIVE_H
#define NETTY_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t read_16_little(const uint8_t *at) {
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t read_32_little(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint32_t read_32_big(const uint8_t *at) {
    return (uint32_t)at[3] | (uint32_t)at[2] << 8 | (uint32_t)at[1] << 16 | (uint32_t)at[0] << 24;
}

/* P-DATA-TF (PS3.8 section 9.3.5 and Annex E), as netty/ul/codec.py has it. */
#define PDU_HEADER 6
#define HEADERS 12 /* of a P-DATA-TF and the first PDV in it */
#define LENGTH_FIELD 4 /* of a PDV: what the length of a PDU counts besides that of its PDV */
#define PDV_OVERHEAD 2
#define DATA_TF 0x04
#define IS_COMMAND 0x01
#define IS_LAST 0x02

/* Elements of a data set (PS3.5 section 7.1), as netty/dicom/plain_elements.py has them. */
#define ELEMENT_HEADER 12 /* bytes that are looked at, of either form */
#define UNDEFINED 0xFFFFFFFFu
#define PIXEL_DATA 0x7FE00010u
#define DEEPEST 8 /* sequences in sequences */

typedef struct {
    const uint8_t *data;
    int64_t last;        /* the last place where a header can stand */
    int is_explicit;
    const uint8_t *tags; /* the wanted ones, and the pixel data: numbers of 32 bits, in order */
    Py_ssize_t tag_count;
    /* Takes a wanted value: 1; 0 where it needs a closer look; -1: exception. */
    int (*take)(void *taker, uint32_t tag, const uint8_t *value, int64_t size);
    void *taker;
} Pass;

/* Passes over at most about `most` elements that end at `end` or before: where the first stands that needs a closer
   look. Adds to `passed` how many there were. -2: exception. */
int64_t pass_elements(const Pass *pass, int64_t offset, int64_t end, int64_t most, int levels, int is_top,
                      int64_t *passed);

/* How long the header of an element with this VR is (PS3.5 section 7.1.2); 0: no VR of the standard. */
int header_size(const uint8_t *vr);

/* Bytes with gaps that what names one image fills: netty/dicom/stencil.py. */
enum {
    GAP_NONE,
    GAP_UID,
    GAP_UID_TEXT,
    GAP_UID_LENGTH_16,
    GAP_UID_LENGTH_32,
    GAP_UID_LENGTH_32_BIG,
    GAP_MESSAGE_ID,
    GAP_SIZE,
    GAP_OFFSET,
    GAP_DIGEST,
    GAP_NUMBER,
    GAP_TIME,
};

#define LONGEST_UID 64
#define LONGEST_DIGEST 96
#define LONGEST_INSTANCE_NUMBER 16
#define LONGEST_GAP LONGEST_DIGEST /* the longest of them, and of what numbers are written with */

typedef struct {
    uint8_t *literal; /* before the gap */
    size_t size;
    int gap;
    unsigned int base; /* of a length, to which the UID's is added */
} StencilPiece;

typedef struct {
    StencilPiece *pieces;
    int count;
} Stencil;

/* What names one image. Whoever fills it in keeps to the lengths above. */
typedef struct {
    const uint8_t *uid; /* without its padding */
    size_t uid_size;
    unsigned short message_id;
    long long size, offset;
    const char *digest;
    size_t digest_size;
    const uint8_t *number;
    size_t number_size;
    long long microseconds;
} Named;

int stencil_from(Stencil *stencil, PyObject *pieces); /* -1: exception; to be freed in either case */
void stencil_free(Stencil *stencil);
size_t stencil_room(const Stencil *stencil); /* that `stencil_filled` may take */
/* How many bytes it took; -1 where `room` is too small. */
Py_ssize_t stencil_filled(const Stencil *stencil, const Named *named, uint8_t *at, size_t room);

/* One copy of a loop for each size of vectors; the one for this processor is chosen when the module is loaded. */
#if defined(__x86_64__) && defined(__GLIBC__) && (defined(__clang__) ? __clang_major__ >= 14 : __GNUC__ >= 12)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_EACH_PROCESSOR
#endif

PyObject *pass_implicit(PyObject *module, PyObject *arguments);
PyObject *pass_explicit(PyObject *module, PyObject *arguments);
PyObject *take_alike(PyObject *module, PyObject *arguments);
PyObject *split_elements(PyObject *module, PyObject *arguments);
PyObject *gather(PyObject *module, PyObject *arguments);
PyObject *paint_ramp(PyObject *module, PyObject *arguments);
PyObject *look_up(PyObject *module, PyObject *arguments);
PyObject *content(PyObject *module, PyObject *arguments);
PyObject *sums(PyObject *module, PyObject *arguments);
PyObject *agrees(PyObject *module, PyObject *arguments);
PyObject *reduce(PyObject *module, PyObject *arguments);
PyObject *filled(PyObject *module, PyObject *arguments);

int add_express(PyObject *module); /* the type Express; -1: exception */

#endif
