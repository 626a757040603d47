// SPDX-License-Identifier: Apache-2.0
// WEFT_ASAN, WEFT_TSAN: defined in code that is built with AddressSanitizer or ThreadSanitizer,
// which must be told of each switch of stacks. Both compilers say which one it is, each in its own
// way.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(WEFT_ASAN)
#define WEFT_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(WEFT_TSAN)
#define WEFT_TSAN 1
#endif
