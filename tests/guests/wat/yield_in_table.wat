;; SPDX-License-Identifier: Apache-2.0
;; Calls sched_yield through a table, and by its name.
(module
  (type $errno (func (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (type $errno)))
  (memory (export "memory") 1)
  (table funcref (elem $yield))
  (func (export "_start")
    (if (call_indirect (type $errno) (i32.const 0)) (then unreachable))
    (if (call $yield) (then unreachable))))
