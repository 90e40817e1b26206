/* Passing over elements that need no closer look (PS3.5 sections 7.1 and 7.5): the twin of netty/dicom/plain_elements.py,
   step by step. Whatever is not plain to see is left to the walk, by stopping in front of it. */

#include "native.h"

#define ITEM 0xE000FFFEu /* read as one number */
#define LOWEST_GROUP 0x0008 /* below are commands and file meta information */
#define DELIMITERS 0xFFFE
#define NOT_PASSED (-1)

/* Binary values, which may begin like an item: netty.dicom.tags.BINARY, in order, and BINARY_GROUPS. */
static const uint32_t BINARY[] = {
    0x0008041B, 0x00281201, 0x00281202, 0x00281203, 0x00281204, 0x00281221, 0x00281222,
    0x00281223, 0x00283006, 0x00420011, 0x00660016, 0x00660023, 0x00660029, 0x54001010,
};

/* Takes wanted values for Python: into a dict, and their tags into a set. */
typedef struct {
    long longest; /* of a wanted value */
    PyObject *values, *seen;
} Collector;

static int is_binary(uint32_t tag) {
    uint32_t group = tag >> 16 & 0xFF00;
    if (group == 0x5000 || group == 0x6000 || group == 0x7F00)
        return 1;
    for (size_t at = 0; at < sizeof BINARY / sizeof *BINARY; at++)
        if (BINARY[at] == tag)
            return 1;
    return 0;
}

