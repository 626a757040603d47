;; SPDX-License-Identifier: Apache-2.0
;; Declares a reference and has no table for it.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (elem declare func $f)
  (func $f)
  (func (export "_start") (call $exit (i32.add (i32.const 7) (ref.is_null (ref.func $f))))))
