;; SPDX-License-Identifier: Apache-2.0
;; Calls itself through a table until the guest's stack is used up.
(module
  (memory (export "memory") 1)
  (type $step (func (param i32) (result i32)))
  (table funcref (elem $forever))
  (func $forever (type $step)
    (i32.add (i32.const 1)
      (call_indirect (type $step)
        (i32.add (local.get 0) (i32.const 1)) (i32.const 0))))
  (func (export "_start")
    (drop (call $forever (i32.const 0)))))
