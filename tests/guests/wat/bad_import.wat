;; SPDX-License-Identifier: Apache-2.0
;; Imports a function that nobody offers.
(module
  (import "env" "nope" (func $nope))
  (memory (export "memory") 1)
  (func (export "_start") (call $nope)))
