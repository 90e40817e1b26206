/* Writing bytes to a file while a second thread has them taken by somebody else, who computes their digest: what the
   one costs is hidden behind the other, and both are done when the call returns. */

#include "native.h"
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#define WORTH_A_THREAD 65536 /* bytes: fewer are hashed sooner than a thread wakes up */

/* One helper for the process. A process that was forked has none of the threads of its parent, and so makes its own. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pid_t process;
    enum { IDLE, ASKED, DONE } state;
    PyObject *take, *data;
    PyObject *error[3];
} helper = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *help(void *nothing) {
    (void)nothing;
    pthread_mutex_lock(&helper.lock);
    for (;;) {
        while (helper.state != ASKED)
            pthread_cond_wait(&helper.changed, &helper.lock);
        pthread_mutex_unlock(&helper.lock);
        PyGILState_STATE state = PyGILState_Ensure();
        PyObject *result = PyObject_CallFunctionObjArgs(helper.take, helper.data, NULL);
        if (result == NULL)
            PyErr_Fetch(&helper.error[0], &helper.error[1], &helper.error[2]);
        Py_XDECREF(result);
        PyGILState_Release(state);
        pthread_mutex_lock(&helper.lock);
        helper.state = DONE;
        pthread_cond_signal(&helper.changed);
    }
    return NULL;
}

/* Whether the helper has taken the job; the GIL is held. */
static int ask(PyObject *take, PyObject *data) {
    if (helper.process != getpid()) {
        pthread_t thread;
        pthread_mutex_init(&helper.lock, NULL);
        pthread_cond_init(&helper.changed, NULL);
        helper.state = IDLE;
        helper.process = getpid();
        if (pthread_create(&thread, NULL, help, NULL)) {
            helper.process = 0;
            return 0;
        }
        pthread_detach(thread);
    }
    pthread_mutex_lock(&helper.lock);
    int is_free = helper.state == IDLE;
    if (is_free) {
        helper.take = take;
        helper.data = data;
        helper.state = ASKED;
        pthread_cond_signal(&helper.changed);
    }
    pthread_mutex_unlock(&helper.lock);
    return is_free;
}

static void await(void) {
    pthread_mutex_lock(&helper.lock);
    while (helper.state != DONE)
        pthread_cond_wait(&helper.changed, &helper.lock);
    helper.state = IDLE;
    pthread_mutex_unlock(&helper.lock);
}

/* Writes all of it; errno, or 0. */
static int write_all(int descriptor, const char *at, size_t left) {
    while (left) {
        ssize_t written = write(descriptor, at, left);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0) {
            at += written;
            left -= (size_t)written;
        }
    }
    return 0;
}

/* keep(descriptor, data, take): writes `data` to the file, and calls take(data). OSError where it cannot be written. */
PyObject *keep(PyObject *module, PyObject *arguments) {
    (void)module;
    int descriptor;
    PyObject *data, *take;
    Py_buffer bytes;
    if (!PyArg_ParseTuple(arguments, "iOO", &descriptor, &data, &take) ||
        PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0)
        return NULL;
    int is_asked = bytes.len >= WORTH_A_THREAD && ask(take, data);
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = write_all(descriptor, bytes.buf, (size_t)bytes.len);
    if (is_asked)
        await();
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&bytes);
    if (is_asked && helper.error[0] != NULL) {
        PyErr_Restore(helper.error[0], helper.error[1], helper.error[2]);
        helper.error[0] = helper.error[1] = helper.error[2] = NULL;
        return NULL;
    }
    if (failed) {
        errno = failed;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return is_asked ? Py_NewRef(Py_None) : PyObject_CallFunctionObjArgs(take, data, NULL);
}
