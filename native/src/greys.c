/* Greys of cells: the twins of netty/image/ramp.py and of the looking up in netty/image/pixel_data.py, for greys of 8
   bits. No step of a loop asks what another one found, so that a compiler makes vectors of them. */

#include "native.h"

#define FRACTION 24 /* bits behind the point of a grey while it is computed: netty.image.ramp */
#define WORTH_LETTING_GO (1 << 18) /* cells: fewer are painted sooner than other threads are let in and out */

typedef struct {
    uint16_t mask, sign, low, high;
    uint32_t factor, start;
} Ramp;

static inline uint8_t grey_of(uint16_t value, Ramp ramp) {
    value = (uint16_t)((value & ramp.mask) ^ ramp.sign);
    value = value < ramp.low ? ramp.low : value;
    value = value > ramp.high ? ramp.high : value;
    return (uint8_t)((value * ramp.factor + ramp.start) >> FRACTION);
}

FOR_EACH_PROCESSOR
static void paint_words(uint8_t *restrict greys, const uint8_t *restrict cells, size_t count, Ramp ramp) {
    for (size_t at = 0; at < count; at++) {
        uint16_t value;
        memcpy(&value, cells + 2 * at, 2); /* they may stand anywhere */
        greys[at] = grey_of(value, ramp);
    }
}

FOR_EACH_PROCESSOR
static void paint_octets(uint8_t *restrict greys, const uint8_t *restrict cells, size_t count, Ramp ramp) {
    for (size_t at = 0; at < count; at++)
        greys[at] = grey_of(cells[at], ramp);
}

static void look_up_words(uint8_t *restrict greys, const uint8_t *restrict cells, size_t count,
                          const uint8_t *restrict table) {
    for (size_t at = 0; at < count; at++) {
        uint16_t value;
        memcpy(&value, cells + 2 * at, 2);
        greys[at] = table[value];
    }
}

/* How many bytes a cell has, where these are as many cells as greys; 0, and ValueError, where they are not. */
static Py_ssize_t cell_size(const Py_buffer *greys, const Py_buffer *cells) {
    const uint8_t *grey = greys->buf, *cell = cells->buf;
    if (cells->len != greys->len && (greys->len > PY_SSIZE_T_MAX / 2 || cells->len != 2 * greys->len))
        PyErr_SetString(PyExc_ValueError, "there is to be room for one grey of 8 bits for each cell of 8 or 16");
    else if (grey < cell + cells->len && cell < grey + greys->len)
        PyErr_SetString(PyExc_ValueError, "greys cannot be written over the cells that they are made from");
    else
        return cells->len == greys->len && greys->len ? 1 : 2;
    return 0;
}

/* paint_ramp(greys, cells, stored_bits, signed, low, high, factor, start): writes the grey of each cell. */
PyObject *paint_ramp(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer greys, cells;
    int stored_bits, is_signed, low, high;
    long long factor, start;
    if (!PyArg_ParseTuple(arguments, "w*y*ipiiLL", &greys, &cells, &stored_bits, &is_signed, &low, &high, &factor,
                          &start))
        return NULL;
    Py_ssize_t size = cell_size(&greys, &cells);
    if (size && (stored_bits < 1 || stored_bits > 8 * size || low < 0 || low > 0xFFFF || high < 0 || high > 0xFFFF ||
                 factor < 0 || factor > 0xFFFFFFFF || start < 0 || start > 0xFFFFFFFF)) {
        PyErr_SetString(PyExc_ValueError, "these numbers are no ramp over such cells");
        size = 0;
    }
    if (size) {
        unsigned sign = 1u << (stored_bits - 1);
        Ramp ramp = {(uint16_t)(2 * sign - 1), (uint16_t)(is_signed ? sign : 0), (uint16_t)low, (uint16_t)high,
                     (uint32_t)factor, (uint32_t)start};
        PyThreadState *state = greys.len >= WORTH_LETTING_GO ? PyEval_SaveThread() : NULL;
        (size == 1 ? paint_octets : paint_words)(greys.buf, cells.buf, (size_t)greys.len, ramp);
        if (state != NULL)
            PyEval_RestoreThread(state);
    }
    PyBuffer_Release(&greys);
    PyBuffer_Release(&cells);
    return size ? Py_NewRef(Py_None) : NULL;
}

/* look_up(greys, cells, table): writes the grey of each cell of 16 bits, which the table has for each of their values. */
PyObject *look_up(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer greys, cells, table;
    if (!PyArg_ParseTuple(arguments, "w*y*y*", &greys, &cells, &table))
        return NULL;
    Py_ssize_t size = cell_size(&greys, &cells);
    const uint8_t *grey = greys.buf, *entry = table.buf;
    if (size && (size != 2 || table.len != 1 << 16 || (grey < entry + table.len && entry < grey + greys.len))) {
        PyErr_SetString(PyExc_ValueError, "the table is to have a grey for each value of 16 bits, in memory of its own");
        size = 0;
    }
    if (size) {
        PyThreadState *state = greys.len >= WORTH_LETTING_GO ? PyEval_SaveThread() : NULL;
        look_up_words(greys.buf, cells.buf, (size_t)greys.len, table.buf);
        if (state != NULL)
            PyEval_RestoreThread(state);
    }
    PyBuffer_Release(&greys);
    PyBuffer_Release(&cells);
    PyBuffer_Release(&table);
    return size ? Py_NewRef(Py_None) : NULL;
}
