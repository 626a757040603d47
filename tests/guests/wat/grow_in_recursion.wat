;; SPDX-License-Identifier: Apache-2.0
;; Grows its table by one at each of its calls, without end: the stack ends somewhere, maybe in the
;; middle of that.
(module
  (memory (export "memory") 1)
  (table $t 1 funcref)
  (func $deeper (param $depth i32)
    (drop (table.grow $t (ref.null func) (i32.const 1)))
    (call $deeper (i32.add (local.get $depth) (i32.const 1)))
    (drop (table.size $t)))
  (func (export "_start") (call $deeper (i32.const 0))))
