// Resolver: finds what a guest's path names without leaving the directory it starts from.
#pragma once

#include <cstdint>

namespace weft::wasip1 {

enum class ResolverKind : std::uint8_t { automatic, openat2, walk };

class Resolver {
 public:
  explicit Resolver(ResolverKind kind) : kind_(kind) {}
  [[nodiscard]] ResolverKind kind() const { return kind_; }

 private:
  ResolverKind kind_;
};

}  // namespace weft::wasip1
