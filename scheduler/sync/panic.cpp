// SPDX-License-Identifier: Apache-2.0
#include "scheduler/sync/panic.h"

#include <cxxabi.h>

#include <cstdlib>
#include <string_view>

namespace weft {
namespace {

// "(TYPE)" of the exception that is being handled.
std::string name_of_current_exception() {
#if defined(__EMSCRIPTEN__)
  return "(unknown)";  // Its exceptions lie in JavaScript, which does not tell.
#else
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "(unknown)";
  int status = 0;
  char* demangled = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  std::string text = std::string("(") + (demangled != nullptr ? demangled : type->name()) + ")";
  std::free(demangled);
  return text;
#endif
}

std::string first_line(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const FatalError& e) {
    return std::string("fatal error: ") + e.what();
  } catch (const std::exception& e) {
    return std::string("panic: ") + e.what();
  } catch (const char* text) {
    return std::string("panic: ") + text;
  } catch (const std::string& text) {
    return "panic: " + text;
  } catch (int number) {
    return "panic: " + std::to_string(number);
  } catch (...) {
    return "panic: " + name_of_current_exception();
  }
}

}  // namespace

void panic(const char* text) {
  throw Panic(text);
}

void fatal_error(const char* text) {
  throw FatalError(text);
}

std::string panic_text(const std::exception_ptr& exception, std::uint64_t g_id) {
  return first_line(exception) + "\n\ngoroutine " + std::to_string(g_id) + " [running]:\n";
}

}  // namespace weft
