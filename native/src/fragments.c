/* The parts of one command or data set that stand in a row in what was received (PS3.8 section 9.3.5 and Annex E): the
   twin of netty/ul/gathering.py. Whatever is odd about a PDU is left to the reader of any PDU, by stopping in front of it. */

#include "native.h"

/* gather(view, position, end, left, control, context_id, rest_of_pdu, maximum_length)
   -> (position, left, control, complete, start, size)

   Moves fragment behind fragment, so that they lie in one piece from `start` on. `left` bytes of the first one are to come
   from `position` on; `complete`: at least one came to its end. */
PyObject *gather(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer view;
    long long position, end, left, rest_of_pdu, maximum_length;
    int control, context_id;
    if (!PyArg_ParseTuple(arguments, "w*LLLiiLL", &view, &position, &end, &left, &control, &context_id, &rest_of_pdu,
                          &maximum_length))
        return NULL;
    if (position < 0 || left < 0 || end < position || end > view.len) {
        PyBuffer_Release(&view);
        PyErr_SetString(PyExc_ValueError, "the buffer does not hold these fragments");
        return NULL;
    }
    uint8_t *data = view.buf;
    int kind = control & IS_COMMAND, complete = 0;
    long long start = position, size = 0;
    for (;;) {
        long long count = left < end - position ? left : end - position;
        if (count > 0 && start + size != position)
            memmove(data + start + size, data + position, (size_t)count);
        size += count;
        left -= count;
        position += count;
        if (left)
            break;
        complete = 1;
        if (control & IS_LAST || rest_of_pdu || end - position < HEADERS)
            break;
        const uint8_t *header = data + position;
        uint32_t pdu_length = read_32_big(header + 2), length = read_32_big(header + 6);
        int next_context = header[10], next_control = header[11];
        if (header[0] != DATA_TF || pdu_length != (uint64_t)length + LENGTH_FIELD || pdu_length > maximum_length ||
            length < PDV_OVERHEAD || next_context != context_id || (next_control & IS_COMMAND) != kind)
            break;
        position += HEADERS;
        left = length - PDV_OVERHEAD;
        control = next_control;
    }
    PyBuffer_Release(&view);
    return Py_BuildValue("LLiOLL", position, left, control, complete ? Py_True : Py_False, start, size);
}
