/* thread_windows.c - locks and threads of Windows, in storage that the caller owns. */
#ifdef _WIN32
#include "os/os.h"

#include <windows.h>

struct thread {
    HANDLE handle;
    void (*body)(void *);
    void *arg;
};

_Static_assert(sizeof(SRWLOCK) <= sizeof(struct os_mutex), "room for a lock");
_Static_assert(sizeof(struct thread) <= sizeof(struct os_thread), "room for a thread");

void os_mutex_init(struct os_mutex *mutex)
{
    InitializeSRWLock((SRWLOCK *)(void *)mutex->room);
}

void os_mutex_lock(struct os_mutex *mutex)
{
    AcquireSRWLockExclusive((SRWLOCK *)(void *)mutex->room);
}

void os_mutex_unlock(struct os_mutex *mutex)
{
    ReleaseSRWLockExclusive((SRWLOCK *)(void *)mutex->room);
}

void os_mutex_destroy(struct os_mutex *mutex)
{
    (void)mutex; /* owns nothing */
}

static DWORD WINAPI thread_body(LPVOID arg)
{
    struct thread *thread = arg;

    thread->body(thread->arg);
    return 0;
}

int os_thread_start(struct os_thread *room, void (*body)(void *), void *arg)
{
    struct thread *thread = (struct thread *)(void *)room->room;

    thread->body = body;
    thread->arg = arg;
    thread->handle = CreateThread(NULL, 0, thread_body, thread, 0, NULL);
    return thread->handle ? 0 : -SKEP_EAGAIN;
}

void os_thread_join(struct os_thread *room)
{
    struct thread *thread = (struct thread *)(void *)room->room;

    WaitForSingleObject(thread->handle, INFINITE);
    CloseHandle(thread->handle);
}
#endif
