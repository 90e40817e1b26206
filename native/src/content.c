/* A look at a picture, and at the cells that it was made from: the twins of netty/image/self_check.py. */

#include "native.h"

#define NEARLY_BLACK 12 /* of 255; these are netty.image.self_check's numbers */
#define NEARLY_ALL 0.999
#define MOST 0.99
#define SAMPLES 2048
#define MOST_SAMPLES (1 << 20) /* so that no sum of squares is too large for 64 bits, or for 53 */

enum { ORDINARY, FLAT, BLACK };

static int64_t count_black(const uint8_t *at, int64_t size, int64_t step) {
    int64_t black = 0;
    for (int64_t each = 0; each < size; each += step)
        black += at[each] <= NEARLY_BLACK;
    return black;
}

static int looked_at(const uint8_t *picture, int64_t size, int64_t pixel) {
    if (memcmp(picture, picture + pixel, (size_t)(size - pixel)) == 0)
        return FLAT;
    int64_t step = size / SAMPLES > 1 ? size / SAMPLES | 1 : 1;
    int64_t samples = (size + step - 1) / step;
    return (double)count_black(picture, size, step) >= MOST * (double)samples &&
                   (double)count_black(picture, size, 1) >= NEARLY_ALL * (double)size
               ? BLACK
               : ORDINARY;
}

/* content(picture, pixel): 1 where all pixels, of so many octets each, are the same, 2 where there is hardly more than
   black, or 0. */
PyObject *content(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer picture;
    Py_ssize_t pixel;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(arguments, "y*n", &picture, &pixel))
        return NULL;
    if (pixel < 1 || picture.len < pixel || picture.len % pixel)
        PyErr_SetString(PyExc_ValueError, "a picture is to have one pixel or more, and no part of one");
    else
        result = PyLong_FromLong(looked_at(picture.buf, picture.len, pixel));
    PyBuffer_Release(&picture);
    return result;
}

typedef struct {
    int size; /* octets of a cell */
    int shift, stored_bits, is_signed, has_padding;
    long low, high; /* of the padding */
} Cell;

static int32_t stored_value(const uint8_t *at, const Cell *cell) {
    uint16_t bits = *at;
    if (cell->size == 2)
        memcpy(&bits, at, 2);
    int32_t sign = 1 << (cell->stored_bits - 1);
    int32_t value = bits >> cell->shift & (2 * sign - 1);
    return cell->is_signed ? (value ^ sign) - sign : value;
}

/* sums(greys, step, cells, shift, stored_bits, signed, padding or None): how many pairs of a grey and a value there are,
   of each step-th grey with the next cell, without padding; the sums of the greys, of the values, of the greys' squares,
   of the products, and of the values' squares. Values are counted from the first. */
PyObject *sums(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer greys, cells;
    Py_ssize_t step;
    PyObject *padding, *result = NULL;
    Cell cell;
    if (!PyArg_ParseTuple(arguments, "y*ny*iipO", &greys, &step, &cells, &cell.shift, &cell.stored_bits,
                          &cell.is_signed, &padding))
        return NULL;
    Py_ssize_t count = step < 1 || !greys.len ? 0 : (greys.len - 1) / step + 1;
    cell.size = cells.len == count ? 1 : 2;
    cell.has_padding = padding != Py_None;
    if (step < 1 || count > MOST_SAMPLES || cells.len != count * cell.size || cell.shift < 0 || cell.stored_bits < 1 ||
        cell.shift > 15 || cell.stored_bits > 16 || cell.shift + cell.stored_bits > 8 * cell.size) {
        PyErr_SetString(PyExc_ValueError, "there is to be one cell for each grey that is looked at");
    } else if (!cell.has_padding || PyArg_ParseTuple(padding, "ll", &cell.low, &cell.high)) {
        int64_t pairs = 0, of_greys = 0, of_values = 0, of_products = 0, grey_squares = 0, value_squares = 0, first = 0;
        const uint8_t *at = cells.buf;
        for (Py_ssize_t each = 0; each < count; each++, at += cell.size) {
            int32_t stored = stored_value(at, &cell);
            if (cell.has_padding && cell.low <= stored && stored <= cell.high)
                continue;
            first = pairs++ ? first : stored;
            int64_t grey = ((const uint8_t *)greys.buf)[each * step], value = stored - first;
            of_greys += grey;
            of_values += value;
            grey_squares += grey * grey;
            of_products += grey * value;
            value_squares += value * value;
        }
        result = Py_BuildValue("LLLLLL", (long long)pairs, (long long)of_greys, (long long)of_values,
                               (long long)grey_squares, (long long)of_products, (long long)value_squares);
    }
    PyBuffer_Release(&greys);
    PyBuffer_Release(&cells);
    return result;
}
