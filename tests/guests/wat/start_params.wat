;; SPDX-License-Identifier: Apache-2.0
;; Exports a _start that wants an argument, so it is not a command.
(module
  (memory (export "memory") 1)
  (func (export "_start") (param i32)))
