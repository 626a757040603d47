;; SPDX-License-Identifier: Apache-2.0
;; Counts in a loop, for ever, and calls nothing.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $again
      (i32.store (i32.const 16) (i32.add (i32.load (i32.const 16)) (i32.const 1)))
      (br $again))))
