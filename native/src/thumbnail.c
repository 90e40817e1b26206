/* Making a picture smaller by whole steps: the twin of netty.image.thumbnail.reduced, which Pillow's reduce does. */

#include "native.h"

#define WORTH_LETTING_GO (1 << 18) /* octets: fewer are added up sooner than other threads are let in and out */
#define LARGEST (1 << 28) /* of both sides, so that their product is a number */

/* A square, or what there is of one: what is added to its sum so that its mean is rounded, and what the sum is multiplied
   with in place of a division; 24 bits of the product are behind the point. Both as Pillow has them, which cuts the
   second one, and so a few means. */
typedef struct {
    uint32_t half, factor;
} Mean;

static Mean mean_of(uint32_t pixels) {
    float factor = 4294967296.0f / (float)(256 * pixels);
    return (Mean){pixels / 2, (uint32_t)factor};
}

typedef struct {
    size_t rows, columns, samples, step;
} Picture;

/* Adds a row of octets to sums. */
FOR_EACH_PROCESSOR
static void add(uint16_t *restrict sums, const uint8_t *restrict row, size_t size) {
    for (size_t at = 0; at < size; at++)
        sums[at] = (uint16_t)(sums[at] + row[at]);
}

/* The means of so many pieces of a row, each of `step` pixels, by the sums of their columns. */
static inline void write_means(uint8_t *restrict small, const uint16_t *restrict sums, size_t pieces, size_t step,
                               size_t samples, Mean mean) {
    for (size_t piece = 0; piece < pieces; piece++)
        for (size_t sample = 0; sample < samples; sample++) {
            uint32_t sum = mean.half;
            for (size_t each = 0; each < step; each++)
                sum += sums[(piece * step + each) * samples + sample];
            small[piece * samples + sample] = (uint8_t)(sum * mean.factor >> 24);
        }
}

#define WITH(number, others) \
    case number: \
        write_means(small, sums, pieces, number, others, mean); \
        break;

/* The same; loops whose length is known beforehand take a third of the time. */
FOR_EACH_PROCESSOR
static void write_grey_means(uint8_t *restrict small, const uint16_t *restrict sums, size_t pieces, size_t step,
                             Mean mean) {
    switch (step) {
        WITH(2, 1) WITH(3, 1) WITH(4, 1) WITH(5, 1) WITH(6, 1) WITH(7, 1) WITH(8, 1)
    default:
        write_means(small, sums, pieces, step, 1, mean);
    }
}

FOR_EACH_PROCESSOR
static void write_colour_means(uint8_t *restrict small, const uint16_t *restrict sums, size_t pieces, size_t step,
                               Mean mean) {
    switch (step) {
        WITH(2, 3) WITH(3, 3) WITH(4, 3) WITH(5, 3)
    default:
        write_means(small, sums, pieces, step, 3, mean);
    }
}

/* The means of one row of squares, by the sums of its columns. */
static void write_row(uint8_t *small, const uint16_t *sums, const Picture *picture, size_t rows) {
    size_t pieces = picture->columns / picture->step, rest = picture->columns % picture->step;
    size_t samples = picture->samples;
    (samples == 1 ? write_grey_means : write_colour_means)(small, sums, pieces, picture->step,
                                                           mean_of((uint32_t)(picture->step * rows)));
    if (rest)
        write_means(small + pieces * samples, sums + pieces * picture->step * samples, 1, rest, samples,
                    mean_of((uint32_t)(rest * rows)));
}

static void reduce_rows(uint8_t *small, const uint8_t *pixels, const Picture *picture, uint16_t *sums) {
    size_t width = picture->columns * picture->samples, small_columns = (picture->columns - 1) / picture->step + 1;
    for (size_t row = 0; row < picture->rows;) {
        size_t rows = 0;
        memset(sums, 0, width * sizeof *sums);
        for (; rows < picture->step && row < picture->rows; rows++, row++, pixels += width)
            add(sums, pixels, width);
        write_row(small, sums, picture, rows);
        small += small_columns * picture->samples;
    }
}

/* reduce(small, pixels, rows, columns, samples, step): writes the mean of each square of `step` times `step` pixels, or of
   what there is of it at the ends. */
PyObject *reduce(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer small, pixels;
    int rows, columns, samples, step;
    if (!PyArg_ParseTuple(arguments, "w*y*iiii", &small, &pixels, &rows, &columns, &samples, &step))
        return NULL;
    uint16_t *sums = NULL;
    const uint8_t *to = small.buf, *from = pixels.buf;
    if (rows < 1 || rows > LARGEST || columns < 1 || columns > LARGEST || (samples != 1 && samples != 3) || step < 1 ||
        step > 255 || pixels.len != (int64_t)rows * columns * samples ||
        small.len != (int64_t)((rows - 1) / step + 1) * ((columns - 1) / step + 1) * samples ||
        (to < from + pixels.len && from < to + small.len)) {
        PyErr_SetString(PyExc_ValueError, "these are not the pixels of a picture and the room for a smaller one");
    } else if ((sums = PyMem_Malloc((size_t)columns * (size_t)samples * sizeof *sums)) == NULL) {
        PyErr_NoMemory();
    } else {
        Picture picture = {(size_t)rows, (size_t)columns, (size_t)samples, (size_t)step};
        PyThreadState *state = pixels.len >= WORTH_LETTING_GO ? PyEval_SaveThread() : NULL;
        reduce_rows(small.buf, pixels.buf, &picture, sums);
        if (state != NULL)
            PyEval_RestoreThread(state);
    }
    int is_done = sums != NULL;
    PyMem_Free(sums);
    PyBuffer_Release(&small);
    PyBuffer_Release(&pixels);
    return is_done ? Py_NewRef(Py_None) : NULL;
}
