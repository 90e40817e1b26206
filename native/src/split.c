/* The elements of an identifier or a command set, in Implicit VR Little Endian (PS3.5 section 7.1.3): the twin of
   decode_identifier in netty/dicom/elements.py and of element_places in netty/dimse/codec.py, where every element is
   whole and of known length. */

#include "native.h"

#define HEADER 8
#define UNDEFINED 0xFFFFFFFFu

/* Puts one value where none of that tag is yet; -1: exception. */
static int put(PyObject *values, uint32_t tag, const uint8_t *value, uint32_t size) {
    PyObject *number = PyLong_FromUnsignedLong(tag);
    if (number == NULL)
        return -1;
    int outcome = PyDict_Contains(values, number);
    if (outcome == 0) {
        PyObject *bytes = PyBytes_FromStringAndSize((const char *)value, (Py_ssize_t)size);
        outcome = bytes == NULL ? -1 : PyDict_SetItem(values, number, bytes);
        Py_XDECREF(bytes);
    }
    Py_DECREF(number);
    return outcome < 0 ? -1 : 0;
}

/* split_elements(data) -> {tag: value}, or None where anything needs a closer look. */
PyObject *split_elements(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer data;
    if (!PyArg_ParseTuple(arguments, "y*", &data))
        return NULL;
    PyObject *values = PyDict_New();
    const uint8_t *at = data.buf;
    Py_ssize_t left = data.len;
    while (values != NULL && left > 0) {
        uint32_t length = left < HEADER ? UNDEFINED : read_32_little(at + 4);
        if (length == UNDEFINED || length > left - HEADER) {
            Py_DECREF(values);
            values = Py_NewRef(Py_None);
            break;
        }
        uint32_t tag = (uint32_t)read_16_little(at) << 16 | read_16_little(at + 2);
        if (put(values, tag, at + HEADER, length) != 0)
            Py_CLEAR(values);
        at += HEADER + length;
        left -= HEADER + (Py_ssize_t)length;
    }
    PyBuffer_Release(&data);
    return values;
}
