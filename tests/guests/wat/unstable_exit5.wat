;; SPDX-License-Identifier: Apache-2.0
;; Uses preview 1's older name, wasi_unstable, for an exit with code 5.
(module
  (import "wasi_unstable" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $proc_exit (i32.const 5))))
