/*
 * test/support/asan/valgrind/memcheck.h - PostgreSQL's marks of memory, told to AddressSanitizer
 *
 * A server compiled with USE_VALGRIND says of every palloc'd chunk, and of every pinned
 * page, what may be touched. This takes the place of valgrind's header, so that a read
 * one byte behind a chunk, or after its pfree, is found at the speed of AddressSanitizer.
 * That freed chunks are marked is wipe_mem's work, which --enable-cassert brings. Whether
 * memory was written before it is read is not known here: the suite "valgrind" looks at that.
 */
#ifndef CLICKSTREAM_ASAN_MEMCHECK_H
#define CLICKSTREAM_ASAN_MEMCHECK_H

#include <sanitizer/asan_interface.h>

#define VALGRIND_MAKE_MEM_DEFINED(address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MAKE_MEM_UNDEFINED(address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MAKE_MEM_NOACCESS(address, size) __asan_poison_memory_region(address, size)
#define VALGRIND_MEMPOOL_ALLOC(pool, address, size) __asan_unpoison_memory_region(address, size)
#define VALGRIND_MEMPOOL_CHANGE(pool, from, to, size) __asan_unpoison_memory_region(to, size)
#define VALGRIND_MEMPOOL_FREE(pool, address) ((void) 0)
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed) ((void) 0)
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void) 0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, size) ((void) 0)
#define VALGRIND_GET_VBITS(address, bits, size) 0
#define VALGRIND_COUNT_ERRORS 0
#define VALGRIND_PRINTF(...) ((void) 0)

#endif
