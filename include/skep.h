/* skep.h - load, prove, compile and run eBPF inside any program: all public headers of the core library. */
#ifndef SKEP_H
#define SKEP_H

#include <skep/api.h>
#include <skep/error.h>
#include <skep/insn.h>
#include <skep/btf.h>
#include <skep/object.h>
#include <skep/platform.h>
#include <skep/verify.h>
#include <skep/facts.h>
#include <skep/runtime.h>
#include <skep/map.h>
#include <skep/prog.h>
#include <skep/load.h>
#include <skep/backend.h>

#endif
