// SPDX-License-Identifier: Apache-2.0
// What a program and the library must be compiled alike in, checked when they are linked.
//
// Parts of weft and of Asio are compiled into the program, others into the library, and both work
// on the same objects. A setting that changes their layout in one of the two would end in a crash.
// So each file that reaches Asio's loop refers to a symbol for each setting, as it sees it, and the
// library has only those that it was compiled with. The linker then says, for instance:
//
//   undefined reference to `weft_was_built_with_BOOST_ASIO_DISABLE_THREADS'
//
// and the program must be compiled without that macro, or weft with it. The same holds of the
// version: headers of one and the library of another are refused by the linker, and by the loader
// when the library has been replaced since. (Of the C face WEFT_ABI_VERSION decides: its programs
// refer to none of this.)
#pragma once

#include <boost/version.hpp>

#include "base/sanitizers.h"

#if !defined(__cpp_exceptions)
#error "weft needs exceptions: compile without -fno-exceptions"
#endif

#if defined(BOOST_ASIO_DISABLE_THREADS)
#define WEFT_ASIO_THREADS weft_was_built_with_BOOST_ASIO_DISABLE_THREADS
#else
#define WEFT_ASIO_THREADS weft_was_built_without_BOOST_ASIO_DISABLE_THREADS
#endif
#if defined(BOOST_ASIO_ENABLE_HANDLER_TRACKING) || defined(BOOST_ASIO_CUSTOM_HANDLER_TRACKING)
#define WEFT_ASIO_TRACKING weft_was_built_with_BOOST_ASIO_ENABLE_HANDLER_TRACKING
#else
#define WEFT_ASIO_TRACKING weft_was_built_without_BOOST_ASIO_ENABLE_HANDLER_TRACKING
#endif
#if defined(BOOST_ASIO_DISABLE_EPOLL)
#define WEFT_ASIO_EPOLL weft_was_built_with_BOOST_ASIO_DISABLE_EPOLL
#elif defined(BOOST_ASIO_HAS_IO_URING_AS_DEFAULT) || defined(BOOST_ASIO_HAS_IO_URING)
#define WEFT_ASIO_EPOLL weft_was_built_with_BOOST_ASIO_HAS_IO_URING
#else
#define WEFT_ASIO_EPOLL weft_was_built_without_BOOST_ASIO_DISABLE_EPOLL_and_HAS_IO_URING
#endif
#if defined(__cpp_rtti)
#define WEFT_RTTI weft_was_built_without_fno_rtti
#else
#define WEFT_RTTI weft_was_built_with_fno_rtti
#endif
#if defined(WEFT_ASAN)
#define WEFT_ADDRESS_SANITIZER weft_was_built_with_fsanitize_address
#else
#define WEFT_ADDRESS_SANITIZER weft_was_built_without_fsanitize_address
#endif
#if defined(WEFT_TSAN)
#define WEFT_THREAD_SANITIZER weft_was_built_with_fsanitize_thread
#else
#define WEFT_THREAD_SANITIZER weft_was_built_without_fsanitize_thread
#endif
#if defined(_GLIBCXX_DEBUG)
#define WEFT_CONTAINERS weft_was_built_with_GLIBCXX_DEBUG
#else
#define WEFT_CONTAINERS weft_was_built_without_GLIBCXX_DEBUG
#endif
// Major and minor, as in meson.build: until 1.0 a minor version may change what C++ programs see.
#define WEFT_HEADERS weft_was_built_with_headers_of_version_0_2
#define WEFT_JOINED_NOW(a, b) a##b
#define WEFT_JOINED(a, b) WEFT_JOINED_NOW(a, b)
#define WEFT_BOOST WEFT_JOINED(weft_was_built_with_BOOST_VERSION_, BOOST_VERSION)

extern "C" {
extern const char WEFT_ASIO_THREADS;
extern const char WEFT_ASIO_TRACKING;
extern const char WEFT_ASIO_EPOLL;
extern const char WEFT_RTTI;
extern const char WEFT_ADDRESS_SANITIZER;
extern const char WEFT_THREAD_SANITIZER;
extern const char WEFT_CONTAINERS;
extern const char WEFT_BOOST;
extern const char WEFT_HEADERS;
}

namespace weft {

// One in each file: two files of a program may differ.
[[gnu::used]] static const char* const kAgreement[] = {&WEFT_ASIO_THREADS,
                                                       &WEFT_ASIO_TRACKING,
                                                       &WEFT_ASIO_EPOLL,
                                                       &WEFT_RTTI,
                                                       &WEFT_ADDRESS_SANITIZER,
                                                       &WEFT_THREAD_SANITIZER,
                                                       &WEFT_CONTAINERS,
                                                       &WEFT_BOOST,
                                                       &WEFT_HEADERS};

}  // namespace weft
