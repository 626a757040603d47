// SPDX-License-Identifier: Apache-2.0
// Boost.JSON itself, compiled in: it is a library of headers when one source says so.
#include <boost/json/src.hpp>
