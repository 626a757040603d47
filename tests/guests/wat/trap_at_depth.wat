;; SPDX-License-Identifier: Apache-2.0
;; Reads 8 bytes of stdin: how deep it is to call itself (u32), and whether it traps there (u32).
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\08\00\00\00")
  (func $descend (param $left i32)
    (if (local.get $left)
      (then
        (call $descend (i32.sub (local.get $left) (i32.const 1)))
        (i32.store (i32.const 32) (local.get $left)))
      (else
        (if (i32.load (i32.const 20)) (then (unreachable))))))
  (func (export "_start")
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $descend (i32.load (i32.const 16)))))
