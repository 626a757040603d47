;; SPDX-License-Identifier: Apache-2.0
;; Imports a name that is not among preview 1's functions, from the right module.
(module
  (import "wasi_snapshot_preview1" "fd_levitate" (func $levitate (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $levitate (i32.const 1)))))
