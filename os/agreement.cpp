// SPDX-License-Identifier: Apache-2.0
#include "os/agreement.h"

const char WEFT_ASIO_THREADS = 0;
const char WEFT_ASIO_TRACKING = 0;
const char WEFT_ASIO_EPOLL = 0;
const char WEFT_RTTI = 0;
const char WEFT_ADDRESS_SANITIZER = 0;
const char WEFT_THREAD_SANITIZER = 0;
const char WEFT_CONTAINERS = 0;
const char WEFT_BOOST = 0;
const char WEFT_HEADERS = 0;
