// SPDX-License-Identifier: Apache-2.0
// The door to private members of libwabt. Without them its interpreter can't be kept within limits:
//
//   frames_   The capacity of a thread's call stack is its limit; the library fixes it at 1,638,
//             too little for Go, and its test in calls through a table is wrong (it goes on after a
//             failure). So room is made between slices of instructions, and the limit is ours.
//   values_   A thread's locals and operands have no limit at all.
//   data_     A memory's bytes are a std::vector, which writes zeroes to all of them at once. So it
//             gets the ends of a mapping instead, which nobody resizes, and gives them up again.
//   pages_    Their number.
//   type_     Of a memory: its size is in its type, too, and weft changes it.
//   refs_     Where a thread believes that references lie on its stack: see interp_core.cpp.
//   Istream   What a function was decoded to. Some instructions are done otherwise.
//   PushCall  starts a function without running it to its end, so that it can be run in slices.
//
// An explicit instantiation may name private members (C++17 [temp.spec]/6), so this is plain C++.
// It fails to compile, and says so, when a later libwabt gives them other names.
#pragma once

#include <cstdlib>
#include <cstring>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/binary-reader.h>
#include <wabt/error.h>
#include <wabt/interp/binary-reader-interp.h>
#include <wabt/interp/interp.h>
#pragma GCC diagnostic pop

namespace weft::wabt_access {

using wabt::interp::DefinedFunc;
using wabt::interp::Frame;
using wabt::interp::RunResult;
using wabt::interp::Thread;
using wabt::interp::Trap;
using wabt::interp::Value;

using FramesMember = std::vector<Frame> Thread::*;
using ValuesMember = std::vector<Value> Thread::*;
using DataMember = wabt::interp::Buffer wabt::interp::Memory::*;
using PagesMember = wabt::interp::u64 wabt::interp::Memory::*;
using StreamMember = wabt::interp::Buffer wabt::interp::Istream::*;
using MemoryTypeMember = wabt::interp::MemoryType wabt::interp::Memory::*;
using PushValuesMember = void (Thread::*)(const wabt::interp::ValueTypes&,
                                          const wabt::interp::Values&);
using PopValuesMember = void (Thread::*)(const wabt::interp::ValueTypes&, wabt::interp::Values*);
using RefsMember = std::vector<wabt::interp::u32> Thread::*;
using PushCallMember = RunResult (Thread::*)(const DefinedFunc&, Trap::Ptr*);

FramesMember member(FramesMember*);
ValuesMember member(ValuesMember*);
DataMember member(DataMember*);
PagesMember member(PagesMember*);
StreamMember member(StreamMember*);
MemoryTypeMember member(MemoryTypeMember*);
PushValuesMember member(PushValuesMember*);
PopValuesMember member(PopValuesMember*);
RefsMember member(RefsMember*);
PushCallMember member(PushCallMember*);

template <class Member, Member kMember>
struct Expose {
  friend Member member(Member*) { return kMember; }
};
template struct Expose<FramesMember, &Thread::frames_>;
template struct Expose<ValuesMember, &Thread::values_>;
template struct Expose<DataMember, &wabt::interp::Memory::data_>;
template struct Expose<PagesMember, &wabt::interp::Memory::pages_>;
template struct Expose<StreamMember, &wabt::interp::Istream::data_>;
template struct Expose<MemoryTypeMember, &wabt::interp::Memory::type_>;
template struct Expose<PushValuesMember, &Thread::PushValues>;
template struct Expose<PopValuesMember, &Thread::PopValues>;
template struct Expose<RefsMember, &Thread::refs_>;
template struct Expose<PushCallMember, &Thread::PushCall>;

inline std::vector<Frame>& frames(Thread& thread) {
  return thread.*member(static_cast<FramesMember*>(nullptr));
}
inline std::vector<Value>& values(Thread& thread) {
  return thread.*member(static_cast<ValuesMember*>(nullptr));
}
inline wabt::interp::Buffer& data(wabt::interp::Istream& code) {
  return code.*member(static_cast<StreamMember*>(nullptr));
}
// Gives these pages to a memory that has no own pages; or takes them from it (null, 0).
inline void set_bytes(wabt::interp::Memory& memory, wabt::interp::u8* bytes, std::size_t pages) {
  wabt::interp::Buffer& data = memory.*member(static_cast<DataMember*>(nullptr));
  wabt::interp::u8* const end = bytes + pages * std::size_t{65'536};
  wabt::interp::u8* const ends[] = {bytes, end, end};
  static_assert(sizeof ends == sizeof data);  // NOLINT: of the object, not of what it holds
  std::memcpy(static_cast<void*>(&data), ends, sizeof ends);
  if (data.data() != bytes || data.size() != static_cast<std::size_t>(end - bytes)) std::abort();
  memory.*member(static_cast<PagesMember*>(nullptr)) = pages;
}
inline wabt::interp::MemoryType& type(wabt::interp::Memory& memory) {
  return memory.*member(static_cast<MemoryTypeMember*>(nullptr));
}
inline void push_values(Thread& thread, const wabt::interp::ValueTypes& types,
                        const wabt::interp::Values& values) {
  (thread.*member(static_cast<PushValuesMember*>(nullptr)))(types, values);
}
inline void pop_values(Thread& thread, const wabt::interp::ValueTypes& types,
                       wabt::interp::Values* values) {
  (thread.*member(static_cast<PopValuesMember*>(nullptr)))(types, values);
}
inline void clear_refs(Thread& thread) {
  (thread.*member(static_cast<RefsMember*>(nullptr))).clear();
}
// Forgets references that a host function was given: libwabt takes their values only.
inline void drop_stale_refs(Thread& thread) {
  auto& refs = thread.*member(static_cast<RefsMember*>(nullptr));
  while (!refs.empty() && refs.back() >= values(thread).size()) refs.pop_back();
}
// What a trap leaves of the calls that were under way.
inline void clear(Thread& thread) {
  frames(thread).clear();
  values(thread).clear();
  clear_refs(thread);
}
inline RunResult push_call(Thread& thread, const DefinedFunc& func, Trap::Ptr* trap) {
  return (thread.*member(static_cast<PushCallMember*>(nullptr)))(func, trap);
}

}  // namespace weft::wabt_access
