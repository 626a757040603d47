;; SPDX-License-Identifier: Apache-2.0
;; Calls functions of the host, and one of its own whose type is written twice, through a table.
(module
  (type $written (func (result i32)))
  (type $again (func (result i32)))
  (type $of_descriptor (func (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (type $written)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (type $of_descriptor)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table $t funcref (elem $yield $close $seven))
  (func $seven (type $again) (i32.const 7))
  (func (export "_start")
    (if (call_indirect (type $again) (i32.const 0)) (then (unreachable)))
    (table.set $t (i32.const 0) (ref.func $yield))
    (if (call_indirect (type $again) (i32.const 0)) (then (unreachable)))
    ;; EBADF is 8.
    (if (i32.ne (i32.const 8) (call_indirect (type $of_descriptor) (i32.const 77) (i32.const 1)))
      (then (unreachable)))
    (call $exit (call_indirect (type $written) (i32.const 2)))))
