// SPDX-License-Identifier: Apache-2.0
// What the blocks of docs/embedding.md stand behind when tests/host/installed.py compiles them.
#pragma once

#include <weft/asio.hpp>
#include <weft/weft.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
