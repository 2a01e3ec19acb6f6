/* identity_windows.c - who runs, as helpers tell programs; and waiting. */
#ifdef _WIN32
#include "os/os.h"

#include <string.h>
#include <windows.h>

uint32_t os_pid(void)
{
    return GetCurrentProcessId();
}

uint64_t os_tid(void)
{
    return GetCurrentThreadId();
}

uint64_t os_uid_gid(void)
{
    return 0;
}

void os_comm(char *name, size_t size)
{
    wchar_t path[1024];
    char text[3 * 1024], *base = text, *at;
    DWORD wide;
    int length;

    if (!size)
        return;
    memset(name, 0, size);
    wide = GetModuleFileNameW(NULL, path, 1024);
    if (!wide || wide >= 1024)
        return;
    length =
        WideCharToMultiByte(CP_UTF8, 0, path, (int)wide, text, (int)sizeof text - 1, NULL, NULL);
    if (length <= 0)
        return;
    text[length] = '\0';
    for (at = text; *at; at++)
        if (*at == '\\' || *at == '/')
            base = at + 1;
    length = (int)strlen(base);
    memcpy(name, base, (size_t)length < size ? (size_t)length : size - 1);
}

void os_yield(void)
{
    SwitchToThread();
}

void os_sleep(uint64_t ns)
{
    uint64_t ms = ns / 1000000u + (ns % 1000000u != 0);

    /* INFINITE is the largest DWORD: longer waits go in pieces. */
    for (; ms > 0x7fffffff; ms -= 0x7fffffff)
        Sleep(0x7fffffff);
    Sleep((DWORD)ms);
}
#endif
