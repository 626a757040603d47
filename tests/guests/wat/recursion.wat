;; SPDX-License-Identifier: Apache-2.0
;; Calls itself until the guest's stack is used up.
(module
  (memory (export "memory") 1)
  (func $forever (param $depth i32) (result i32)
    (i32.add (i32.const 1) (call $forever (i32.add (local.get $depth) (i32.const 1)))))
  (func (export "_start")
    (drop (call $forever (i32.const 0)))))
