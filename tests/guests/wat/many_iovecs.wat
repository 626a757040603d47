;; SPDX-License-Identifier: Apache-2.0
;; Calls fd_write with 2^32 - 1 iovecs: an error of some kind (EINVAL or EFAULT), and no crash.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (if (i32.eqz (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 64)))
      (then unreachable))))
