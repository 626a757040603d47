;; SPDX-License-Identifier: Apache-2.0
;; Fills 64 MiB and writes a line about it, for ever.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1025)
  (data (i32.const 8) "\10\00\00\00\02\00\00\00f\n")
  (func (export "_start")
    (loop $again
      (memory.fill (i32.const 65536) (i32.const 1) (i32.const 67108864))
      (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))
      (br $again))))
