/* netty_native: the innermost loops of netty, compiled. See native.h. */

#include "native.h"

#define INTERFACE 7 /* what netty/native.py expects; one more with each change of a function's arguments or result */

static PyMethodDef FUNCTIONS[] = {
    {"pass_implicit", pass_implicit, METH_VARARGS, "netty.dicom.plain_elements.pass_implicit"},
    {"pass_explicit", pass_explicit, METH_VARARGS, "netty.dicom.plain_elements.pass_explicit"},
    {"take_alike", take_alike, METH_VARARGS, "netty.ul.alike.by_python"},
    {"split_elements", split_elements, METH_VARARGS, "netty.dicom.elements.decode_identifier"},
    {"gather", gather, METH_VARARGS, "netty.ul.gathering.by_python"},
    {"paint_ramp", paint_ramp, METH_VARARGS, "netty.image.ramp"},
    {"look_up", look_up, METH_VARARGS, "netty.image.pixel_data.apply_table_into, for greys of 8 bits"},
    {"content", content, METH_VARARGS, "netty.image.self_check.content_flags"},
    {"sums", sums, METH_VARARGS, "What netty.image.self_check.is_inverted_against adds up"},
    {"agrees", agrees, METH_VARARGS, "netty.dicom.excerpt.Way.leads_through"},
    {"reduce", reduce, METH_VARARGS, "netty.image.thumbnail.reduced"},
    {"filled", filled, METH_VARARGS, "netty.dicom.stencil.filled"},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module) {
    return add_express(module) ? -1 : PyModule_AddIntConstant(module, "INTERFACE", INTERFACE);
}

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, fill}, {0, NULL}};

static struct PyModuleDef DEFINITION = {
    PyModuleDef_HEAD_INIT, "netty_native", "The innermost loops of netty, compiled.", 0, FUNCTIONS, SLOTS, NULL, NULL,
    NULL,
};

PyMODINIT_FUNC PyInit_netty_native(void);

__attribute__((visibility("default"))) PyMODINIT_FUNC PyInit_netty_native(void) {
    return PyModuleDef_Init(&DEFINITION);
}
