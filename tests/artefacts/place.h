/* Where the arrays of a test stand. By default each has exactly its bytes from malloc; with GUARD_AFTER it ends, and with
   GUARD_BEFORE it begins, at a page that nobody may touch, so that code which is not instrumented is caught as well. */
#ifndef PLACE_H
#define PLACE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *place(size_t bytes) {
#if defined(GUARD_AFTER) || defined(GUARD_BEFORE)
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
  char *start = (char *)mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == (char *)MAP_FAILED || mprotect(start + page, room, PROT_READ | PROT_WRITE)) abort();
#ifdef GUARD_AFTER
  return start + page + room - bytes;
#else
  return start + page;
#endif
#else
  void *start = malloc(bytes);
  if (!start) abort();
  return start;
#endif
}

#ifdef GUARD_MALLOC /* what the library takes for itself stands there, too */
void *malloc(size_t bytes) { return place(bytes); }
void free(void *start) { (void)start; }
#endif

/* A copy of some numbers in a place of their own. */
static const double *given(const double *numbers, size_t count) {
  void *start = place(count * sizeof *numbers);
  memcpy(start, numbers, count * sizeof *numbers);
  return (const double *)start;
}

#endif