static int is_wanted(const Pass *pass, uint32_t tag) {
    Py_ssize_t low = 0, high = pass->tag_count;
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        uint32_t there;
        memcpy(&there, pass->tags + middle * 4, 4);
        if (there == tag)
            return 1;
        if (there < tag)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

#define VR(one, other) ((one) | (other) << 8)

int header_size(const uint8_t *vr) {
    switch (VR(vr[0], vr[1])) {
    case VR('A', 'E'): case VR('A', 'S'): case VR('A', 'T'): case VR('C', 'S'): case VR('D', 'A'): case VR('D', 'S'):
    case VR('D', 'T'): case VR('F', 'D'): case VR('F', 'L'): case VR('I', 'S'): case VR('L', 'O'): case VR('L', 'T'):
    case VR('P', 'N'): case VR('S', 'H'): case VR('S', 'L'): case VR('S', 'S'): case VR('S', 'T'): case VR('T', 'M'):
    case VR('U', 'I'): case VR('U', 'L'): case VR('U', 'S'):
        return 8;
    case VR('O', 'B'): case VR('O', 'D'): case VR('O', 'F'): case VR('O', 'L'): case VR('O', 'V'): case VR('O', 'W'):
    case VR('S', 'Q'): case VR('S', 'V'): case VR('U', 'C'): case VR('U', 'N'): case VR('U', 'R'): case VR('U', 'T'):
    case VR('U', 'V'):
        return 12;
    }
    return 0;
}

/* 0 for a second value, a long one, and the pixel data. */
static int collect(void *taker, uint32_t tag, const uint8_t *value, int64_t size) {
    const Collector *collector = taker;
    if (size > collector->longest || tag == PIXEL_DATA)
        return 0;
    PyObject *number = PyLong_FromUnsignedLong(tag);
    if (number == NULL)
        return -1;
    int outcome = PySet_Contains(collector->seen, number);
    if (outcome == 0) {
        PyObject *bytes = PyBytes_FromStringAndSize((const char *)value, (Py_ssize_t)size);
        outcome = bytes != NULL && PySet_Add(collector->seen, number) == 0 &&
                          PyDict_SetItem(collector->values, number, bytes) == 0
                      ? 1
                      : -1;
        Py_XDECREF(bytes);
    } else if (outcome == 1) {
        outcome = 0;
    }
    Py_DECREF(number);
    return outcome;
}

/* Passes over the items of a sequence whose value begins at `offset`, and over its delimiter if it has one: where it
   ends, or NOT_PASSED. `levels` are those that may still be entered. */
static int64_t pass_sequence(const Pass *pass, int64_t offset, int64_t end, uint32_t length, int64_t most, int levels,
                             int64_t *passed) {
    int is_open = length == UNDEFINED;
    int64_t stop = is_open ? end : offset + length;
    if (stop > end || levels <= 0)
        return NOT_PASSED;
    while (is_open || offset < stop) {
        if (offset > pass->last || *passed >= most)
            return NOT_PASSED;
        uint32_t tag = read_32_little(pass->data + offset), item_length = read_32_little(pass->data + offset + 4);
        offset += 8;
        ++*passed;
        if (is_open && tag == 0xE0DDFFFEu && item_length == 0)
            return offset <= stop ? offset : NOT_PASSED;
        int item_is_open = item_length == UNDEFINED;
        int64_t item_end = item_is_open ? stop : offset + item_length;
        if (tag != ITEM || item_end > stop)
            return NOT_PASSED;
        offset = pass_elements(pass, offset, item_end, most - *passed, levels - 1, 0, passed);
        if (item_is_open) {
            if (offset > pass->last || read_32_little(pass->data + offset) != 0xE00DFFFEu ||
                read_32_little(pass->data + offset + 4) != 0)
                return NOT_PASSED;
            offset += 8;
            ++*passed;
        } else if (offset != item_end) {
            return NOT_PASSED;
        }
    }
    return offset;
}

int64_t pass_elements(const Pass *pass, int64_t offset, int64_t end, int64_t most, int levels, int is_top,
                      int64_t *passed) {
    int64_t before = *passed;
    while (offset < end && offset <= pass->last && *passed - before < most) {
        const uint8_t *header = pass->data + offset;
        uint32_t group = read_16_little(header), tag = group << 16 | read_16_little(header + 2);
        if (group < LOWEST_GROUP || group >= DELIMITERS)
            break;
        int64_t start = offset + 8;
        uint32_t length;
        int may_hold_items, is_named_sequence = 0;
        if (pass->is_explicit) {
            int size = header_size(header + 4);
            if (size == 0)
                break;
            start = offset + size;
            length = size == 8 ? read_16_little(header + 6) : read_32_little(header + 8);
            may_hold_items = is_named_sequence = header[4] == 'S' && header[5] == 'Q';
        } else {
            length = read_32_little(header + 4);
            may_hold_items = read_32_little(header + 8) == ITEM;
        }
        int64_t stop = start + length;
        if (is_top ? is_wanted(pass, tag) : tag == PIXEL_DATA) {
            if (may_hold_items || stop > end || !is_top)
                break;
            int collected = pass->take(pass->taker, tag, pass->data + start, length);
            if (collected < 0)
                return -2;
            if (!collected)
                break;
        } else if (is_named_sequence ||
                   (!pass->is_explicit && ((may_hold_items && length >= 8) || length == UNDEFINED))) {
            if (!pass->is_explicit && is_binary(tag))
                break;
            int64_t inside = 0;
            stop = pass_sequence(pass, start, end, length, most - (*passed - before), levels, &inside);
            if (stop < 0)
                break;
            *passed += inside;
        } else if (stop > end) {
            break;
        }
        offset = stop;
        ++*passed;
    }
    return offset;
}

/* The two functions differ in the form of the headers alone. */
static PyObject *pass_over(PyObject *arguments, int is_explicit) {
    Py_buffer data, tags;
    PyObject *values, *seen, *result = NULL;
    long long offset, end, most;
    long longest;
    int levels;
    if (!PyArg_ParseTuple(arguments, "y*LLLy*lO!O!i", &data, &offset, &end, &most, &tags, &longest, &PyDict_Type,
                          &values, &PySet_Type, &seen, &levels))
        return NULL;
    if (offset < 0 || offset > data.len || end > data.len || tags.len % 4) {
        PyErr_SetString(PyExc_ValueError, "these bytes do not hold what is to be passed over");
    } else {
        Collector collector = {longest, values, seen};
        Pass pass = {data.buf, data.len - ELEMENT_HEADER, is_explicit, tags.buf, tags.len / 4, collect, &collector};
        int64_t passed = 0;
        int64_t stopped = pass_elements(&pass, offset, end, most, levels < DEEPEST ? levels : DEEPEST, 1, &passed);
        if (stopped >= 0)
            result = Py_BuildValue("LL", (long long)stopped, (long long)passed);
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&tags);
    return result;
}

PyObject *pass_implicit(PyObject *module, PyObject *arguments) {
    (void)module;
    return pass_over(arguments, 0);
}

PyObject *pass_explicit(PyObject *module, PyObject *arguments) {
    (void)module;
    return pass_over(arguments, 1);
}
