/* Messages in a row that begin with the same command (PS3.8 section 9.3.5 and Annex E): the twin of netty/ul/alike.py.
   Whatever is odd about a PDU is left to the reader of any PDU, by stopping in front of it. */

#include "native.h"

#define CONTEXT_ID 10

/* Whether the data set's PDU at `header` is whole and plain; `size` becomes that of its value. */
static int is_whole(const uint8_t *header, long long there, uint8_t context_id, long long maximum_length,
                    long long *size) {
    uint32_t pdu_length = read_32_big(header + 2), length = read_32_big(header + 6);
    *size = (long long)length - PDV_OVERHEAD;
    return header[0] == DATA_TF && pdu_length == (uint64_t)length + LENGTH_FIELD && pdu_length <= maximum_length &&
           *size >= 0 && *size <= there - HEADERS && header[CONTEXT_ID] == context_id &&
           (header[11] & (IS_COMMAND | IS_LAST)) == IS_LAST;
}

/* take_alike(view, position, end, command, maximum_length, most) -> (position, data sets) */
PyObject *take_alike(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer view, command;
    long long position, end, maximum_length, most;
    if (!PyArg_ParseTuple(arguments, "y*LLy*LL", &view, &position, &end, &command, &maximum_length, &most))
        return NULL;
    PyObject *result = NULL, *data_sets = NULL;
    if (position < 0 || end < position || end > view.len || command.len < HEADERS) {
        PyErr_SetString(PyExc_ValueError, "the buffer does not hold these messages");
        goto done;
    }
    if ((data_sets = PyList_New(0)) == NULL)
        goto done;
    const uint8_t *data = view.buf;
    uint8_t context_id = ((const uint8_t *)command.buf)[CONTEXT_ID];
    for (; most > 0; most--) {
        long long header = position + command.len, size;
        if (end - header < HEADERS || memcmp(data + position, command.buf, (size_t)command.len) != 0 ||
            !is_whole(data + header, end - header, context_id, maximum_length, &size))
            break;
        PyObject *data_set = PyBytes_FromStringAndSize((const char *)data + header + HEADERS, (Py_ssize_t)size);
        int failed = data_set == NULL || PyList_Append(data_sets, data_set) != 0;
        Py_XDECREF(data_set);
        if (failed)
            goto done;
        position = header + HEADERS + size;
    }
    result = Py_BuildValue("LO", position, data_sets);
done:
    Py_XDECREF(data_sets);
    PyBuffer_Release(&view);
    PyBuffer_Release(&command);
    return result;
}
