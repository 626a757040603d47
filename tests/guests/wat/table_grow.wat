;; SPDX-License-Identifier: Apache-2.0
;; Grows its table by ten until that fails. Its exit code is the table's size, in tens.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table $t 10 funcref)
  (func (export "_start")
    (loop $more
      (br_if $more
        (i32.ne (table.grow $t (ref.null func) (i32.const 10)) (i32.const -1))))
    (call $exit (i32.div_u (table.size $t) (i32.const 10)))))
