/* Whether a header is gone through like one before it: the twin of netty.dicom.excerpt.Way.leads_through. */

#include "native.h"

/* agrees(head, places, passed): whether the bytes of `head` at all places are those of `passed`, one behind the other.
   A place is where it begins and how many bytes it has, 32 bits each. */
PyObject *agrees(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer head, places, passed;
    int does = 1;
    if (!PyArg_ParseTuple(arguments, "y*y*y*", &head, &places, &passed))
        return NULL;
    const uint8_t *place = places.buf, *end = place + places.len / 8 * 8, *expected = passed.buf;
    Py_ssize_t left = passed.len;
    for (; does == 1 && place < end; place += 8) {
        uint32_t at, size;
        memcpy(&at, place, 4);
        memcpy(&size, place + 4, 4);
        if (size > left)
            does = -1;
        else if (at > head.len || size > head.len - at || memcmp((const uint8_t *)head.buf + at, expected, size))
            does = 0;
        expected += does < 0 ? 0 : size;
        left -= does < 0 ? 0 : size;
    }
    if (places.len % 8 || does < 0 || (does == 1 && left))
        PyErr_SetString(PyExc_ValueError, "there are to be as many bytes as the places have");
    PyBuffer_Release(&head);
    PyBuffer_Release(&places);
    PyBuffer_Release(&passed);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(does);
}
