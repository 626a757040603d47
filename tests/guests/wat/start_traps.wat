;; SPDX-License-Identifier: Apache-2.0
;; The start function, which runs while the module is made, traps before _start is reached.
(module
  (memory (export "memory") 1)
  (func $at_start unreachable)
  (start $at_start)
  (func (export "_start")))
