// SPDX-License-Identifier: Apache-2.0
// The door to private members of libwabt, without which its interpreter can't be kept in bounds:
//
//   frames_   The capacity of a thread's call stack is its limit; the library fixes it at 1,638,
//             too little for Go, and its check for calls through a table is wrong (it goes on after
//             the failure). So room is made between slices of instructions, and the limit is ours.
//   values_   A thread's locals and operands have no limit at all.
//   data_     A memory's bytes are freed when its instance ends, long before it is collected.
//   type_     Of memories and tables: its maximum is how far they may grow. It is one number for
//             all instances, and fixed; a budget that guests share changes.
//   PushCall  starts a function without running it to its end, so that it can be run in slices.
//
// An explicit instantiation may name private members (C++17 [temp.spec]/6), so this is plain C++;
// it fails to compile, and says so, when a later libwabt names them otherwise.
#pragma once

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
using MemoryTypeMember = wabt::interp::MemoryType wabt::interp::Memory::*;
using TableTypeMember = wabt::interp::TableType wabt::interp::Table::*;
using PushValuesMember = void (Thread::*)(const wabt::interp::ValueTypes&,
                                          const wabt::interp::Values&);
using PopValuesMember = void (Thread::*)(const wabt::interp::ValueTypes&, wabt::interp::Values*);
using RefsMember = std::vector<wabt::interp::u32> Thread::*;
using PushCallMember = RunResult (Thread::*)(const DefinedFunc&, Trap::Ptr*);

FramesMember member(FramesMember*);
ValuesMember member(ValuesMember*);
DataMember member(DataMember*);
MemoryTypeMember member(MemoryTypeMember*);
TableTypeMember member(TableTypeMember*);
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
template struct Expose<MemoryTypeMember, &wabt::interp::Memory::type_>;
template struct Expose<TableTypeMember, &wabt::interp::Table::type_>;
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
inline wabt::interp::Buffer& data(wabt::interp::Memory& memory) {
  return memory.*member(static_cast<DataMember*>(nullptr));
}
inline wabt::interp::MemoryType& type(wabt::interp::Memory& memory) {
  return memory.*member(static_cast<MemoryTypeMember*>(nullptr));
}
inline wabt::interp::TableType& type(wabt::interp::Table& table) {
  return table.*member(static_cast<TableTypeMember*>(nullptr));
}
inline void push_values(Thread& thread, const wabt::interp::ValueTypes& types,
                        const wabt::interp::Values& values) {
  (thread.*member(static_cast<PushValuesMember*>(nullptr)))(types, values);
}
inline void pop_values(Thread& thread, const wabt::interp::ValueTypes& types,
                       wabt::interp::Values* values) {
  (thread.*member(static_cast<PopValuesMember*>(nullptr)))(types, values);
}
// What a trap leaves of the calls that were under way.
inline void clear(Thread& thread) {
  frames(thread).clear();
  values(thread).clear();
  (thread.*member(static_cast<RefsMember*>(nullptr))).clear();
}
inline RunResult push_call(Thread& thread, const DefinedFunc& func, Trap::Ptr* trap) {
  return (thread.*member(static_cast<PushCallMember*>(nullptr)))(func, trap);
}

}  // namespace weft::wabt_access
