;; SPDX-License-Identifier: Apache-2.0
;; Imports fd_write with a type that is not fd_write's.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i64) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $fd_write (i64.const 1)))))
