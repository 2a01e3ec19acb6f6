/* thread_linux.c - locks and threads over pthreads, in storage that the caller owns. */
#ifndef _WIN32
#include "os/os.h"

#include <pthread.h>

#include "base/error.h"

struct thread {
    pthread_t id;
    void (*body)(void *);
    void *arg;
};

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct os_mutex), "room for a mutex");
_Static_assert(sizeof(struct thread) <= sizeof(struct os_thread), "room for a thread");

void os_mutex_init(struct os_mutex *mutex)
{
    /* Cannot fail without attributes: nothing is allocated. */
    pthread_mutex_init((pthread_mutex_t *)(void *)mutex->room, NULL);
}

void os_mutex_lock(struct os_mutex *mutex)
{
    pthread_mutex_lock((pthread_mutex_t *)(void *)mutex->room);
}

void os_mutex_unlock(struct os_mutex *mutex)
{
    pthread_mutex_unlock((pthread_mutex_t *)(void *)mutex->room);
}

void os_mutex_destroy(struct os_mutex *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)(void *)mutex->room);
}

static void *thread_body(void *arg)
{
    struct thread *thread = arg;

    thread->body(thread->arg);
    return NULL;
}

int os_thread_start(struct os_thread *room, void (*body)(void *), void *arg)
{
    struct thread *thread = (struct thread *)(void *)room->room;
    int sys;

    thread->body = body;
    thread->arg = arg;
    sys = pthread_create(&thread->id, NULL, thread_body, thread);
    return sys ? -error_from_errno(sys) : 0;
}

void os_thread_join(struct os_thread *room)
{
    struct thread *thread = (struct thread *)(void *)room->room;

    pthread_join(thread->id, NULL);
}
#endif
