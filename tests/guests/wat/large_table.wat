;; SPDX-License-Identifier: Apache-2.0
;; Has a table of 1,500,000 elements; exits with 0 when it has them all.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table 1500000 funcref)
  (func (export "_start") (call $exit (i32.ne (table.size 0) (i32.const 1500000)))))
