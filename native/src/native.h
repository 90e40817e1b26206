/* What the files of this module share. Each function here is the twin of one in netty that is written in Python: it
   gives the same for every input, or leaves what is odd to it. Nothing here decides anything about a peer. */

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
#define HEADERS 12 /* of a P-DATA-TF and the first PDV in it */
#define LENGTH_FIELD 4 /* of a PDV: what the length of a PDU counts besides that of its PDV */
#define PDV_OVERHEAD 2
#define DATA_TF 0x04
#define IS_COMMAND 0x01
#define IS_LAST 0x02

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

#endif
